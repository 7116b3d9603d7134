//! The events of recent flows, within limits, joined across traces.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use flow_events::{Event, FieldValue, FlowEvent, IdTokenSummary, TokenHeader, TraceId};
use oauth_types::{AccessTokenClaims, Fingerprint};
use serde::Serialize;
use tokio::sync::watch;

use super::{
    assemble::assemble,
    model::{Actor, Flow, Outcome},
    secret_holders::{SecretCounts, SecretHolders},
};
use crate::scenario_result::ScenarioResult;

/// How much is stored. The oldest flows and tokens are removed first. Bytes are those of events as
/// JSON.
#[derive(Clone, Copy, Debug)]
pub struct FlowLimits {
    pub flows: usize,
    pub events: usize,
    pub bytes: usize,
    pub events_per_flow: usize,
    pub bytes_per_flow: usize,
    /// The traces and `state`s that join a flow.
    pub keys_per_flow: usize,
    pub tokens: usize,
}

impl Default for FlowLimits {
    fn default() -> Self {
        Self {
            flows: 500,
            events: 20_000,
            bytes: 16 * 1_024 * 1_024,
            events_per_flow: 600,
            bytes_per_flow: 512 * 1_024,
            keys_per_flow: 100,
            tokens: 2_000,
        }
    }
}

/// The id of a flow: the trace in which it began.
type FlowId = TraceId;

