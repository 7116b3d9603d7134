//! The lines of the sequence diagram, and the numbers of the steps.

use flow_events::{Event, Party};

use super::model::{Fold, Line, LinePart, Message, StepSequence};

/// The titles of messages that are no step of what the flow shows: what sets it off, and what
/// prepares it.
const NO_STEPS: [&str; 13] = [
    "",
    "call_a",
    "call_a_legacy",
    "my_resource",
    "metadata",
    "keys",
    "resource_metadata",
    "test_token",
    "test_outage",
    "visit",
    "visit_a",
    "visit_b",
    "visit_c",
];

/// What distinguishes a step from the one before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StepKey {
    OfDocument(StepSequence, u8),
    OfMessage(usize),
}

/// Returns the lines in their order. A step that takes several messages, as a sign-in does, is
/// numbered where it begins.
#[must_use]
pub fn numbered_lines(messages: &[Message], folds: &[Fold]) -> Vec<Line> {
    let mut lines = lines(messages);
    let is_folded = |message: usize| folds.iter().any(|fold| fold.messages.contains(&message));
    let (mut last, mut steps) = (None, 0);
    for line in &mut lines {
        let Some(message) = messages.get(line.message) else { continue };
        if is_folded(line.message) {
            continue;
        }
        let Some(key) = key_of(messages, line.message, message, line.part) else { continue };
        if last != Some(key) {
            steps += 1;
            line.number = Some(steps);
        }
        last = Some(key);
    }
    lines
}

/// Returns the step that a part of a message is, if it is one.
fn key_of(messages: &[Message], at: usize, message: &Message, part: LinePart) -> Option<StepKey> {
    let step = message.explanation.step;
    match part {
        LinePart::Request if NO_STEPS.contains(&message.explanation.title) => None,
        LinePart::Request => Some(step.map_or(StepKey::OfMessage(at), |step| {
            StepKey::OfDocument(step.sequence, step.number)
        })),
        LinePart::Response => {
            let succeeded = message.response.as_ref().is_some_and(|sent| sent.status < 400);
            let step = step.filter(|_| succeeded)?;
            Some(StepKey::OfDocument(step.sequence, step.response_number?))
        }
        LinePart::Decision(index) => {
            let is_check = |index: usize| {
                let decision = message.decisions.get(index);
                decision.is_some_and(|decision| matches!(decision.event, Event::TokenChecked(_)))
            };
            let is_first = is_check(index) && !(0..index).any(is_check);
            // A B that asks C verifies the token by that request, which is the step.
            let asks = messages.iter().skip(at + 1).any(|later| {
                later.from == Party::ResourceServer
                    && later.explanation.title == "introspection"
                    && later.sent_micros <= message.decisions.get(index).map_or(0, |d| d.at_micros)
            });
            let verifies = message.to == Party::ResourceServer && is_first && !asks;
            verifies.then_some(StepKey::OfDocument(StepSequence::ServerToServer, 4))
        }
        LinePart::Log | LinePart::Failure => None,
    }
}

fn lines(messages: &[Message]) -> Vec<Line> {
    let mut lines = Vec::new();
    for (number, message) in messages.iter().enumerate() {
        let mut add = |at_micros, part| {
            lines.push(Line { at_micros, message: number, part, number: None });
        };
        add(message.sent_micros, LinePart::Request);
        if message.logged.is_some() {
            add(message.sent_micros, LinePart::Log);
        }
        for (index, decision) in message.decisions.iter().enumerate() {
            add(decision.at_micros, LinePart::Decision(index));
        }
        if let Some(response) = &message.response {
            add(response.at_micros, LinePart::Response);
        } else if message.failure.is_some() {
            add(
                message.decisions.last().map_or(message.sent_micros, |decision| decision.at_micros),
                LinePart::Failure,
            );
        }
    }
    lines.sort_by_key(|line| line.at_micros);
    lines
}
