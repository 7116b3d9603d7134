//! The authorization endpoint's own work: what is asked, by whom, and how the answer goes back.

mod answer;
mod proceed;
mod published_keys;
mod read;
mod read_request;
mod ready;
mod request;
mod request_object;

pub use answer::{AnswerTo, ResponseMode, answer};
pub use proceed::Flow;
pub use published_keys::published_keys;
pub use read::{NoAnswer, Reader};
pub use read_request::{new_request_uri, read_request};
pub use ready::ReadyMarks;
pub use request::{AuthorizationRequest, Prompt};
pub use request_object::ALGORITHMS as REQUEST_OBJECT_ALGORITHMS;
