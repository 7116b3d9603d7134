//! Formats the events of a flow as short lines for comparison.

use std::sync::Arc;

use flow_events::{Event, FlowEvent, Party};
use url::Url;

/// Returns one line for each event. A message that both sides report appears once, as its sender
/// reports it.
pub fn script(events: &[Arc<FlowEvent>]) -> Vec<String> {
    events.iter().filter_map(|event| line(event)).collect()
}

fn line(flow_event: &FlowEvent) -> Option<String> {
    let party = letter(flow_event.reported_by);
    Some(match &flow_event.event {
        Event::RequestReceived { .. } | Event::FormReceived { .. } | Event::ResponseSent { .. } => {
            return None;
        }
        Event::RequestSent { to, method, url, .. } => {
            format!("{party} -> {} {method} {}", letter(*to), Url::parse(url).unwrap().path())
        }
        Event::ResponseReceived { from, status, .. } => {
            format!("{} -> {party} {status}", letter(*from))
        }
        Event::RequestFailed { to, .. } => format!("{} -> {party} no response", letter(*to)),
        Event::TokenReused { .. } => format!("{party} reuses its access token"),
        Event::TokenIssued { .. } => format!("{party} issues an access token"),
        Event::IdTokenIssued { .. } => format!("{party} issues an ID token"),
        Event::TokenRequestRejected { error, .. } => format!("{party} rejects: {}", error.as_str()),
        Event::TokenChecked(check) => {
            format!("{party} checks {:?}: {}", check.rule, if check.passed { "yes" } else { "no" })
        }
    })
}

fn letter(party: Party) -> char {
    match party {
        Party::Browser => '?',
        Party::Client => 'A',
        Party::ResourceServer => 'B',
        Party::AuthorizationServer => 'C',
    }
}
