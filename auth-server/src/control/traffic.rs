//! What passes through the public listeners: the journal of requests, and the faults that tests
//! put between C and its clients.

mod endpoint;
mod fault;
mod faults;
mod journal;
mod journal_entry;
mod observe;
mod recording;
mod respond;

pub use endpoint::Endpoint;
pub use fault::{Fault, FaultAction};
pub use faults::{Faults, TooManyFaults};
pub use journal::{Journal, JournalSnapshot};
pub use journal_entry::{
    Authentication, HIDDEN, JournalEntry, public_path, public_value, truncated,
};
pub use observe::observe;

use std::sync::Arc;

use super::next_logins::NextLogins;
use crate::{
    oauth::{authorize::AuthorizationContext, jwks::KeySet},
    tokens::IssuedTokens,
};

/// State of the middleware [`observe`], which the control API reads and changes.
pub struct Traffic {
    pub journal: Journal,
    pub faults: Faults,
    pub next_logins: NextLogins,
    pub authorization: Arc<AuthorizationContext>,
    pub issued_tokens: Arc<IssuedTokens>,
    pub key_set: Arc<KeySet>,
}

impl Traffic {
    /// Returns whether a response had this error code, or a fault has it in its body.
    pub fn has_error(&self, code: &str) -> bool {
        let is_sent = |fault: &Fault| {
            fault.action.body.as_ref().is_some_and(|body| body["error"].as_str() == Some(code))
        };
        self.journal.snapshot().entries.iter().any(|entry| entry.error.as_deref() == Some(code))
            || self.faults.all().iter().any(is_sent)
    }
}
