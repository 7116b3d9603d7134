//! From what each party saw to one picture. Pure: the same events make the same picture, in
//! whatever order they came.

use flow_events::{Event, Field, FlowEvent, Party};

use super::model::{Answer, Fact, Flow, Line, Message, Outcome, Part};
use crate::explain::explain;

/// Put the events of one flow together.
#[must_use]
pub fn assemble(events: &[FlowEvent]) -> Flow {
    let mut in_order: Vec<&FlowEvent> = events.iter().collect();
    // Processes send their events apart; those of one process come in their order, which a stable
    // sort keeps.
    in_order.sort_by_key(|told| told.at_micros);
    let mut messages = Vec::new();
    for told in &in_order {
        apply(&mut messages, told);
    }
    for message in &mut messages {
        message.explained = explain(message);
    }
    let (outcome, status) = outcome(&messages);
    Flow {
        lines: lines(&messages),
        messages,
        outcome,
        status,
        began_micros: in_order.first().map_or(0, |told| told.at_micros),
        ended_micros: in_order.last().map_or(0, |told| told.at_micros),
    }
}

fn apply(messages: &mut Vec<Message>, told: &FlowEvent) {
    let by = told.reported_by;
    match &told.event {
        Event::RequestSent { to, method, url, fields } => {
            messages.push(request(by, *to, told.at_micros, method, url, fields));
        }
        Event::ResponseReceived { from, status, elapsed_micros, fields } => {
            if let Some(message) =
                open(messages, |message| message.from == by && message.to == *from)
            {
                let fields =
                    message.answer_headers.drain(..).chain(fields.iter().cloned()).collect();
                let (at_micros, status, elapsed_micros) =
                    (told.at_micros, *status, *elapsed_micros);
                message.answer = Some(Answer { at_micros, status, elapsed_micros, fields });
            }
        }
        Event::RequestFailed { to, reason, .. } => {
            if let Some(message) = open(messages, |message| message.from == by && message.to == *to)
            {
                message.failure = Some(reason.clone());
            }
        }
        Event::RequestReceived { method, path, fields } => {
            arrive(messages, told, method, path, fields)
        }
        Event::FormReceived { fields } => {
            // What its sender told is not told twice.
            if let Some(message) =
                open(messages, |message| message.to == by && message.from_outside)
            {
                message.fields.extend(fields.iter().cloned());
            }
        }
        Event::ResponseSent { status, elapsed_micros, fields } => {
            let Some(message) = open(messages, |message| message.to == by && message.arrived)
            else {
                return;
            };
            if message.from_outside {
                let (at_micros, status, elapsed_micros) =
                    (told.at_micros, *status, *elapsed_micros);
                message.answer =
                    Some(Answer { at_micros, status, elapsed_micros, fields: fields.clone() });
            } else {
                message.answer_headers.clone_from(fields);
            }
        }
        Event::TokenReused { .. }
        | Event::TokenIssued { .. }
        | Event::TokenRequestRejected { .. }
        | Event::TokenChecked(_) => {
            let serving =
                messages.iter().rposition(|message| message.to == by && message.is_open());
            if let Some(message) = serving
                .or_else(|| messages.len().checked_sub(1))
                .and_then(|at| messages.get_mut(at))
            {
                message.facts.push(Fact {
                    at_micros: told.at_micros,
                    reported_by: by,
                    event: told.event.clone(),
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
        answer: None,
        failure: None,
        facts: Vec::new(),
        explained: Default::default(),
        from_outside: false,
        arrived: false,
        answer_headers: Vec::new(),
    }
}

/// Whoever sent it has told of it, or it came from outside.
fn arrive(
    messages: &mut Vec<Message>,
    told: &FlowEvent,
    method: &str,
    path: &str,
    fields: &[Field],
) {
    let by = told.reported_by;
    if let Some(message) =
        open(messages, |message| message.to == by && !message.arrived && !message.from_outside)
    {
        message.arrived = true;
        let unsaid = |field: &&Field| !message.fields.iter().any(|said| said.name == field.name);
        let unsaid: Vec<_> = fields.iter().filter(unsaid).cloned().collect();
        message.fields.splice(0..0, unsaid);
        return;
    }
    let outside = request(Party::Browser, by, told.at_micros, method, path, fields);
    messages.push(Message { from_outside: true, arrived: true, ..outside });
}

/// The last message of this kind that waits for its answer.
fn open(messages: &mut [Message], kind: impl Fn(&Message) -> bool) -> Option<&mut Message> {
    messages.iter_mut().rev().find(|message| message.is_open() && kind(message))
}

fn outcome(messages: &[Message]) -> (Outcome, Option<u16>) {
    let last_outside =
        messages.iter().rev().find(|message| message.from_outside).or(messages.last());
    let status =
        last_outside.and_then(|message| message.answer.as_ref()).map(|answer| answer.status);
    let outcome = match status {
        None if last_outside.is_some_and(|message| message.failure.is_some()) => Outcome::Failed,
        None => Outcome::Running,
        Some(..400) => Outcome::Ok,
        Some(400..500) => Outcome::Refused,
        Some(_) => Outcome::Failed,
    };
    (outcome, status)
}

fn lines(messages: &[Message]) -> Vec<Line> {
    let mut lines = Vec::new();
    for (number, message) in messages.iter().enumerate() {
        let mut add = |at_micros, part| lines.push(Line { at_micros, message: number, part });
        add(message.sent_micros, Part::Request);
        for (index, fact) in message.facts.iter().enumerate() {
            add(fact.at_micros, Part::Fact(index));
        }
        if let Some(answer) = &message.answer {
            add(answer.at_micros, Part::Answer);
        } else if message.failure.is_some() {
            add(
                message.facts.last().map_or(message.sent_micros, |fact| fact.at_micros),
                Part::Failure,
            );
        }
    }
    lines.sort_by_key(|line| line.at_micros);
    lines
}

#[cfg(test)]
mod tests {
    use flow_events::{Check, Rule, TraceContext};
    use oauth_types::Fingerprint;

    use super::*;

    fn told(at_micros: i64, reported_by: Party, event: Event) -> FlowEvent {
        FlowEvent {
            trace_id: TraceContext::root([7; 24]).unwrap().trace_id,
            at_micros,
            reported_by,
            event,
        }
    }

    fn arrived(path: &str) -> Event {
        Event::RequestReceived {
            method: "GET".to_owned(),
            path: path.to_owned(),
            fields: Vec::new(),
        }
    }

    fn answered(status: u16) -> Event {
        Event::ResponseSent {
            status,
            elapsed_micros: 1,
            fields: vec![Field::text("retry-after", "1").in_header()],
        }
    }

    /// A caller asks A, which asks B, which checks the pass.
    fn a_call() -> Vec<FlowEvent> {
        let (a, b) = (Party::Client, Party::ResourceServer);
        let url = "http://b.example/api/resource".to_owned();
        let check = Check {
            rule: Rule::Expiry,
            passed: true,
            expected: String::new(),
            found: String::new(),
        };
        let received =
            Event::ResponseReceived { from: b, status: 200, elapsed_micros: 5, fields: Vec::new() };
        vec![
            told(1, a, arrived("/api/call-b")),
            told(2, a, Event::TokenReused { token: Fingerprint::of("t"), expires_in: 9 }),
            told(
                3,
                a,
                Event::RequestSent { to: b, method: "GET".to_owned(), url, fields: Vec::new() },
            ),
            told(4, b, arrived("/api/resource")),
            told(5, b, Event::TokenChecked(check)),
            told(6, b, answered(200)),
            told(7, a, received),
            told(8, a, answered(200)),
        ]
    }

    #[test]
    fn a_message_that_both_sides_told_of_is_one_message() {
        let flow = assemble(&a_call());
        let parties: Vec<_> =
            flow.messages.iter().map(|message| (message.from, message.to)).collect();
        assert_eq!(
            parties,
            [(Party::Browser, Party::Client), (Party::Client, Party::ResourceServer)]
        );
        assert_eq!((flow.outcome, flow.status), (Outcome::Ok, Some(200)));
        let answer = flow.messages[1].answer.as_ref().unwrap();
        assert_eq!((answer.at_micros, answer.elapsed_micros), (7, 5), "the sender's word");
        assert_eq!(answer.fields.len(), 1, "the receiver's headers: {answer:?}");
    }

    #[test]
    fn the_order_in_which_the_processes_were_heard_does_not_matter() {
        let in_order = format!("{:?}", assemble(&a_call()));
        // B's events come first, then A's, as batches of two processes may.
        let (b, a): (Vec<_>, Vec<_>) =
            a_call().into_iter().partition(|told| told.reported_by == Party::ResourceServer);
        assert_eq!(format!("{:?}", assemble(&[b, a].concat())), in_order);
    }

    #[test]
    fn what_a_party_decides_belongs_to_the_message_that_it_serves() {
        let flow = assemble(&a_call());
        assert!(matches!(flow.messages[0].facts[0].event, Event::TokenReused { .. }));
        assert!(matches!(flow.messages[1].facts[0].event, Event::TokenChecked(_)));
        let parts: Vec<_> = flow.lines.iter().map(|line| (line.message, line.part)).collect();
        let (request, answer, fact) = (Part::Request, Part::Answer, Part::Fact(0));
        assert_eq!(
            parts,
            [(0, request), (0, fact), (1, request), (1, fact), (1, answer), (0, answer)]
        );
    }

    #[test]
    fn a_request_without_an_answer_is_running_until_it_has_failed() {
        let mut events = a_call();
        events.truncate(3);
        assert_eq!(assemble(&events).outcome, Outcome::Running);
        let reason = "connection refused".to_owned();
        events.push(told(
            4,
            Party::Client,
            Event::RequestFailed { to: Party::ResourceServer, reason, elapsed_micros: 1 },
        ));
        events.push(told(5, Party::Client, answered(502)));
        let flow = assemble(&events);
        assert_eq!(
            (flow.outcome, flow.messages[1].failure.as_deref()),
            (Outcome::Failed, Some("connection refused"))
        );
    }
}
