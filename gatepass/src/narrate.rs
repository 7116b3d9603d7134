//! Prints a flow in a terminal, as the steps of `docs/learn`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write},
};

use flow_events::{Check, Event, Field, FieldValue, Party};
use flow_viewer::{Decision, Flow, Line, LinePart, Message, Response, Role, assemble};
use oauth_types::AccessTokenClaims;
use pages::Language;
use serde_json::Value;
use service_kit::cli::pad;

use crate::{
    color::Colors,
    observe::ObservedCall,
    texts::{Texts, fill},
};

/// The columns of the name of a step.
const STEP_COLUMNS: usize = 8;
/// The columns of the name of a field.
const FIELD_COLUMNS: usize = 15;

/// Prints flows in one language. The output holds no secrets, because events hold none.
pub struct Narrator {
    texts: Texts,
    colors: Colors,
    /// The kind of each B by its host, as `/api/config` of the viewer names them.
    resource_servers: BTreeMap<String, String>,
}

impl Narrator {
    /// Creates a narrator.
    ///
    /// # Errors
    /// Returns an error if a text of the language is missing.
    pub fn new(language: Language, colors: Colors) -> anyhow::Result<Self> {
        Ok(Self { texts: Texts::of(language)?, colors, resource_servers: BTreeMap::new() })
    }

    /// Names each B by its kind in flows with several, given the kinds by host.
    #[must_use]
    pub(crate) fn with_resource_servers(self, kinds: BTreeMap<String, String>) -> Self {
        Self { resource_servers: kinds, ..self }
    }

    /// Renders a call of A as the four steps of `docs/learn/server-to-server.md`.
    #[must_use]
    pub fn call(&self, call: &ObservedCall) -> String {
        let events: Vec<_> = call.events.iter().map(|event| (**event).clone()).collect();
        let flow = assemble(&events);
        let mut output = self.flow(&flow);
        let status = self.colors.verdict(&call.status.to_string(), call.status.is_success());
        let text = &self.texts.own.narrate.caller_response;
        let body = call.body.trim();
        // Writing to a string cannot fail.
        let _ = match is_printed(&flow, body) {
            true => writeln!(output, "\n{}", fill(text, &[("status", &status)])),
            false => writeln!(output, "\n{}: {body}", fill(text, &[("status", &status)])),
        };
        output
    }

    /// Renders every message of a flow and the decisions between them.
    #[must_use]
    pub fn flow(&self, flow: &Flow) -> String {
        self.steps(flow).concat()
    }

    /// Renders a flow in steps: each message, each response and each run of decisions is one.
    #[must_use]
    pub(crate) fn steps(&self, flow: &Flow) -> Vec<String> {
        let mut steps: Vec<String> = Vec::new();
        let mut is_decision = false;
        for line in &flow.lines {
            if let Some(message) = flow.messages.get(line.message) {
                let mut output = String::new();
                // Of the decisions, the viewer numbers only the first check of a B that verifies
                // locally.
                let is_check = matches!(line.part, LinePart::Decision(_)) && line.number.is_some();
                if is_check {
                    let text = &self.texts.own.narrate.local_verification;
                    output.push_str(&format!("\n{}{text}\n", self.step(line.number)));
                }
                // Writing to a string cannot fail.
                let _ = self.write_line(&mut output, flow, message, line);
                let follows_decision = is_decision;
                is_decision = matches!(line.part, LinePart::Decision(_));
                match steps.last_mut().filter(|_| is_decision && follows_decision) {
                    Some(step) => step.push_str(&output),
                    None => steps.push(output),
                }
            }
        }
        steps
    }

    /// Renders why a party has rejected a request: the first failed check, or the error of C.
    #[must_use]
    pub(crate) fn rejection(&self, flow: &Flow) -> Option<String> {
        let mut decisions = flow
            .messages
            .iter()
            .flat_map(|message| message.decisions.iter().map(move |decision| (message, decision)));
        decisions.find_map(|(message, decision)| match &decision.event {
            Event::TokenChecked(check) if !check.passed => {
                Some(self.check(&self.party(flow, message, decision.reported_by), check))
            }
            Event::TokenRequestRejected { error, description, .. } => {
                Some(self.token_request_rejected(error.as_str(), description))
            }
            _ => None,
        })
    }

