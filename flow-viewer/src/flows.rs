//! The flows that were seen lately, within bounds.

mod assemble;
mod model;
mod secrets;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use flow_events::{Event, FieldValue, FlowEvent, TokenHeader, TraceId};
use oauth_types::{AccessTokenClaims, Fingerprint};
use serde::Serialize;
use tokio::sync::watch;

pub use assemble::assemble;
pub use model::{Answer, Fact, Flow, Line, Message, Outcome, Part};
pub use secrets::{Holders, Secret, holders, secret_in};

/// How much is kept. The oldest flows leave first.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub flows: usize,
    pub events: usize,
    pub events_of_a_flow: usize,
    pub tokens: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { flows: 500, events: 20_000, events_of_a_flow: 600, tokens: 2_000 }
    }
}

/// A flow's name: the trace in which it began.
pub type FlowId = TraceId;

/// What is known of a token: never the token.
#[derive(Clone, Debug, Serialize)]
pub struct Token {
    pub header: Option<TokenHeader>,
    pub claims: AccessTokenClaims,
}

/// All flows, as the page and the exports read them.
#[derive(Debug)]
pub struct Flows {
    inner: Mutex<Kept>,
    bounds: Bounds,
    /// Counts the changes, for those who wait for one.
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    flows: HashMap<FlowId, Events>,
    /// The oldest first.
    order: VecDeque<FlowId>,
    events: usize,
    /// Traces and `state`s that lead to a flow which began in another trace.
    joined: HashMap<Key, FlowId>,
    tokens: HashMap<Fingerprint, Token>,
    tokens_in_order: VecDeque<Fingerprint>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Trace(TraceId),
    State(Fingerprint),
}

#[derive(Debug, Default)]
struct Events {
    events: Vec<FlowEvent>,
    keys: Vec<Key>,
    changed: u64,
    /// The story that was played, where it was one.
    story: Option<&'static str>,
    /// Events came that did not fit.
    cut: bool,
}

/// A flow with everything that is shown of it.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    pub id: FlowId,
    /// The name of its text.
    pub name: &'static str,
    #[serde(flatten)]
    pub flow: Flow,
    pub tokens: HashMap<Fingerprint, Token>,
    pub secrets: Vec<Holders>,
    /// Events came that did not fit.
    pub cut: bool,
}

/// A flow in the list.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    pub id: FlowId,
    pub name: &'static str,
    pub began_micros: i64,
    pub elapsed_micros: i64,
    pub outcome: Outcome,
    pub status: Option<u16>,
    pub messages: usize,
}

impl Default for Flows {
    fn default() -> Self {
        Self::new(Bounds::default())
    }
}

