use std::fmt::Write;

use claims::AccessTokenClaims;
use flow_events::{Check, Event, Field, FlowEvent, Party, Rule, Value};

use crate::flow::Flow;

const NO_STEP: &str = "        ";
/// A asks C for its addresses once, before the first step.
const LOOKING_AROUND: &str = "Before  ";

/// Tell a call of A as the document's four steps, from what really happened.
///
/// It cannot tell a secret: there is none in an event.
#[must_use]
pub fn tell(flow: &Flow) -> String {
    let (mut story, mut before) = (String::new(), None);
    for event in &flow.events {
        // A B that asks C begins its fourth step with that; one that needs nobody, with its first check.
        if matches!(event.event, Event::Checked(_)) && before != Some(event.seen_by) {
            story.push_str("\nStep 4  B looks at the pass by itself\n");
        }
        before = Some(event.seen_by);
        // Writing to a string cannot fail.
        let _ = tell_one(&mut story, event);
    }
    let _ = writeln!(story, "  A's caller gets {}: {}", flow.status, flow.body.trim());
    story
}

fn tell_one(story: &mut String, told: &FlowEvent) -> std::fmt::Result {
    let teller = letter(told.seen_by);
    match &told.event {
        Event::RequestSent { to, method, url, fields } => {
            let step = if url.contains("/.well-known/") { LOOKING_AROUND } else { step_of_request(told.seen_by, *to) };
            writeln!(story, "\n{step}{teller} -> {}  {method} {url}", letter(*to))?;
            tell_fields(story, fields)
        }
        Event::ResponseReceived { from, status, elapsed_micros, fields } => {
            let is_token = fields.iter().any(|field| field.name == "access_token");
            let step = if is_token { "Step 2  " } else { NO_STEP };
            let millis = millis(*elapsed_micros);
            writeln!(story, "\n{step}{} -> {teller}  status {status} after {millis} ms", letter(*from))?;
            tell_fields(story, fields)
        }
        Event::RequestFailed { to, reason, elapsed_micros } => {
            writeln!(story, "\n  {} -> {teller}  no answer after {} ms: {reason}", letter(*to), millis(*elapsed_micros))
        }
        Event::TokenReused { token, expires_in } => {
            writeln!(story, "\nSteps 1 and 2 are not needed: A still has the pass {token}, good for {expires_in} s")
        }
        Event::TokenIssued { claims, .. } => tell_claims(story, claims),
        Event::TokenRefused { error, description, .. } if description.is_empty() => {
            writeln!(story, "    C refuses: {}", error.as_str())
        }
        Event::TokenRefused { error, description, .. } => {
            writeln!(story, "    C refuses: {}, for {description}", error.as_str())
        }
        Event::Checked(check) => tell_check(story, check),
    }
}

fn step_of_request(from: Party, to: Party) -> &'static str {
    match (from, to) {
        (Party::Client, Party::AuthorizationServer) => "Step 1  ",
        (Party::Client, Party::ResourceServer) => "Step 3  ",
        (Party::ResourceServer, Party::AuthorizationServer) => "Step 4  ",
        _ => NO_STEP,
    }
}

fn tell_fields(story: &mut String, fields: &[Field]) -> std::fmt::Result {
    fields.iter().try_for_each(|Field { name, value }| match value {
        Value::Text(text) => writeln!(story, "    {name:<15} {text}"),
        Value::Secret => writeln!(story, "    {name:<15} •••••• (never leaves A and C, never logged)"),
        Value::Token(fingerprint) => writeln!(story, "    {name:<15} [pass {fingerprint}]"),
    })
}

fn tell_claims(story: &mut String, claims: &AccessTokenClaims) -> std::fmt::Result {
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

fn tell_check(story: &mut String, check: &Check) -> std::fmt::Result {
    let Check { rule, passed, expected, found } = check;
    let (mark, name) = (if *passed { "yes" } else { "NO " }, name(*rule));
    let compared = if *passed { found.clone() } else { format!("{found} (wanted: {expected})") };
    writeln!(story, "    B checks {name:<11} {mark}  {compared}  [{}]", rule.source())
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
        Rule::Remembered => "memory",
    }
}

fn letter(party: Party) -> &'static str {
    match party {
        Party::Browser => "browser",
        Party::Client => "A",
        Party::ResourceServer => "B",
        Party::AuthorizationServer => "C",
    }
}

fn millis(micros: u64) -> String {
    format!("{}.{}", micros / 1_000, micros % 1_000 / 100)
}