    fn write_line(
        &self,
        output: &mut String,
        flow: &Flow,
        message: &Message,
        line: &Line,
    ) -> fmt::Result {
        let party = |party| self.party(flow, message, party);
        let (from, to) = (party(message.from), party(message.to));
        let texts = &self.texts.own.narrate;
        match line.part {
            LinePart::Request => {
                let title = match message.explanation.title {
                    "" => "visit",
                    title => title,
                };
                let title = self.texts.of_viewer(&["titles", title], title);
                writeln!(
                    output,
                    "\n{}{from} -> {to}  {title}",
                    self.step_of_request(message, line.number)
                )?;
                writeln!(output, "    {} {}", message.method, message.url)?;
                self.write_fields(output, &message.fields)
            }
            LinePart::Log => {
                let Some(logged) = &message.logged else { return Ok(()) };
                let location = serde_json::to_value(logged.location).unwrap_or_default();
                let location = location.as_str().unwrap_or_default();
                let of = |part| self.texts.of_viewer(&["logged", location, part], "");
                writeln!(output, "\n{}{to}  {}", self.step(None), of("note"))?;
                writeln!(output, "    {}\n    {}", logged.line, of("meaning"))
            }
            LinePart::Response => {
                let Some(Response { status, elapsed_micros, fields, .. }) = &message.response
                else {
                    return Ok(());
                };
                let step = self.step(line.number);
                let verdict = fill(&texts.status, &[("status", &status.to_string())]);
                let verdict = self.colors.verdict(&verdict, *status < 400);
                let after = fill(&texts.after, &[("millis", &millis(*elapsed_micros))]);
                writeln!(output, "\n{step}{to} -> {from}  {verdict} {after}")?;
                self.write_fields(output, fields)
            }
            LinePart::Failure => {
                let reason = message.failure.as_deref().unwrap_or_default();
                let verdict = self.colors.verdict(&texts.no_response, false);
                writeln!(output, "\n{}{to} -> {from}  {verdict}: {reason}", self.step(None))
            }
            LinePart::Decision(index) => {
                let Some(decision) = message.decisions.get(index) else { return Ok(()) };
                self.write_decision(output, &party(decision.reported_by), decision)
            }
        }
    }

    /// The number is that of the viewer.
    fn step(&self, number: Option<usize>) -> String {
        let name = number
            .map(|number| fill(&self.texts.own.narrate.step, &[("number", &number.to_string())]));
        self.colors.bold(&pad(&name.unwrap_or_default(), STEP_COLUMNS))
    }

    fn step_of_request(&self, message: &Message, number: Option<usize>) -> String {
        match number {
            // A reads C's metadata once, before the first step.
            None if message.explanation.title == "metadata" => {
                self.colors.bold(&pad(&self.texts.own.narrate.before, STEP_COLUMNS))
            }
            number => self.step(number),
        }
    }

    fn write_decision(&self, output: &mut String, by: &str, decision: &Decision) -> fmt::Result {
        let texts = &self.texts.own.narrate;
        match &decision.event {
            Event::TokenReused { token, expires_in } => {
                let (token, seconds) = (token.to_string(), expires_in.to_string());
                let values = [("token", token.as_str()), ("seconds", &seconds)];
                writeln!(output, "\n{}", fill(&texts.token_reused, &values))
            }
            Event::TokenIssued { claims, .. } => self.write_claims(output, claims),
            Event::TokenRequestRejected { error, description, .. } => {
                writeln!(output, "    {}", self.token_request_rejected(error.as_str(), description))
            }
            Event::TokenChecked(check) => {
                writeln!(output, "    {}", self.check(by, check))
            }
            _ => Ok(()),
        }
    }

    fn token_request_rejected(&self, error: &str, description: &str) -> String {
        let texts = &self.texts.own.narrate;
        let error = self.colors.verdict(error, false);
        if description.is_empty() {
            return fill(&texts.rejects, &[("error", &error)]);
        }
        let description = self.texts.check_value(description);
        fill(&texts.rejects_because, &[("error", &error), ("description", &description)])
    }

    fn write_fields(&self, output: &mut String, fields: &[Field]) -> fmt::Result {
        let texts = &self.texts.own.narrate;
        fields.iter().try_for_each(|Field { name, value, .. }| {
            let value = match value {
                FieldValue::Text(text) if name == "body" => indented(text),
                FieldValue::Text(text) => text.clone(),
                FieldValue::Secret => self.colors.secret(&texts.secret),
                FieldValue::Fingerprint(fingerprint)
                    if name.contains("token") || name == "authorization" =>
                {
                    let fingerprint = fingerprint.to_string();
                    self.colors.secret(&fill(&texts.token, &[("fingerprint", &fingerprint)]))
                }
                FieldValue::Fingerprint(fingerprint) => {
                    self.colors.secret(&format!("[{fingerprint}…]"))
                }
            };
            writeln!(output, "    {} {value}", self.colors.dim(&pad(name, FIELD_COLUMNS)))
        })
    }

    fn write_claims(&self, output: &mut String, claims: &AccessTokenClaims) -> fmt::Result {
        let texts = &self.texts.own.narrate;
        writeln!(output, "    {}", texts.token_issued)?;
        let (exp, lifetime) = (claims.exp.to_string(), (claims.exp - claims.iat).to_string());
        let exp = fill(&texts.lifetime, &[("exp", &exp), ("seconds", &lifetime)]);
        for (name, value) in [
            ("iss", claims.iss.clone()),
            ("sub", claims.sub.clone()),
            ("client_id", claims.client_id.clone()),
            ("aud", claims.aud.to_string()),
            ("scope", claims.scope.to_string()),
            ("iat", claims.iat.to_string()),
            ("exp", exp),
            ("jti", claims.jti.clone()),
        ] {
            let name = self.colors.dim(&pad(name, FIELD_COLUMNS - 2));
            writeln!(output, "      {name} {value}")?;
        }
        Ok(())
    }

