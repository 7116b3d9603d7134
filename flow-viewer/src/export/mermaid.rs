//! Mermaid sequence diagrams.

use std::fmt::Write;

use flow_events::{Event, Party};

use crate::flows::{Flow, LinePart, Message};

/// Renders a flow.
#[must_use]
pub fn render(flow: &Flow) -> String {
    let mut text = "sequenceDiagram\n    participant U as You (browser, curl)\n    participant A as A (client)\n    \
        participant C as C (authorization server)\n    participant B as B (resource server)\n"
        .to_owned();
    for line in &flow.lines {
        if let Some(message) = flow.messages.get(line.message) {
            // Writing to a string cannot fail.
            let _ = write_line(&mut text, message, line.part);
        }
    }
    text
}

fn write_line(text: &mut String, message: &Message, part: LinePart) -> std::fmt::Result {
    let (from, to) = (letter(message.from), letter(message.to));
    match part {
        LinePart::Request => {
            writeln!(
                text,
                "    {from}->>{to}: {} {}",
                escape(&message.method),
                escape(&message.url)
            )
        }
        LinePart::Response => {
            let status = message.response.as_ref().map_or(0, |response| response.status);
            writeln!(text, "    {to}-->>{from}: {status}")
        }
        LinePart::Failure => {
            writeln!(
                text,
                "    {to}--x{from}: {}",
                escape(message.failure.as_deref().unwrap_or("no response"))
            )
        }
        LinePart::Decision(index) => {
            let Some(decision) = message.decisions.get(index) else { return Ok(()) };
            writeln!(
                text,
                "    Note over {}: {}",
                letter(decision.reported_by),
                escape(&describe(&decision.event))
            )
        }
    }
}

fn describe(event: &Event) -> String {
    match event {
        Event::TokenReused { token, expires_in } => {
            format!("reuses access token {token}, valid for {expires_in} s")
        }
        Event::TokenIssued { token, claims, .. } => {
            format!("issues access token {token} for {}", claims.aud)
        }
        Event::TokenRequestRejected { error, .. } => format!("rejects: {}", error.as_str()),
        Event::TokenChecked(check) => {
            let verdict = if check.passed { "passed" } else { "FAILED" };
            format!("{:?}: {verdict} ({})", check.rule, check.found)
        }
        _ => String::new(),
    }
}

fn letter(party: Party) -> char {
    match party {
        Party::Browser => 'U',
        Party::Client => 'A',
        Party::ResourceServer => 'B',
        Party::AuthorizationServer => 'C',
    }
}

/// Escapes what has a meaning in Mermaid: a semicolon ends a line, `#` begins an entity, and `%%` a
/// comment.
fn escape(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            ';' => ','.to_string(),
            '#' => "#35;".to_owned(),
            '%' => "#37;".to_owned(),
            other if other.is_control() => ' '.to_string(),
            other => other.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_end_a_line() {
        assert_eq!(escape("a;b\nc %%d #x"), "a,b c #37;#37;d #35;x");
    }
}
