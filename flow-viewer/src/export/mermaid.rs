//! A sequence diagram as Mermaid draws it.

use std::fmt::Write;

use flow_events::{Event, Party};

use crate::flows::{Flow, Message, Part};

/// The picture of a flow.
#[must_use]
pub fn of(flow: &Flow) -> String {
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

fn write_line(text: &mut String, message: &Message, part: Part) -> std::fmt::Result {
    let (from, to) = (letter(message.from), letter(message.to));
    match part {
        Part::Request => {
            writeln!(text, "    {from}->>{to}: {} {}", plain(&message.method), plain(&message.url))
        }
        Part::Answer => {
            let status = message.answer.as_ref().map_or(0, |answer| answer.status);
            writeln!(text, "    {to}-->>{from}: {status}")
        }
        Part::Failure => {
            writeln!(
                text,
                "    {to}--x{from}: {}",
                plain(message.failure.as_deref().unwrap_or("no answer"))
            )
        }
        Part::Fact(index) => {
            let Some(fact) = message.facts.get(index) else { return Ok(()) };
            writeln!(
                text,
                "    Note over {}: {}",
                letter(fact.reported_by),
                plain(&told(&fact.event))
            )
        }
    }
}

fn told(event: &Event) -> String {
    match event {
        Event::TokenReused { token, expires_in } => {
            format!("uses its pass {token} again, good for {expires_in} s")
        }
        Event::TokenIssued { token, claims, .. } => {
            format!("makes the pass {token} for {}", claims.aud)
        }
        Event::TokenRequestRejected { error, .. } => format!("refuses: {}", error.as_str()),
        Event::TokenChecked(check) => {
            let verdict = if check.passed { "yes" } else { "NO" };
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

/// Mermaid ends a line at a semicolon, takes `#` for the beginning of a character's name, and `%%`
/// for a comment.
fn plain(text: &str) -> String {
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
    fn no_value_can_end_its_line_or_begin_another() {
        assert_eq!(plain("a;b\nc %%d #x"), "a,b c #37;#37;d #35;x");
    }
}
