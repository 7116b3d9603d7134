//! Logging in: away to a provider, and back with an answer.

mod answer;
mod begin;
mod finish;
mod refusal;
mod return_to;

pub use answer::Answer;
pub use begin::{Start, begin};
pub use finish::finish;
pub use refusal::Refusal;
pub use return_to::ReturnTo;
