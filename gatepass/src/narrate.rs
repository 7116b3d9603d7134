//! Prints a flow in a terminal, as the steps of the source document.

use std::fmt::{self, Write};

use flow_events::{Check, Event, Field, FieldValue, Party, Rule};
use flow_viewer::{Decision, Flow, LinePart, Message, Response, assemble};
use oauth_types::AccessTokenClaims;

use crate::{color::Colors, observe::ObservedCall};

const NO_STEP: &str = "        ";
/// A reads C's metadata once, before the first step.
const BEFORE: &str = "Before  ";

/// Renders a call of A as the four steps of the source document.
///
/// The output holds no secrets, because events hold none.
#[must_use]
pub fn narrate_call(call: &ObservedCall) -> String {
    let events: Vec<_> = call.events.iter().map(|event| (**event).clone()).collect();
    let steps = narrate_flow(&assemble(&events), Colors::OFF);
    format!("{steps}  A responds to its caller with {}: {}\n", call.status, call.body.trim())
}

/// Renders every message of a flow and the decisions between them.
#[must_use]
pub fn narrate_flow(flow: &Flow, colors: Colors) -> String {
    let mut output = String::new();
    // Step 4 begins with the introspection request, or with the first check of a B that verifies
    // locally.
    let introspects =
        flow.messages.iter().any(|message| message.explanation.title == "introspection");
    for line in &flow.lines {
        if let Some(message) = flow.messages.get(line.message) {
            if !introspects && is_first_check(message, line.part) {
                output.push_str(&format!(
                    "\n{}B verifies the access token locally\n",
                    colors.bold("Step 4  ")
                ));
            }
            // Writing to a string cannot fail.
            let _ = write_line(&mut output, message, line.part, colors);
        }
    }
    output
}

fn write_line(
    output: &mut String,
    message: &Message,
    part: LinePart,
    colors: Colors,
) -> fmt::Result {
    let (from, to) = (letter(message.from), letter(message.to));
    match part {
        LinePart::Request => {
            let step = step_of_request(message);
            writeln!(
                output,
                "\n{}{from} -> {to}  {} {}",
                colors.bold(&step),
                message.method,
                message.url
            )?;
            write_fields(output, &message.fields)
        }
        LinePart::Response => {
            let Some(Response { status, elapsed_micros, fields, .. }) = &message.response else {
                return Ok(());
            };
            let step = step_of_response(message);
            let status = colors.verdict(&format!("status {status}"), *status < 400);
            writeln!(
                output,
                "\n{}{to} -> {from}  {status} after {} ms",
                colors.bold(&step),
                millis(*elapsed_micros)
            )?;
            write_fields(output, fields)
        }
        LinePart::Failure => {
            let reason = message.failure.as_deref().unwrap_or("no response");
            writeln!(
                output,
                "\n{NO_STEP}{to} -> {from}  {}: {reason}",
                colors.verdict("no response", false)
            )
        }
        LinePart::Decision(index) => {
            let Some(decision) = message.decisions.get(index) else { return Ok(()) };
            write_decision(output, decision, colors)
        }
    }
}

fn is_first_check(message: &Message, part: LinePart) -> bool {
    let check = |decision: &Decision| matches!(decision.event, Event::TokenChecked(_));
    let first = message.decisions.iter().position(check).map(LinePart::Decision);
    message.to == Party::ResourceServer && first == Some(part)
}

fn step_of_request(message: &Message) -> String {
    match message.explanation.step {
        Some(step) if !message.external || message.to != Party::ResourceServer => {
            format!("Step {}  ", step.number)
        }
        _ if message.explanation.title == "metadata" => BEFORE.to_owned(),
        _ => NO_STEP.to_owned(),
    }
}

fn step_of_response(message: &Message) -> String {
    let succeeded = message.response.as_ref().is_some_and(|response| response.status < 400);
    let step = message.explanation.step.and_then(|step| step.response_number).filter(|_| succeeded);
    step.map_or_else(|| NO_STEP.to_owned(), |step| format!("Step {step}  "))
}

fn write_decision(output: &mut String, decision: &Decision, colors: Colors) -> fmt::Result {
    match &decision.event {
        Event::TokenReused { token, expires_in } => {
            writeln!(
                output,
                "\nSteps 1 and 2 are skipped: A has a cached access token {token}, valid for {expires_in} s"
            )
        }
        Event::TokenIssued { claims, .. } => write_claims(output, claims),
        Event::TokenRequestRejected { error, description, .. } if description.is_empty() => {
            writeln!(output, "    C rejects: {}", error.as_str())
        }
        Event::TokenRequestRejected { error, description, .. } => {
            writeln!(
                output,
                "    C rejects: {} ({description})",
                colors.verdict(error.as_str(), false)
            )
        }
        Event::TokenChecked(check) => write_check(output, decision.reported_by, check, colors),
        _ => Ok(()),
    }
}

fn write_fields(output: &mut String, fields: &[Field]) -> fmt::Result {
    fields.iter().try_for_each(|Field { name, value, .. }| match value {
        FieldValue::Text(text) => writeln!(output, "    {name:<15} {text}"),
        FieldValue::Secret => {
            writeln!(output, "    {name:<15} •••••• (only sender and receiver see it; no log does)")
        }
        FieldValue::Fingerprint(fingerprint)
            if name.contains("token") || name == "authorization" =>
        {
            writeln!(output, "    {name:<15} [token {fingerprint}]")
        }
        FieldValue::Fingerprint(fingerprint) => writeln!(output, "    {name:<15} [{fingerprint}…]"),
    })
}

fn write_claims(output: &mut String, claims: &AccessTokenClaims) -> fmt::Result {
    writeln!(output, "    C issues an access token with")?;
    let lifetime = claims.exp - claims.iat;
    for (name, value) in [
        ("iss", claims.iss.clone()),
        ("sub", claims.sub.clone()),
        ("client_id", claims.client_id.clone()),
        ("aud", claims.aud.to_string()),
        ("scope", claims.scope.to_string()),
        ("iat", claims.iat.to_string()),
        ("exp", format!("{} (lifetime {lifetime} s)", claims.exp)),
        ("jti", claims.jti.clone()),
    ] {
        writeln!(output, "      {name:<13} {value}")?;
    }
    Ok(())
}

fn write_check(output: &mut String, by: Party, check: &Check, colors: Colors) -> fmt::Result {
    let Check { rule, passed, expected, found } = check;
    let (mark, name) =
        (colors.verdict(if *passed { "ok    " } else { "FAILED" }, *passed), name(*rule));
    let compared = if *passed { found.clone() } else { format!("{found} (expected: {expected})") };
    writeln!(output, "    {} checks {name:<11} {mark}  {compared}  [{}]", letter(by), rule.source())
}

fn name(rule: Rule) -> &'static str {
    match rule {
        Rule::Algorithm => "algorithm",
        Rule::Type => "type",
        Rule::Kind => "kind",
        Rule::Claim => "claim",
        Rule::Key => "key",
        Rule::Signature => "signature",
        Rule::Issuer => "issuer",
        Rule::Audience => "audience",
        Rule::Expiry => "expiry",
        Rule::NotBefore => "not before",
        Rule::IssuedAt => "issued at",
        Rule::Active => "active",
        Rule::Scope => "scope",
        Rule::Cached => "cached",
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
