//! A flow told in a terminal, as the document's steps.

use std::fmt::{self, Write};

use flow_events::{Check, Event, Field, FieldValue, Party, Rule};
use flow_viewer::{Answer, Fact, Message, Part, assemble};
use oauth_types::AccessTokenClaims;

use crate::{flow::Flow, paint::Paint};

const NO_STEP: &str = "        ";
/// A asks C for its addresses once, before the first step.
const LOOKING_AROUND: &str = "Before  ";

/// Tell a call of A as the document's four steps, from what really happened.
///
/// It cannot tell a secret: there is none in an event.
#[must_use]
pub fn tell(flow: &Flow) -> String {
    let events: Vec<_> = flow.events.iter().map(|event| (**event).clone()).collect();
    let told = tell_messages(&assemble(&events), Paint::PLAIN);
    format!("{told}  A's caller gets {}: {}\n", flow.status, flow.body.trim())
}

/// Tell every message of a flow, and what the parties decided between them.
#[must_use]
pub fn tell_messages(flow: &flow_viewer::Flow, paint: Paint) -> String {
    let mut story = String::new();
    // A B that asks C begins its fourth step with that; one that needs nobody, with its first
    // check.
    let asks_c = flow.messages.iter().any(|message| message.explained.title == "introspection");
    for line in &flow.lines {
        if let Some(message) = flow.messages.get(line.message) {
            if !asks_c && is_first_check(message, line.part) {
                story.push_str(&format!(
                    "\n{}B looks at the pass by itself\n",
                    paint.bold("Step 4  ")
                ));
            }
            // Writing to a string cannot fail.
            let _ = tell_part(&mut story, message, line.part, paint);
        }
    }
    story
}

fn tell_part(story: &mut String, message: &Message, part: Part, paint: Paint) -> fmt::Result {
    let (from, to) = (letter(message.from), letter(message.to));
    match part {
        Part::Request => {
            let step = step_of_request(message);
            writeln!(
                story,
                "\n{}{from} -> {to}  {} {}",
                paint.bold(&step),
                message.method,
                message.url
            )?;
            tell_fields(story, &message.fields)
        }
        Part::Answer => {
            let Some(Answer { status, elapsed_micros, fields, .. }) = &message.answer else {
                return Ok(());
            };
            let step = step_of_answer(message);
            let status = paint.verdict(&format!("status {status}"), *status < 400);
            writeln!(
                story,
                "\n{}{to} -> {from}  {status} after {} ms",
                paint.bold(&step),
                millis(*elapsed_micros)
            )?;
            tell_fields(story, fields)
        }
        Part::Failure => {
            let reason = message.failure.as_deref().unwrap_or("no answer");
            writeln!(
                story,
                "\n{NO_STEP}{to} -> {from}  {}: {reason}",
                paint.verdict("no answer", false)
            )
        }
        Part::Fact(index) => {
            let Some(fact) = message.facts.get(index) else { return Ok(()) };
            tell_fact(story, fact, paint)
        }
    }
}

fn is_first_check(message: &Message, part: Part) -> bool {
    let check = |fact: &Fact| matches!(fact.event, Event::TokenChecked(_));
    let first = message.facts.iter().position(check).map(Part::Fact);
    message.to == Party::ResourceServer && first == Some(part)
}

fn step_of_request(message: &Message) -> String {
    match message.explained.step {
        Some(step) if !message.from_outside || message.to != Party::ResourceServer => {
            format!("Step {}  ", step.number)
        }
        _ if message.explained.title == "metadata" => LOOKING_AROUND.to_owned(),
        _ => NO_STEP.to_owned(),
    }
}

fn step_of_answer(message: &Message) -> String {
    let granted = message.answer.as_ref().is_some_and(|answer| answer.status < 400);
    let step = message.explained.step.and_then(|step| step.answer).filter(|_| granted);
    step.map_or_else(|| NO_STEP.to_owned(), |step| format!("Step {step}  "))
}

fn tell_fact(story: &mut String, fact: &Fact, paint: Paint) -> fmt::Result {
    match &fact.event {
        Event::TokenReused { token, expires_in } => {
            writeln!(
                story,
                "\nSteps 1 and 2 are not needed: A still has the pass {token}, good for {expires_in} s"
            )
        }
        Event::TokenIssued { claims, .. } => tell_claims(story, claims),
        Event::TokenRequestRejected { error, description, .. } if description.is_empty() => {
            writeln!(story, "    C refuses: {}", error.as_str())
        }
        Event::TokenRequestRejected { error, description, .. } => {
            writeln!(
                story,
                "    C refuses: {}, for {description}",
                paint.verdict(error.as_str(), false)
            )
        }
        Event::TokenChecked(check) => tell_check(story, fact.reported_by, check, paint),
        _ => Ok(()),
    }
}

fn tell_fields(story: &mut String, fields: &[Field]) -> fmt::Result {
    fields.iter().try_for_each(|Field { name, value, .. }| match value {
        FieldValue::Text(text) => writeln!(story, "    {name:<15} {text}"),
        FieldValue::Secret => {
            writeln!(story, "    {name:<15} •••••• (only these two ever see it, no log does)")
        }
        FieldValue::Fingerprint(fingerprint)
            if name.contains("token") || name == "authorization" =>
        {
            writeln!(story, "    {name:<15} [pass {fingerprint}]")
        }
        FieldValue::Fingerprint(fingerprint) => writeln!(story, "    {name:<15} [{fingerprint}…]"),
    })
}

fn tell_claims(story: &mut String, claims: &AccessTokenClaims) -> fmt::Result {
    writeln!(story, "    C makes a pass that says")?;
    let life = claims.exp - claims.iat;
    for (name, value) in [
        ("iss", claims.iss.clone()),
        ("sub", claims.sub.clone()),
        ("client_id", claims.client_id.clone()),
        ("aud", claims.aud.to_string()),
        ("scope", claims.scope.to_string()),
        ("iat", claims.iat.to_string()),
        ("exp", format!("{} (lives {life} s)", claims.exp)),
        ("jti", claims.jti.clone()),
    ] {
        writeln!(story, "      {name:<13} {value}")?;
    }
    Ok(())
}

fn tell_check(story: &mut String, by: Party, check: &Check, paint: Paint) -> fmt::Result {
    let Check { rule, passed, expected, found } = check;
    let (mark, name) = (paint.verdict(if *passed { "yes" } else { "NO " }, *passed), name(*rule));
    let compared = if *passed { found.clone() } else { format!("{found} (wanted: {expected})") };
    writeln!(story, "    {} checks {name:<11} {mark}  {compared}  [{}]", letter(by), rule.source())
}

fn name(rule: Rule) -> &'static str {
    match rule {
        Rule::Algorithm => "algorithm",
        Rule::Type => "type",
        Rule::Key => "key",
        Rule::Signature => "signature",
        Rule::Issuer => "issuer",
        Rule::Audience => "audience",
        Rule::Expiry => "expiry",
        Rule::NotBefore => "not before",
        Rule::IssuedAt => "issued at",
        Rule::Active => "C's word",
        Rule::Scope => "scope",
        Rule::Cached => "memory",
    }
}

fn letter(party: Party) -> &'static str {
    match party {
        Party::Browser => "you",
        Party::Client => "A",
        Party::ResourceServer => "B",
        Party::AuthorizationServer => "C",
    }
}

fn millis(micros: u64) -> String {
    format!("{}.{}", micros / 1_000, micros % 1_000 / 100)
}
