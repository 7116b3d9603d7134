//! The authorization endpoint's own work: what is asked, by whom, and how the answer goes back.

mod authorization_request;
mod consent_ticket;
pub mod endpoint;
mod interaction;
mod published_keys;
mod request;
mod request_object;
mod respond;
mod validate;

pub use authorization_request::{AuthorizationRequest, Prompt};
pub use consent_ticket::ReadyMarks;
pub use interaction::Flow;
pub use published_keys::published_keys;
pub use request::{new_request_uri, read_request};
pub use request_object::ALGORITHMS as REQUEST_OBJECT_ALGORITHMS;
pub use respond::{AnswerTo, ResponseMode, answer};
pub use validate::{NoAnswer, Reader};
