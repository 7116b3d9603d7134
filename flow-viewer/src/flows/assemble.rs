//! Assembles the events of all parties into one flow. Pure: the result does not depend on the order
//! in which the events of different processes arrived.

use flow_events::{Event, Field, FieldValue, FlowEvent, Party};

use super::{
    explain::explain,
    fold::folds,
    logged::logged_secret,
    model::{Decision, Flow, FlowOutcome, Message, Response},
    number::numbered_lines,
};

/// Assembles the events of one flow.
#[must_use]
pub fn assemble(events: &[FlowEvent]) -> Flow {
    let mut sorted: Vec<&FlowEvent> = events.iter().collect();
    // Each process sends its own events in their order, which a stable sort keeps.
    sorted.sort_by_key(|event| event.at_micros);
    let mut messages = Vec::new();
    for event in &sorted {
        apply(&mut messages, event);
    }
    for message in &mut messages {
        message.explanation = explain(message);
        message.logged = logged_secret(message);
    }
    let (outcome, status) = outcome(&messages);
    let folds = folds(&messages);
    Flow {
        lines: numbered_lines(&messages, &folds),
        folds,
        messages,
        outcome,
        status,
        began_micros: sorted.first().map_or(0, |event| event.at_micros),
        ended_micros: sorted.last().map_or(0, |event| event.at_micros),
    }
}

fn apply(messages: &mut Vec<Message>, event: &FlowEvent) {
    let by = event.reported_by;
    match &event.event {
        Event::RequestSent { to, method, url, fields } => {
            let resource_server = match (by, *to) {
                (_, Party::ResourceServer) => host_of(url),
                // B calls C while it serves a request.
                (Party::ResourceServer, _) => {
                    let serving = messages.iter().rfind(|one| one.to == by && one.is_open());
                    serving.and_then(|served| served.resource_server.clone())
                }
                _ => None,
            };
            let sent = request(by, *to, event.at_micros, method, url, fields);
            messages.push(Message { resource_server, ..sent });
        }
        Event::ResponseReceived { from, status, elapsed_micros, fields } => {
            if let Some(message) =
                open(messages, |message| message.from == by && message.to == *from)
            {
                let fields =
                    message.response_headers.drain(..).chain(fields.iter().cloned()).collect();
                let (at_micros, status, elapsed_micros) =
                    (event.at_micros, *status, *elapsed_micros);
                message.response = Some(Response { at_micros, status, elapsed_micros, fields });
            }
        }
        Event::RequestFailed { to, reason, .. } => {
            if let Some(message) = open(messages, |message| message.from == by && message.to == *to)
            {
                message.failure = Some(reason.clone());
            }
        }
        Event::RequestReceived { method, path, fields } => {
            receive(messages, event, method, path, fields);
        }
        Event::FormReceived { fields } => {
            // If the sender has reported the request, its parameters are known.
            if let Some(message) = open(messages, |message| message.to == by && message.external) {
                message.fields.extend(fields.iter().cloned());
            }
        }
        Event::ResponseSent { status, elapsed_micros, fields } => {
            let Some(message) = open(messages, |message| message.to == by && message.received)
            else {
                return;
            };
            if message.external {
                let (at_micros, status, elapsed_micros) =
                    (event.at_micros, *status, *elapsed_micros);
                message.response =
                    Some(Response { at_micros, status, elapsed_micros, fields: fields.clone() });
            } else {
                message.response_headers.clone_from(fields);
            }
        }
        Event::TokenReused { .. }
        | Event::TokenIssued { .. }
        | Event::IdTokenIssued { .. }
        | Event::TokenRequestRejected { .. }
        | Event::TokenChecked(_) => {
            let serving =
                messages.iter().rposition(|message| message.to == by && message.is_open());
            if let Some(message) = serving
                .or_else(|| messages.len().checked_sub(1))
                .and_then(|at| messages.get_mut(at))
            {
                message.decisions.push(Decision {
                    at_micros: event.at_micros,
                    reported_by: by,
                    event: event.event.clone(),
                });
            }
        }
    }
}

