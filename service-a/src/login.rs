//! Logging in: away to a provider, and back with an answer.

mod authorization_response;
mod begin;
mod finish;
mod return_to;

pub use crate::http::page_error::Refusal;
pub use authorization_response::Answer;
pub use begin::{Start, begin};
pub use finish::finish;
pub use return_to::ReturnTo;
