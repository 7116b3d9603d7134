//! Flows joined across traces, within limits.

use std::collections::{HashMap, VecDeque};

use flow_events::{Event, FieldValue, FlowEvent, TraceId};
use oauth_types::Fingerprint;

use super::{
    FlowId, FlowLimits,
    stored_flow::StoredFlow,
    tokens::{TokenClaims, TokenInfo},
};
use crate::flows::secret_holders::SecretCounts;

/// The stored flows and tokens.
#[derive(Debug, Default)]
pub(super) struct JoinedFlows {
    pub(super) flows: HashMap<FlowId, StoredFlow>,
    /// The oldest first.
    pub(super) order: VecDeque<FlowId>,
    pub(super) event_count: usize,
    /// The bytes of all events.
    pub(super) bytes: usize,
    /// The traces and `state`s that belong to a flow which began in another trace.
    pub(super) joined: HashMap<JoinKey, FlowId>,
    pub(super) tokens: HashMap<Fingerprint, TokenInfo>,
    pub(super) token_order: VecDeque<Fingerprint>,
    /// The secrets in flows that were removed.
    pub(super) removed_secrets: SecretCounts,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum JoinKey {
    Trace(TraceId),
    State(Fingerprint),
}

impl JoinedFlows {
    pub(super) fn resolve(&self, id: FlowId) -> FlowId {
        self.joined.get(&JoinKey::Trace(id)).copied().unwrap_or(id)
    }

    pub(super) fn record(&mut self, event: FlowEvent, revision: u64, limits: &FlowLimits) {
        // The process that sent it may have other limits, or none.
        let event = event.bounded();
        let id = self.flow_of(&event, limits);
        self.make_room(id, limits);
        self.remember_token(&event.event, limits);
        let bytes = event.json_bytes();
        let flow = self.flows.entry(id).or_default();
        (flow.revision, flow.digest) = (revision, None);
        if flow.push(event, bytes, limits) {
            self.event_count += 1;
            self.bytes += bytes;
        }
    }

    /// Returns the flow that an event belongs to. A trace is one flow. Browsers carry no trace from
    /// page to page, so the traces of a login are joined by the `state` parameter.
    fn flow_of(&mut self, event: &FlowEvent, limits: &FlowLimits) -> FlowId {
        let trace = JoinKey::Trace(event.trace_id);
        let states: Vec<JoinKey> = event
            .event
            .fields()
            .iter()
            .filter(|field| field.name == "state")
            .filter_map(|field| match &field.value {
                FieldValue::Fingerprint(state) => Some(JoinKey::State(state.clone())),
                FieldValue::Text(_) | FieldValue::Secret => None,
            })
            .collect();
        let joined =
            |key: &JoinKey| self.joined.get(key).copied().filter(|id| self.flows.contains_key(id));
        let own = joined(&trace)
            .or_else(|| self.flows.contains_key(&event.trace_id).then_some(event.trace_id));
        let id = states.iter().find_map(joined).or(own).unwrap_or(event.trace_id);
        if let Some(own) = own.filter(|own| *own != id) {
            self.merge(own, id, limits);
        }
        for key in (event.trace_id != id).then_some(trace).into_iter().chain(states) {
            self.join(&key, id, limits);
        }
        id
    }

    /// Joins a trace or a `state` to a flow. A flow with too many of them gets no further ones.
    fn join(&mut self, key: &JoinKey, id: FlowId, limits: &FlowLimits) {
        let flow = self.flows.entry(id).or_default();
        if flow.keys.contains(key) {
            return;
        }
        if flow.keys.len() >= limits.keys_per_flow {
            flow.truncated = true;
            return;
        }
        flow.keys.push(key.clone());
        // A state that an earlier flow used joins the newer one.
        if let Some(earlier) = self.joined.insert(key.clone(), id).filter(|earlier| *earlier != id)
            && let Some(earlier) = self.flows.get_mut(&earlier)
        {
            earlier.keys.retain(|own| own != key);
        }
    }

    fn merge(&mut self, from: FlowId, into: FlowId, limits: &FlowLimits) {
        self.order.retain(|id| *id != from);
        let Some(moved) = self.flows.remove(&from) else { return };
        self.event_count -= moved.events.len();
        self.bytes -= moved.bytes;
        for key in &moved.keys {
            self.joined.remove(key);
        }
        for key in [JoinKey::Trace(from)].into_iter().chain(moved.keys) {
            self.join(&key, into, limits);
        }
        let flow = self.flows.entry(into).or_default();
        flow.scenario = flow.scenario.or(moved.scenario);
        flow.result = flow.result.take().or(moved.result);
        flow.actors.extend(moved.actors);
        flow.actors.sort_by_key(|(began, _)| *began);
        flow.truncated |= moved.truncated;
        flow.digest = None;
        for event in moved.events {
            let bytes = event.json_bytes();
            if flow.push(event, bytes, limits) {
                self.event_count += 1;
                self.bytes += bytes;
            }
        }
    }

    /// Adds a flow to the order and removes the oldest ones beyond the limits.
    pub(super) fn make_room(&mut self, id: FlowId, limits: &FlowLimits) {
        if !self.order.contains(&id) {
            self.order.push_back(id);
        }
        while self.order.len() > limits.flows
            || (self.order.len() > 1
                && (self.event_count >= limits.events || self.bytes >= limits.bytes))
        {
            let Some(oldest) = self.order.pop_front() else { return };
            let Some(mut removed) = self.flows.remove(&oldest) else { continue };
            self.removed_secrets.add(&removed.digest(oldest).secrets);
            self.event_count -= removed.events.len();
            self.bytes -= removed.bytes;
            for key in removed.keys {
                self.joined.remove(&key);
            }
        }
        // If it was the oldest one itself, it begins again.
        if !self.order.contains(&id) {
            self.order.push_back(id);
        }
    }

    fn remember_token(&mut self, event: &Event, limits: &FlowLimits) {
        let (token, header, claims) = match event {
            Event::TokenIssued { token, header, claims } => {
                (token, header, TokenClaims::AccessToken(claims.clone()))
            }
            Event::IdTokenIssued { token, header, claims } => {
                (token, header, TokenClaims::IdToken(claims.clone()))
            }
            _ => return,
        };
        let info = TokenInfo { header: header.clone(), claims };
        if self.tokens.insert(token.clone(), info).is_none() {
            self.token_order.push_back(token.clone());
        }
        while self.token_order.len() > limits.tokens {
            if let Some(oldest) = self.token_order.pop_front() {
                self.tokens.remove(&oldest);
            }
        }
    }
}