    fn check(&self, by: &str, check: &Check) -> String {
        let Check { rule, passed, expected, found } = check;
        let texts = &self.texts.own.narrate;
        let checks = fill(&texts.checks, &[("party", by)]);
        let name = serde_json::to_value(rule).unwrap_or_default();
        let name = name.as_str().unwrap_or_default();
        let name = self.texts.of_viewer(&["rules", name, "name"], name).to_lowercase();
        let mark = if *passed { &texts.passed } else { &texts.failed };
        let mark = self.colors.verdict(&pad(mark, 6), *passed);
        let (found, expected) = (self.texts.check_value(found), self.texts.check_value(expected));
        let compared = match passed {
            true => found.into_owned(),
            false => fill(&texts.failed_value, &[("found", &found), ("expected", &expected)]),
        };
        let source = self.colors.dim(&format!("[{}]", rule.source()));
        format!("{checks} {} {mark}  {compared}  {source}", pad(&name, 11))
    }

    /// Returns the name of a party in a message: that of the role which a scenario plays, and the
    /// kind of B if several take part in the flow.
    fn party(&self, flow: &Flow, message: &Message, party: Party) -> String {
        let name = match party {
            Party::Browser => self.actor(message.actor.unwrap_or(Role::Person)),
            Party::Client => "A".to_owned(),
            Party::AuthorizationServer => "C".to_owned(),
            Party::ResourceServer => {
                let kinds = flow.messages.iter().filter_map(|message| self.kind(message));
                match self.kind(message) {
                    Some(kind) if kinds.collect::<BTreeSet<_>>().len() > 1 => format!("B ({kind})"),
                    _ => "B".to_owned(),
                }
            }
        };
        self.colors.party(party, &name)
    }

    fn actor(&self, role: Role) -> String {
        if role == Role::Person {
            return self.texts.own.narrate.you.clone();
        }
        let name = serde_json::to_value(role).unwrap_or_default();
        let name = name.as_str().unwrap_or_default();
        self.texts.of_viewer(&["actor", name], name).to_owned()
    }

    /// Returns what distinguishes the B of a message: its kind, or else its host.
    fn kind<'a>(&'a self, message: &'a Message) -> Option<&'a str> {
        let host = message.resource_server.as_deref()?;
        let kind = self.resource_servers.get(host);
        Some(kind.map_or(host, |kind| self.texts.of_viewer(&["resource_server", kind], host)))
    }
}

/// Whether a response of the flow is printed with this body.
fn is_printed(flow: &Flow, body: &str) -> bool {
    let responses = flow.messages.iter().filter_map(|message| message.response.as_ref());
    responses.flat_map(|response| &response.fields).any(|field| {
        matches!(&field.value, FieldValue::Text(text) if field.name == "body" && text.trim() == body)
    })
}

/// Formats a JSON body over several lines, below the first.
fn indented(body: &str) -> String {
    let Ok(value) = serde_json::from_str::<Value>(body) else { return body.to_owned() };
    let lines = serde_json::to_string_pretty(&value).unwrap_or_default();
    lines.replace('\n', &format!("\n{}", " ".repeat(4 + FIELD_COLUMNS + 1)))
}

fn millis(micros: u64) -> String {
    format!("{}.{}", micros / 1_000, micros % 1_000 / 100)
}

#[cfg(test)]
mod tests {
    use flow_events::{FlowEvent, TraceContext};

    use super::*;

    /// A flow with a request to each of these hosts of B.
    fn flow_to(hosts: &[&str]) -> Flow {
        let trace_id = TraceContext::root([7; 24]).unwrap().trace_id;
        let events = (1..).zip(hosts).map(|(at_micros, host)| {
            let (method, path) = ("GET".to_owned(), "/api/resource".to_owned());
            let fields = vec![Field::text("host", *host).in_header()];
            let event = Event::RequestReceived { method, path, fields };
            FlowEvent { trace_id, at_micros, reported_by: Party::ResourceServer, event }
        });
        assemble(&events.collect::<Vec<_>>())
    }

    #[test]
    fn resource_servers_are_named_by_kind_if_there_are_several() {
        let kinds =
            [("localhost:1", "local"), ("127.0.0.1:1", "local"), ("localhost:2", "introspection")];
        let kinds = kinds.map(|(host, kind)| (host.to_owned(), kind.to_owned())).into();
        let narrator = Narrator::new(Language::English, Colors::OFF).unwrap();
        let narrator = narrator.with_resource_servers(kinds);
        let printed = narrator.flow(&flow_to(&["localhost:1", "localhost:2", "other:3"]));
        for part in ["you -> B (verifies locally)  ", "you -> B (asks C)  ", "you -> B (other:3)  "]
        {
            assert!(printed.contains(part), "missing `{part}` in\n{printed}");
        }
        let printed = narrator.flow(&flow_to(&["localhost:1", "127.0.0.1:1"]));
        assert!(printed.contains("you -> B  ") && !printed.contains("(verifies"), "{printed}");
    }
}
