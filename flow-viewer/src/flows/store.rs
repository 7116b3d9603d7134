//! The events of recent flows, within limits, joined across traces.

mod completion;
mod joined_flows;
mod limits;
mod stored_flow;
mod tokens;
mod views;

use std::sync::{Mutex, MutexGuard, PoisonError};

use flow_events::{FlowEvent, TraceId};
use tokio::sync::watch;

use self::{joined_flows::JoinedFlows, stored_flow::flow_name, tokens::fingerprints};
use super::{assemble::assemble, model::Role, secret_holders::SecretHolders};
use crate::scenario_result::ScenarioResult;

pub use self::{
    limits::FlowLimits,
    views::{FlowDetails, FlowSummary},
};

/// The id of a flow: the trace in which it began.
type FlowId = TraceId;

/// The stored flows. The page and the exports read them, and are notified of changes.
#[derive(Debug)]
pub struct FlowStore {
    inner: Mutex<JoinedFlows>,
    limits: FlowLimits,
    /// The number of changes so far.
    revision: watch::Sender<u64>,
}

impl Default for FlowStore {
    fn default() -> Self {
        Self::new(FlowLimits::default())
    }
}

impl FlowStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new(limits: FlowLimits) -> Self {
        Self { inner: Mutex::default(), limits, revision: watch::Sender::new(0) }
    }

    /// Records events.
    pub fn record(&self, events: impl IntoIterator<Item = FlowEvent>) {
        let mut inner = self.lock();
        let revision = *self.revision.borrow() + 1;
        for event in events {
            inner.record(event, revision, &self.limits);
        }
        drop(inner);
        self.revision.send_replace(revision);
    }

    /// Names the flow of a trace after the scenario that is being played in it.
    pub fn set_scenario(&self, trace: TraceId, scenario: &'static str) {
        let revision = *self.revision.borrow() + 1;
        let mut inner = self.lock();
        inner.make_room(trace, &self.limits);
        let flow = inner.flows.entry(trace).or_default();
        (flow.scenario, flow.revision, flow.digest) = (Some(scenario), revision, None);
    }

    /// Records the role in which the scenario of a trace acts from now on.
    pub fn set_actor(&self, trace: TraceId, at_micros: i64, actor: Role) {
        let mut inner = self.lock();
        let id = inner.resolve(trace);
        let Some(flow) = inner.flows.get_mut(&id) else { return };
        if flow.actors.last().is_none_or(|(_, last)| *last != actor) {
            flow.actors.push((at_micros, actor));
        }
    }

    /// Stores the result of the scenario that was played in a trace.
    pub fn set_result(&self, result: ScenarioResult) {
        let revision = *self.revision.borrow() + 1;
        let mut inner = self.lock();
        let id = inner.resolve(result.flow);
        let Some(flow) = inner.flows.get_mut(&id) else { return };
        (flow.result, flow.revision) = (Some(result), revision);
        drop(inner);
        self.revision.send_replace(revision);
    }

    /// Returns a receiver of the store's revision.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Returns the flows among the newest `limit` that changed after `revision`, newest first.
    #[must_use]
    pub fn changed_since(&self, revision: u64, limit: usize) -> Vec<FlowSummary> {
        let inner = &mut *self.lock();
        let mut changed = Vec::new();
        for id in inner.order.iter().rev().take(limit) {
            let Some(flow) = inner.flows.get_mut(id) else { continue };
            if flow.revision > revision && !flow.events.is_empty() {
                // Assembling a flow takes time, which unchanged flows do not take again.
                changed.push(flow.digest(*id).summary.clone());
            }
        }
        changed
    }

    /// Returns a flow by the trace in which it began, or by any trace that joined it.
    #[must_use]
    pub fn flow(&self, id: FlowId) -> Option<FlowDetails> {
        let inner = self.lock();
        let id = inner.resolve(id);
        let stored = inner.flows.get(&id)?;
        let mut flow = assemble(&stored.events);
        for message in flow.messages.iter_mut().filter(|message| message.external) {
            message.actor = stored.actor_at(message.sent_micros);
        }
        let tokens = stored
            .events
            .iter()
            .flat_map(|event| fingerprints(&event.event))
            .filter_map(|token| Some((token.clone(), inner.tokens.get(token)?.clone())))
            .collect();
        let name = flow_name(&flow, stored.scenario);
        let (result, truncated) = (stored.result.clone(), stored.truncated);
        Some(FlowDetails { id, name, flow, tokens, result, truncated })
    }

    /// Returns the events of a flow.
    #[must_use]
    pub fn events(&self, id: FlowId) -> Option<Vec<FlowEvent>> {
        let inner = self.lock();
        Some(inner.flows.get(&inner.resolve(id))?.events.clone())
    }

    /// Counts the receivers of each secret in all flows, those included that were removed.
    #[must_use]
    pub fn secret_holders(&self) -> [SecretHolders; 3] {
        let inner = &mut *self.lock();
        let mut total = inner.removed_secrets.clone();
        for (id, flow) in &mut inner.flows {
            total.add(&flow.digest(*id).secrets);
        }
        total.table()
    }

    fn lock(&self) -> MutexGuard<'_, JoinedFlows> {
        // Readers change nothing, so a panic in one leaves the data intact.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
