use flow_events::FlowEvent;

use super::{FlowId, FlowLimits, FlowSummary, joined_flows::JoinKey};
use crate::{
    flows::{
        assemble::assemble,
        model::{Flow, Role},
        secret_holders::SecretCounts,
    },
    scenario_result::ScenarioResult,
};

/// A flow as it is stored: its events, and what is known about the scenario.
#[derive(Debug, Default)]
pub(super) struct StoredFlow {
    pub(super) events: Vec<FlowEvent>,
    /// The bytes of the events.
    pub(super) bytes: usize,
    pub(super) keys: Vec<JoinKey>,
    /// The revision of the last change.
    pub(super) revision: u64,
    /// The scenario that was played, if it was one.
    pub(super) scenario: Option<&'static str>,
    /// The result of the scenario, once it has ended.
    pub(super) result: Option<ScenarioResult>,
    /// The roles that the scenario plays, each with the time at which it begins.
    pub(super) actors: Vec<(i64, Role)>,
    /// Whether events were dropped because of the limit.
    pub(super) truncated: bool,
    /// What the list and the table need to know, if the flow has not changed since.
    pub(super) digest: Option<Digest>,
}

/// What the list and the table need to know of a flow.
#[derive(Clone, Debug)]
pub(super) struct Digest {
    pub(super) summary: FlowSummary,
    pub(super) secrets: SecretCounts,
}

impl StoredFlow {
    /// Assembling a flow takes time, which unchanged flows do not take again.
    pub(super) fn digest(&mut self, id: FlowId) -> &Digest {
        let (events, scenario) = (&self.events, self.scenario);
        self.digest.get_or_insert_with(|| digest(id, events, scenario))
    }

    /// The role in which a scenario sent a message.
    pub(super) fn actor_at(&self, micros: i64) -> Option<Role> {
        let begun = self.actors.iter().rev().find(|(began, _)| *began <= micros);
        begun.or(self.actors.first()).map(|(_, actor)| *actor)
    }

    /// Adds an event, unless the flow then exceeds the limits. Returns whether it was added.
    pub(super) fn push(&mut self, event: FlowEvent, bytes: usize, limits: &FlowLimits) -> bool {
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
const BACKGROUND: [&str; 7] =
    ["visit", "visit_a", "visit_b", "visit_c", "metadata", "keys", "resource_metadata"];

/// Names a flow after its scenario, or else after its most characteristic message.
pub(super) fn flow_name(flow: &Flow, scenario: Option<&'static str>) -> &'static str {
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