fn request(
    from: Party,
    to: Party,
    sent_micros: i64,
    method: &str,
    url: &str,
    fields: &[Field],
) -> Message {
    Message {
        from,
        to,
        sent_micros,
        method: method.to_owned(),
        url: url.to_owned(),
        fields: fields.to_vec(),
        response: None,
        failure: None,
        decisions: Vec::new(),
        resource_server: None,
        actor: None,
        explanation: Default::default(),
        logged: None,
        external: false,
        received: false,
        response_headers: Vec::new(),
    }
}

/// Joins a received request with the one that its sender reported, or adds it as external.
fn receive(
    messages: &mut Vec<Message>,
    event: &FlowEvent,
    method: &str,
    path: &str,
    fields: &[Field],
) {
    let by = event.reported_by;
    if let Some(message) =
        open(messages, |message| message.to == by && !message.received && !message.external)
    {
        message.received = true;
        let is_new = |field: &&Field| !message.fields.iter().any(|known| known.name == field.name);
        let new: Vec<_> = fields.iter().filter(is_new).cloned().collect();
        message.fields.splice(0..0, new);
        return;
    }
    let external = request(Party::Browser, by, event.at_micros, method, path, fields);
    let resource_server = (by == Party::ResourceServer).then(|| host_header(fields)).flatten();
    messages.push(Message { resource_server, external: true, received: true, ..external });
}

/// The host and port of a URL.
#[must_use]
pub fn host_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', '?']).next().map(str::to_owned)
}

fn host_header(fields: &[Field]) -> Option<String> {
    fields.iter().find_map(|field| match &field.value {
        FieldValue::Text(host) if field.name == "host" => Some(host.clone()),
        _ => None,
    })
}

/// The last open message that satisfies `condition`.
fn open(messages: &mut [Message], condition: impl Fn(&Message) -> bool) -> Option<&mut Message> {
    messages.iter_mut().rev().find(|message| message.is_open() && condition(message))
}

fn outcome(messages: &[Message]) -> (FlowOutcome, Option<u16>) {
    let last_external = messages.iter().rev().find(|message| message.external).or(messages.last());
    let status =
        last_external.and_then(|message| message.response.as_ref()).map(|response| response.status);
    let outcome = match status {
        None if last_external.is_some_and(|message| message.failure.is_some()) => {
            FlowOutcome::Failed
        }
        None => FlowOutcome::Running,
        Some(..400) if messages.iter().any(Message::is_legacy) => FlowOutcome::Exposed,
        Some(..400) => FlowOutcome::Ok,
        Some(400..500) => FlowOutcome::Rejected,
        Some(_) => FlowOutcome::Failed,
    };
    (outcome, status)
}

#[cfg(test)]
mod tests {
    use flow_events::{Check, Rule, TraceContext};
    use oauth_types::Fingerprint;

    use super::*;
    use crate::flows::model::LinePart;

    fn event_at(at_micros: i64, reported_by: Party, event: Event) -> FlowEvent {
        FlowEvent {
            trace_id: TraceContext::root([7; 24]).unwrap().trace_id,
            at_micros,
            reported_by,
            event,
        }
    }

    fn received(path: &str) -> Event {
        Event::RequestReceived {
            method: "GET".to_owned(),
            path: path.to_owned(),
            fields: Vec::new(),
        }
    }

    fn response_sent(status: u16) -> Event {
        Event::ResponseSent {
            status,
            elapsed_micros: 1,
            fields: vec![Field::text("retry-after", "1").in_header()],
        }
    }

