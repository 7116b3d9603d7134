//! Mermaid sequence diagrams.

use std::fmt::Write;

use flow_events::{Event, Party};
use pages::Language;
use serde_json::Value;

use crate::{
    check_values::CheckValues,
    flows::{Decision, Flow, Line, LinePart, Message, Role},
    page::texts,
};

/// Renders a flow with the titles of a language.
#[must_use]
pub fn render(flow: &Flow, language: Language) -> String {
    let (texts, check_values) = (texts(language), CheckValues::of(language));
    let diagram = Diagram { flow, texts, check_values, hosts: hosts(flow) };
    let mut output = "sequenceDiagram\n".to_owned();
    // Writing to a string cannot fail.
    let _ = diagram.write_participants(&mut output);
    for line in &flow.lines {
        if let Some(message) = flow.messages.get(line.message) {
            let _ = diagram.write_line(&mut output, message, line);
        }
    }
    output
}

struct Diagram<'a> {
    flow: &'a Flow,
    texts: Value,
    check_values: CheckValues,
    /// The hosts of the Bs, in the order in which they appear.
    hosts: Vec<&'a str>,
}

fn hosts(flow: &Flow) -> Vec<&str> {
    let mut hosts = Vec::new();
    for host in flow.messages.iter().filter_map(|message| message.resource_server.as_deref()) {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

impl Diagram<'_> {
    fn write_participants(&self, output: &mut String) -> std::fmt::Result {
        let mut written = Vec::new();
        for message in &self.flow.messages {
            for party in [message.from, message.to] {
                let id = self.participant(message, party);
                if !written.contains(&id) {
                    writeln!(output, "    participant {id} as {}", self.name(message, party))?;
                    written.push(id);
                }
            }
        }
        Ok(())
    }

    /// The short name of a participant: `A`, `C`, `B`, `B2`, or the role of who calls from outside.
    fn participant(&self, message: &Message, party: Party) -> String {
        match party {
            Party::Client => "A".to_owned(),
            Party::AuthorizationServer => "C".to_owned(),
            Party::Browser => format!("{:?}", message.actor.unwrap_or(Role::Person)),
            Party::ResourceServer => {
                let host = message.resource_server.as_deref();
                match self.hosts.iter().position(|known| Some(*known) == host) {
                    None | Some(0) => "B".to_owned(),
                    Some(at) => format!("B{}", at + 1),
                }
            }
        }
    }

    fn name(&self, message: &Message, party: Party) -> String {
        let of = |kind: &str, name: Value| self.text(&[kind, name.as_str().unwrap_or_default()]);
        let json = |value: Option<Role>| serde_json::json!(value.unwrap_or(Role::Person));
        let (name, role) = match party {
            Party::Browser => {
                (of("actor", json(message.actor)), of("actor_role", json(message.actor)))
            }
            _ => (of("party", serde_json::json!(party)), of("role", serde_json::json!(party))),
        };
        let host = message.resource_server.as_ref().filter(|_| party == Party::ResourceServer);
        escape(&format!("{name} ({})", host.map_or(role, ToString::to_string)))
    }

    fn write_line(&self, output: &mut String, message: &Message, line: &Line) -> std::fmt::Result {
        let (from, to) =
            (self.participant(message, message.from), self.participant(message, message.to));
        let number = line.number.map(|number| format!("{number}. ")).unwrap_or_default();
        match line.part {
            LinePart::Request => {
                let title = match message.explanation.title {
                    "" => String::new(),
                    title => format!("{}<br/>", self.text(&["titles", title])),
                };
                let what = escape(&format!("{} {}", message.method, message.url));
                writeln!(output, "    {from}->>{to}: {number}{title}{what}")
            }
            LinePart::Log => {
                let Some(logged) = &message.logged else { return Ok(()) };
                let location = serde_json::json!(logged.location);
                let note = ["logged", location.as_str().unwrap_or_default(), "note"];
                writeln!(output, "    Note over {to}: {}", escape(&self.text(&note)))
            }
            LinePart::Response => {
                let status = message.response.as_ref().map_or(0, |response| response.status);
                writeln!(output, "    {to}-->>{from}: {number}{status}")
            }
            LinePart::Failure => {
                // The reason is a message of the system, which the detail of the page shows.
                let what = escape(&self.text(&["scenario_errors", "no_response"]));
                writeln!(output, "    {to}--x{from}: {what}")
            }
            LinePart::Decision(index) => {
                let Some(decision) = message.decisions.get(index) else { return Ok(()) };
                let at = self.participant(message, decision.reported_by);
                let what = escape(&self.describe(decision));
                writeln!(output, "    Note over {at}: {number}{what}")
            }
        }
    }

    fn describe(&self, decision: &Decision) -> String {
        match &decision.event {
            Event::TokenReused { token, .. } => {
                self.text(&["decision", "token_reused"]).replace("{token}", &token.to_string())
            }
            Event::TokenIssued { token, .. } => {
                self.text(&["decision", "token_issued"]).replace("{token}", &token.to_string())
            }
            Event::IdTokenIssued { token, .. } => {
                self.text(&["decision", "id_token_issued"]).replace("{token}", &token.to_string())
            }
            Event::TokenRequestRejected { error, description, .. } => {
                let at = if description.is_empty() { "" } else { "_at" };
                self.text(&["decision", &format!("token_request_rejected{at}")])
                    .replace("{error}", error.as_str())
                    .replace("{what}", &self.check_values.translate(description))
            }
            Event::TokenChecked(check) => {
                let rule = serde_json::json!(check.rule);
                let rule = self.text(&["rules", rule.as_str().unwrap_or_default(), "name"]);
                let verdict = if check.passed { "passed" } else { "failed" };
                let mark = if check.passed { '✓' } else { '✗' };
                let found = self.check_values.translate(&check.found);
                format!("{mark} {rule}: {} ({found})", self.text(&["check", verdict]))
            }
            _ => String::new(),
        }
    }

    /// Returns the text with this path of keys.
    fn text(&self, path: &[&str]) -> String {
        let found = path.iter().try_fold(&self.texts, |tree, key| tree.get(key));
        found.and_then(Value::as_str).unwrap_or_default().to_owned()
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
    use flow_events::{Check, Field, FlowEvent, Rule, TraceContext};

    use super::*;
    use crate::flows::assemble;

    #[test]
    fn values_cannot_end_a_line() {
        assert_eq!(escape("a;b\nc %%d #x"), "a,b c #37;#37;d #35;x");
    }

    #[test]
    fn messages_have_titles_and_each_resource_server_is_a_participant() {
        let trace_id = TraceContext::root([7; 24]).unwrap().trace_id;
        let received = |at_micros, host: &str| {
            let (method, path) = ("GET".to_owned(), "/api/resource".to_owned());
            let fields = vec![Field::text("host", host).in_header()];
            let event = Event::RequestReceived { method, path, fields };
            FlowEvent { trace_id, at_micros, reported_by: Party::ResourceServer, event }
        };
        let flow = assemble(&[received(1, "b.example"), received(2, "other.example")]);
        assert_eq!(
            render(&flow, Language::English),
            "sequenceDiagram\n    participant Person as You (browser, curl)\n    \
             participant B as B (b.example)\n    participant B2 as B (other.example)\n    \
             Person->>B: 1. Calls B with the access token<br/>GET /api/resource\n    \
             Person->>B2: Calls B with the access token<br/>GET /api/resource\n"
        );
        assert!(render(&flow, Language::Chinese).contains("携带访问令牌调用 B"));
    }

    #[test]
    fn note_beside_b_shows_what_logs_keep_of_a_secret() {
        let (to, method) = (Party::ResourceServer, "GET".to_owned());
        let fields = vec![Field::secret("secret").in_query()];
        let url = "http://b.example/api".to_owned();
        let event = Event::RequestSent { to, method, url, fields };
        let trace_id = TraceContext::root([7; 24]).unwrap().trace_id;
        let sent = FlowEvent { trace_id, at_micros: 1, reported_by: Party::Client, event };
        let diagram = render(&assemble(&[sent]), Language::English);
        assert!(diagram.ends_with("    Note over B: Logs keep secret=•••\n"), "{diagram}");
    }

    #[test]
    fn failed_check_and_missing_response_are_translated() {
        let trace_id = TraceContext::root([7; 24]).unwrap().trace_id;
        let (method, host) = ("GET".to_owned(), Field::text("host", "b.example").in_header());
        let received =
            Event::RequestReceived { method, path: "/api/resource".to_owned(), fields: vec![host] };
        let check = Event::TokenChecked(Check {
            rule: Rule::Signature,
            passed: false,
            expected: "a valid signature by that key".to_owned(),
            found: "invalid".to_owned(),
        });
        let events = [(1, received), (2, check)].map(|(at_micros, event)| FlowEvent {
            trace_id,
            at_micros,
            reported_by: Party::ResourceServer,
            event,
        });
        let mut flow = assemble(&events);
        let noted = |flow: &Flow, language| {
            let rendered = render(flow, language);
            let note = rendered.lines().find(|line| line.contains('✗')).unwrap();
            note.rsplit_once('(').unwrap().1.to_owned()
        };
        assert_eq!(noted(&flow, Language::English), "invalid)");
        let chinese = noted(&flow, Language::Chinese);
        assert!(!chinese.contains(|c: char| c.is_ascii_alphabetic()), "{chinese}");
        flow.messages[0].failure = Some("Connection refused (os error 111)".to_owned());
        let (at_micros, part) = (3, LinePart::Failure);
        flow.lines.push(Line { at_micros, message: 0, part, number: None });
        let chinese = render(&flow, Language::Chinese);
        assert!(chinese.ends_with("B--xPerson: 没有响应\n"), "{chinese}");
    }
}