/// The contents of a token, without the token itself.
#[derive(Clone, Debug, Serialize)]
pub struct TokenInfo {
    pub header: Option<TokenHeader>,
    #[serde(flatten)]
    pub claims: TokenClaims,
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", content = "claims", rename_all = "snake_case")]
pub enum TokenClaims {
    AccessToken(AccessTokenClaims),
    IdToken(IdTokenSummary),
}

/// The stored flows. The page and the exports read them, and are notified of changes.
#[derive(Debug)]
pub struct FlowStore {
    inner: Mutex<Inner>,
    limits: FlowLimits,
    /// The number of changes so far.
    revision: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    flows: HashMap<FlowId, StoredFlow>,
    /// The oldest first.
    order: VecDeque<FlowId>,
    event_count: usize,
    /// The bytes of all events.
    bytes: usize,
    /// The traces and `state`s that belong to a flow which began in another trace.
    joined: HashMap<JoinKey, FlowId>,
    tokens: HashMap<Fingerprint, TokenInfo>,
    token_order: VecDeque<Fingerprint>,
    /// The secrets in flows that were removed.
    removed_secrets: SecretCounts,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum JoinKey {
    Trace(TraceId),
    State(Fingerprint),
}

#[derive(Debug, Default)]
struct StoredFlow {
    events: Vec<FlowEvent>,
    /// The bytes of the events.
    bytes: usize,
    keys: Vec<JoinKey>,
    /// The revision of the last change.
    revision: u64,
    /// The scenario that was played, if it was one.
    scenario: Option<&'static str>,
    /// The result of the scenario, once it has ended.
    result: Option<ScenarioResult>,
    /// The roles that the scenario plays, each with the time at which it begins.
    actors: Vec<(i64, Actor)>,
    /// Whether events were dropped because of the limit.
    truncated: bool,
    /// What the list and the table need to know, if the flow has not changed since.
    digest: Option<Digest>,
}

#[derive(Clone, Debug)]
struct Digest {
    summary: FlowSummary,
    secrets: SecretCounts,
}

/// A flow with everything that the page shows.
#[derive(Clone, Debug, Serialize)]
pub struct FlowDetails {
    pub id: FlowId,
    /// The name of the flow's text.
    pub name: &'static str,
    #[serde(flatten)]
    pub flow: Flow,
    pub tokens: HashMap<Fingerprint, TokenInfo>,
    /// The result of the scenario that was played, if it was one.
    pub result: Option<ScenarioResult>,
    /// Whether events were dropped because of the limit.
    pub truncated: bool,
}

/// A flow in the list.
#[derive(Clone, Debug, Serialize)]
pub struct FlowSummary {
    pub id: FlowId,
    pub name: &'static str,
    pub began_micros: i64,
    pub elapsed_micros: i64,
    pub outcome: Outcome,
    pub status: Option<u16>,
    /// The number of messages.
    pub messages: usize,
    /// Whether the flow only visits a page, or fetches metadata or keys.
    pub background: bool,
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
    pub fn set_actor(&self, trace: TraceId, at_micros: i64, actor: Actor) {
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

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Readers change nothing, so a panic in one leaves the data intact.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StoredFlow {
    /// Assembling a flow takes time, which unchanged flows do not take again.
    fn digest(&mut self, id: FlowId) -> &Digest {
        let (events, scenario) = (&self.events, self.scenario);
        self.digest.get_or_insert_with(|| digest(id, events, scenario))
    }

    /// The role in which a scenario sent a message.
    fn actor_at(&self, micros: i64) -> Option<Actor> {
        let begun = self.actors.iter().rev().find(|(began, _)| *began <= micros);
        begun.or(self.actors.first()).map(|(_, actor)| *actor)
    }

    /// Adds an event, unless the flow then exceeds the limits. Returns whether it was added.
    fn push(&mut self, event: FlowEvent, bytes: usize, limits: &FlowLimits) -> bool {
        let fits = self.events.len() < limits.events_per_flow
            && self.bytes + bytes <= limits.bytes_per_flow;
        if fits {
            self.events.push(event);
            self.bytes += bytes;
        }
        self.truncated |= !fits;
        fits
    }
}

impl Inner {
    fn resolve(&self, id: FlowId) -> FlowId {
        self.joined.get(&JoinKey::Trace(id)).copied().unwrap_or(id)
    }

    fn record(&mut self, event: FlowEvent, revision: u64, limits: &FlowLimits) {
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
    fn make_room(&mut self, id: FlowId, limits: &FlowLimits) {
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

/// Returns every fingerprint in an event.
fn fingerprints(event: &Event) -> Vec<&Fingerprint> {
    let subject = match event {
        Event::TokenIssued { token, .. }
        | Event::IdTokenIssued { token, .. }
        | Event::TokenReused { token, .. } => Some(token),
        _ => None,
    };
    let in_fields = event.fields().iter().filter_map(|field| match &field.value {
        FieldValue::Fingerprint(fingerprint) => Some(fingerprint),
        FieldValue::Text(_) | FieldValue::Secret => None,
    });
    subject.into_iter().chain(in_fields).collect()
}

fn digest(id: FlowId, events: &[FlowEvent], scenario: Option<&'static str>) -> Digest {
    let flow = assemble(events);
    let name = flow_name(&flow, scenario);
    let summary = FlowSummary {
        id,
        name,
        began_micros: flow.began_micros,
        elapsed_micros: flow.ended_micros - flow.began_micros,
        outcome: flow.outcome,
        status: flow.status,
        messages: flow.messages.len(),
        background: BACKGROUND.contains(&name),
    };
    Digest { summary, secrets: SecretCounts::of(&flow.messages) }
}

/// The names of flows that teach nothing.
const BACKGROUND: [&str; 6] =
    ["visit", "visit_a", "visit_c", "metadata", "keys", "resource_metadata"];

/// Names a flow after its scenario, or else after its most characteristic message.
fn flow_name(flow: &Flow, scenario: Option<&'static str>) -> &'static str {
    /// The most characteristic first.
    const CHARACTERISTIC: [&str; 14] = [
        "call_a_legacy",
        "call_a",
        "callback",
        "login_button",
        "authorization_request",
        "my_resource",
        "sign_out",
        "back_channel_logout",
        "revocation",
        "device_authorization",
        "refresh",
        "code_exchange",
        "client_credentials",
        "resource_request",
    ];
    let titles = || flow.messages.iter().map(|message| message.explanation.title);
    let characteristic =
        || CHARACTERISTIC.into_iter().find(|title| titles().any(|known| known == *title));
    let first = || titles().next().filter(|title| !title.is_empty());
    scenario.or_else(characteristic).or_else(first).unwrap_or("visit")
}

#[cfg(test)]
mod tests;
