//! Waiting for the events of a flow, which arrive after the responses that they are about.

use std::time::Duration;

use super::{FlowId, FlowStore, assemble};

impl FlowStore {
    /// Waits until a flow has the responses to `count` requests from outside, or until `timeout`
    /// has passed: a server may report its events to another viewer, or to none.
    pub(crate) async fn wait_for_responses(&self, id: FlowId, count: usize, timeout: Duration) {
        let mut changes = self.subscribe();
        let arrived =
            async { while !self.has_responses(id, count) && changes.changed().await.is_ok() {} };
        // Without them, the flow is shown as it is.
        let _ = tokio::time::timeout(timeout, arrived).await;
    }

    /// Whether the responses are there. No more events are stored of a flow that is too long, or
    /// that was removed.
    fn has_responses(&self, id: FlowId, count: usize) -> bool {
        let inner = self.lock();
        let Some(stored) = inner.flows.get(&inner.resolve(id)) else { return true };
        let flow = assemble(&stored.events);
        let has_response =
            flow.messages.iter().filter(|one| one.external && one.response.is_some());
        stored.truncated || has_response.count() >= count
    }
}
