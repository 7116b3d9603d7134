use std::sync::Arc;

use super::{
    Traffic,
    journal_entry::{Outcome, RequestFacts},
};
use crate::authentication_mark::AuthenticationMark;

/// Adds a request to the journal when it is dropped. C drops a request that it has not answered if
/// the client gives up, or if it takes too long.
pub struct Recording {
    pub facts: RequestFacts,
    pub authenticated: AuthenticationMark,
    pub fault_id: Option<u64>,
    traffic: Arc<Traffic>,
    generation: u64,
    status: Option<u16>,
    error: Option<String>,
}

impl Recording {
    pub fn new(traffic: Arc<Traffic>, facts: RequestFacts) -> Self {
        Self {
            facts,
            authenticated: AuthenticationMark::default(),
            fault_id: None,
            generation: traffic.journal.generation(),
            traffic,
            status: None,
            error: None,
        }
    }

    /// Records the response. `status` is unset if the client does not see one.
    pub fn answered(mut self, status: Option<u16>, error: Option<String>) {
        (self.status, self.error) = (status, error);
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let outcome = Outcome {
            authenticated: self.authenticated.is_set(),
            status: self.status,
            error: self.error.take(),
            fault_id: self.fault_id,
        };
        let at_millis = self.traffic.authorization.clock.millis();
        self.traffic.journal.add(self.generation, self.facts.entry(at_millis, outcome));
    }
}
