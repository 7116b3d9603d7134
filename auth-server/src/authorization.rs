//! The authorization endpoint's own work: what is asked, by whom, and how the answer goes back.

mod answer;
mod proceed;
mod read;
mod request;

pub use answer::{AnswerTo, ResponseMode, answer};
pub use proceed::{Flow, read_request};
pub use read::{NoAnswer, Reader};
pub use request::{AuthorizationRequest, Prompt};