    /// A call of A, which calls B, which verifies the access token.
    fn a_call() -> Vec<FlowEvent> {
        let (a, b) = (Party::Client, Party::ResourceServer);
        let url = "http://b.example/api/resource".to_owned();
        let check = Check {
            rule: Rule::Expiry,
            passed: true,
            expected: String::new(),
            found: String::new(),
        };
        let response_received =
            Event::ResponseReceived { from: b, status: 200, elapsed_micros: 5, fields: Vec::new() };
        vec![
            event_at(1, a, received("/api/call-b")),
            event_at(2, a, Event::TokenReused { token: Fingerprint::of("t"), expires_in: 9 }),
            event_at(
                3,
                a,
                Event::RequestSent { to: b, method: "GET".to_owned(), url, fields: Vec::new() },
            ),
            event_at(4, b, received("/api/resource")),
            event_at(5, b, Event::TokenChecked(check)),
            event_at(6, b, response_sent(200)),
            event_at(7, a, response_received),
            event_at(8, a, response_sent(200)),
        ]
    }

    #[test]
    fn message_reported_by_both_sides_appears_once() {
        let flow = assemble(&a_call());
        let parties: Vec<_> =
            flow.messages.iter().map(|message| (message.from, message.to)).collect();
        assert_eq!(
            parties,
            [(Party::Browser, Party::Client), (Party::Client, Party::ResourceServer)]
        );
        assert_eq!((flow.outcome, flow.status), (FlowOutcome::Ok, Some(200)));
        let response = flow.messages[1].response.as_ref().unwrap();
        assert_eq!((response.at_micros, response.elapsed_micros), (7, 5), "as the sender measured");
        assert_eq!(response.fields.len(), 1, "the receiver's headers: {response:?}");
    }

    #[test]
    fn arrival_order_of_events_does_not_matter() {
        let sorted = format!("{:?}", assemble(&a_call()));
        // B's batch arrives before A's.
        let (b, a): (Vec<_>, Vec<_>) =
            a_call().into_iter().partition(|event| event.reported_by == Party::ResourceServer);
        assert_eq!(format!("{:?}", assemble(&[b, a].concat())), sorted);
    }

    #[test]
    fn decision_belongs_to_the_request_in_progress() {
        let flow = assemble(&a_call());
        assert!(matches!(flow.messages[0].decisions[0].event, Event::TokenReused { .. }));
        assert!(matches!(flow.messages[1].decisions[0].event, Event::TokenChecked(_)));
        let parts: Vec<_> = flow.lines.iter().map(|line| (line.message, line.part)).collect();
        let (request, response, decision) =
            (LinePart::Request, LinePart::Response, LinePart::Decision(0));
        assert_eq!(
            parts,
            [
                (0, request),
                (0, decision),
                (1, request),
                (1, decision),
                (1, response),
                (0, response)
            ]
        );
    }

    #[test]
    fn request_without_a_response_is_running_until_it_fails() {
        let mut events = a_call();
        events.truncate(3);
        assert_eq!(assemble(&events).outcome, FlowOutcome::Running);
        let reason = "connection refused".to_owned();
        events.push(event_at(
            4,
            Party::Client,
            Event::RequestFailed { to: Party::ResourceServer, reason, elapsed_micros: 1 },
        ));
        events.push(event_at(5, Party::Client, response_sent(502)));
        let flow = assemble(&events);
        assert_eq!(
            (flow.outcome, flow.messages[1].failure.as_deref()),
            (FlowOutcome::Failed, Some("connection refused"))
        );
    }

    #[test]
    fn messages_of_a_resource_server_name_its_host() {
        let mut events = a_call();
        let host = || vec![Field::text("host", "localhost:9003").in_header()];
        let (method, path) = ("GET".to_owned(), "/api/resource".to_owned());
        let outside = Event::RequestReceived { method: method.clone(), path, fields: host() };
        events.push(event_at(20, Party::ResourceServer, outside));
        let url = "http://c.example/oauth/introspect".to_owned();
        let to = Party::AuthorizationServer;
        let asks = Event::RequestSent { to, method, url, fields: Vec::new() };
        events.push(event_at(21, Party::ResourceServer, asks));
        let flow = assemble(&events);
        let hosts: Vec<_> =
            flow.messages.iter().map(|message| message.resource_server.as_deref()).collect();
        assert_eq!(
            hosts,
            [None, Some("b.example"), Some("localhost:9003"), Some("localhost:9003")]
        );
    }
}