impl Flows {
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { inner: Mutex::default(), bounds, changes: watch::Sender::new(0) }
    }

    /// Take what was seen.
    pub fn take(&self, events: impl IntoIterator<Item = FlowEvent>) {
        let mut kept = self.lock();
        let change = *self.changes.borrow() + 1;
        for event in events {
            kept.take(event, change, &self.bounds);
        }
        drop(kept);
        self.changes.send_replace(change);
    }

    /// What happens in this trace is this story.
    pub fn name(&self, trace: TraceId, story: &'static str) {
        let change = *self.changes.borrow() + 1;
        let mut kept = self.lock();
        kept.make_room(trace, &self.bounds);
        let events = kept.flows.entry(trace).or_default();
        (events.story, events.changed) = (Some(story), change);
    }

    /// Learn of changes.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The flows that have changed since, the newest first, and no more than `most`.
    #[must_use]
    pub fn changed_since(&self, change: u64, most: usize) -> Vec<Summary> {
        let kept = self.lock();
        let newest_first = kept.order.iter().rev().take(most);
        let known = newest_first.filter_map(|id| Some((*id, kept.flows.get(id)?)));
        let changed =
            known.filter(|(_, events)| events.changed > change && !events.events.is_empty());
        changed.map(|(id, events)| summary(id, events)).collect()
    }

    /// One flow, by the trace in which it began or any other that joined it.
    #[must_use]
    pub fn flow(&self, id: FlowId) -> Option<Seen> {
        let kept = self.lock();
        let id = kept.joined.get(&Key::Trace(id)).copied().unwrap_or(id);
        let events = kept.flows.get(&id)?;
        let flow = assemble(&events.events);
        let mentioned = events.events.iter().flat_map(|told| mentioned(&told.event));
        let tokens = mentioned
            .filter_map(|print| Some((print.clone(), kept.tokens.get(print)?.clone())))
            .collect();
        let secrets = holders(&flow.messages);
        Some(Seen {
            id,
            name: name_of(&flow, events.story),
            flow,
            tokens,
            secrets,
            cut: events.cut,
        })
    }

    /// The events of a flow, for programs.
    #[must_use]
    pub fn events(&self, id: FlowId) -> Option<Vec<FlowEvent>> {
        let kept = self.lock();
        let id = kept.joined.get(&Key::Trace(id)).copied().unwrap_or(id);
        Some(kept.flows.get(&id)?.events.clone())
    }

    /// Who held which secret, in all flows of a name.
    #[must_use]
    pub fn holders_in(&self, names: &[&str]) -> Vec<Holders> {
        let kept = self.lock();
        let flows = kept.flows.values().map(|events| (assemble(&events.events), events.story));
        let wanted = flows.filter(|(flow, story)| names.contains(&name_of(flow, *story)));
        let messages: Vec<Message> = wanted.flat_map(|(flow, _)| flow.messages).collect();
        holders(&messages)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // A reader that panicked has changed nothing.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn take(&mut self, told: FlowEvent, change: u64, bounds: &Bounds) {
        let id = self.flow_of(&told);
        self.make_room(id, bounds);
        self.learn(&told.event, bounds);
        let flow = self.flows.entry(id).or_default();
        flow.changed = change;
        if flow.events.len() < bounds.events_of_a_flow {
            flow.events.push(told);
            self.events += 1;
        } else {
            flow.cut = true;
        }
    }

    /// A trace is one flow. Browsers carry no trace from one page to the next, but the `state` of
    /// their login.
    fn flow_of(&mut self, told: &FlowEvent) -> FlowId {
        let trace = Key::Trace(told.trace_id);
        let states =
            told.event.fields().iter().filter(|field| field.name == "state").filter_map(|field| {
                match &field.value {
                    FieldValue::Fingerprint(print) => Some(Key::State(print.clone())),
                    FieldValue::Text(_) | FieldValue::Secret => None,
                }
            });
        let states: Vec<Key> = states.collect();
        let known =
            |key: &Key| self.joined.get(key).copied().filter(|id| self.flows.contains_key(id));
        let own = known(&trace)
            .or_else(|| self.flows.contains_key(&told.trace_id).then_some(told.trace_id));
        let id = states.iter().find_map(known).or(own).unwrap_or(told.trace_id);
        if let Some(own) = own.filter(|own| *own != id) {
            self.merge(own, id);
        }
        for key in states.into_iter().chain((told.trace_id != id).then_some(trace)) {
            if self.joined.insert(key.clone(), id).is_none() {
                self.flows.entry(id).or_default().keys.push(key);
            }
        }
        id
    }

    /// Two flows turn out to be one.
    fn merge(&mut self, from: FlowId, into: FlowId) {
        self.order.retain(|id| *id != from);
        let Some(moved) = self.flows.remove(&from) else { return };
        for key in moved.keys.iter().cloned().chain([Key::Trace(from)]) {
            self.joined.insert(key, into);
        }
        let flow = self.flows.entry(into).or_default();
        flow.events.extend(moved.events);
        flow.keys.extend(moved.keys);
        flow.keys.push(Key::Trace(from));
        flow.story = flow.story.or(moved.story);
    }

    fn make_room(&mut self, id: FlowId, bounds: &Bounds) {
        if !self.order.contains(&id) {
            self.order.push_back(id);
        }
        while self.order.len() > bounds.flows
            || (self.events >= bounds.events && self.order.len() > 1)
        {
            let Some(oldest) = self.order.pop_front() else { return };
            let Some(gone) = self.flows.remove(&oldest) else { continue };
            self.events -= gone.events.len();
            for key in gone.keys {
                self.joined.remove(&key);
            }
        }
    }

    fn learn(&mut self, event: &Event, bounds: &Bounds) {
        let Event::TokenIssued { token, header, claims } = event else { return };
        let known = Token { header: header.clone(), claims: claims.clone() };
        if self.tokens.insert(token.clone(), known).is_none() {
            self.tokens_in_order.push_back(token.clone());
        }
        while self.tokens_in_order.len() > bounds.tokens {
            if let Some(oldest) = self.tokens_in_order.pop_front() {
                self.tokens.remove(&oldest);
            }
        }
    }
}

fn mentioned(event: &Event) -> Vec<&Fingerprint> {
    let own = match event {
        Event::TokenIssued { token, .. } | Event::TokenReused { token, .. } => Some(token),
        _ => None,
    };
    let carried = event.fields().iter().filter_map(|field| match &field.value {
        FieldValue::Fingerprint(print) => Some(print),
        FieldValue::Text(_) | FieldValue::Secret => None,
    });
    own.into_iter().chain(carried).collect()
}

fn summary(id: FlowId, events: &Events) -> Summary {
    let flow = assemble(&events.events);
    Summary {
        id,
        name: name_of(&flow, events.story),
        began_micros: flow.began_micros,
        elapsed_micros: flow.ended_micros - flow.began_micros,
        outcome: flow.outcome,
        status: flow.status,
        messages: flow.messages.len(),
    }
}

/// A flow is called as the story that was played, or as its most telling message.
fn name_of(flow: &Flow, story: Option<&'static str>) -> &'static str {
    const TELLING: [&str; 14] = [
        "call_a_old_way",
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
    let has =
        |title: &&&str| flow.messages.iter().any(|message| message.explained.title == **title);
    let first = || {
        flow.messages
            .first()
            .map(|message| message.explained.title)
            .filter(|title| !title.is_empty())
    };
    story.or_else(|| TELLING.iter().find(has).copied()).or_else(first).unwrap_or("visit")
}

#[cfg(test)]
mod tests;
