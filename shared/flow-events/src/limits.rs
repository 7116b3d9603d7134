//! Limits of an event, so that no caller decides how much memory events take. The emitting process
//! and the viewer both apply them. What is left out is visible in the event.

use std::io;

use oauth_types::{AccessTokenClaims, Audience, Claims, Scope};
use serde::Serialize;

use crate::{
    Event, Field, FieldValue, FlowEvent, TokenHeader,
    field::{MAX_FIELDS, OMITTED},
    id_token::MAX_NAMES,
};

/// The most bytes of a name or a value. JSON needs up to six for one of them.
const MAX_TEXT_BYTES: usize = 1_200;
/// The most bytes of a method, an algorithm or a claim.
const MAX_WORD_BYTES: usize = 150;
/// The most bytes of the name of a claim about a person.
const MAX_NAME_BYTES: usize = 40;
/// The most bytes of the claims of a token.
const MAX_CLAIMS_BYTES: usize = 4_096;
/// The most bytes of the fields of a message together.
const MAX_FIELDS_BYTES: usize = 8_192;
/// The most bytes of an event as JSON. The limits of its parts add up to less.
pub const MAX_EVENT_BYTES: usize = 16 * 1_024;

/// The bytes that the field that counts the others needs at most.
const OMITTED_FIELD_BYTES: usize = 128;

impl FlowEvent {
    /// Cuts off what exceeds the limits: fields, long texts and claims. An event within the limits
    /// stays as it is.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.event = self.event.bounded();
        self
    }

    /// Returns the size of the event as JSON.
    #[must_use]
    pub fn json_bytes(&self) -> usize {
        json_bytes(self)
    }
}

impl Event {
    fn bounded(mut self) -> Self {
        match &mut self {
            Self::RequestSent { method, url, fields, .. } => {
                cut_text(method, MAX_WORD_BYTES);
                bound_text(url);
                bound_fields(fields);
            }
            Self::RequestReceived { method, path, fields } => {
                cut_text(method, MAX_WORD_BYTES);
                bound_text(path);
                bound_fields(fields);
            }
            Self::ResponseReceived { fields, .. }
            | Self::FormReceived { fields }
            | Self::ResponseSent { fields, .. } => bound_fields(fields),
            Self::RequestFailed { reason, .. } => bound_text(reason),
            Self::TokenReused { .. } => {}
            Self::TokenIssued { header, claims, .. } => {
                header.iter_mut().for_each(bound_header);
                bound_claims(claims);
            }
            Self::IdTokenIssued { header, claims, .. } => {
                header.iter_mut().for_each(bound_header);
                for text in [&mut claims.iss, &mut claims.sub, &mut claims.aud] {
                    cut_text(text, MAX_WORD_BYTES);
                }
                claims.others.truncate(MAX_NAMES);
                claims.others.iter_mut().for_each(|name| cut_text(name, MAX_NAME_BYTES));
            }
            Self::TokenRequestRejected { client_id, description, .. } => {
                client_id.iter_mut().for_each(bound_text);
                bound_text(description);
            }
            Self::TokenChecked(check) => {
                bound_text(&mut check.expected);
                bound_text(&mut check.found);
            }
        }
        self
    }
}

fn bound_fields(fields: &mut Vec<Field>) {
    let total = fields.len();
    for field in fields.iter_mut().take(MAX_FIELDS) {
        bound_text(&mut field.name);
        if let FieldValue::Text(value) = &mut field.value {
            bound_text(value);
        }
    }
    let fit = |most: usize, limit: usize| {
        let mut bytes = 0;
        let fits = |field: &&Field| {
            bytes += json_bytes(field);
            bytes <= limit
        };
        fields.iter().take(most).take_while(fits).count()
    };
    if fit(MAX_FIELDS, MAX_FIELDS_BYTES) < total {
        let kept = fit(MAX_FIELDS - 1, MAX_FIELDS_BYTES - OMITTED_FIELD_BYTES);
        let earlier = fields.last().and_then(Field::omitted_count);
        let count =
            earlier.map_or(total - kept, |earlier| earlier.saturating_add(total - 1 - kept));
        fields.truncate(kept);
        fields.push(Field::omitted(count));
    }
    fields.shrink_to_fit();
}

fn bound_header(header: &mut TokenHeader) {
    for text in [&mut header.typ, &mut header.alg, &mut header.kid] {
        cut_text(text, MAX_WORD_BYTES);
    }
}

fn bound_claims(claims: &mut AccessTokenClaims) {
    for text in [&mut claims.iss, &mut claims.sub, &mut claims.jti, &mut claims.client_id] {
        cut_text(text, MAX_WORD_BYTES);
    }
    if json_bytes(claims) > MAX_CLAIMS_BYTES {
        let count = claims.extra.iter().count();
        claims.extra = Claims::default();
        claims.extra.insert(OMITTED.to_owned(), format!("{count} more claims").into());
        claims.act = None;
    }
    if json_bytes(claims) > MAX_CLAIMS_BYTES {
        claims.aud = Audience::new([OMITTED]);
        claims.scope = Scope::empty();
    }
}

fn bound_text(text: &mut String) {
    cut_text(text, MAX_TEXT_BYTES);
}

fn cut_text(text: &mut String, max_bytes: usize) {
    if text.len() > max_bytes {
        let end = text.floor_char_boundary(max_bytes - OMITTED.len());
        text.truncate(end);
        text.push_str(OMITTED);
        text.shrink_to_fit();
    }
}

fn json_bytes(value: &impl Serialize) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Neither plain structures nor the counter fail.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}

#[cfg(test)]
mod tests {
    use oauth_types::Fingerprint;
    use serde_json::json;

    use super::*;
    use crate::{Check, IdTokenSummary, Party, Rule, TraceContext};

    fn event(event: Event) -> FlowEvent {
        let trace_id = TraceContext::root([7; 24]).unwrap().trace_id;
        FlowEvent { trace_id, at_micros: 1, reported_by: Party::Client, event }
    }

    fn received(fields: Vec<Field>) -> Event {
        Event::RequestReceived { method: "GET".to_owned(), path: "/x".to_owned(), fields }
    }

    /// Events whose texts, lists and nested values are far too long.
    fn oversized() -> Vec<Event> {
        // Control characters take six bytes each in JSON.
        let long = || "\u{1}".repeat(100_000);
        let many = || (0..32_000).map(|n| Field::text(&format!("p{n}"), "v")).collect::<Vec<_>>();
        let to = Party::ResourceServer;
        let claims = json!({
            "iss": long(), "sub": long(), "aud": vec!["b"; 9_000], "exp": 1, "iat": 1,
            "jti": long(), "client_id": long(), "scope": "s".repeat(90_000),
            "act": { "sub": long() }, "roles": { "nested": [[["r".repeat(50_000)]]] },
        });
        let header = TokenHeader { typ: long(), alg: long(), kid: long() };
        vec![
            received(many()),
            Event::RequestReceived { method: long(), path: long(), fields: many() },
            Event::RequestSent { to, method: long(), url: long(), fields: many() },
            Event::FormReceived { fields: vec![Field::text(&long(), long()); 10_000] },
            Event::ResponseReceived { from: to, status: 200, elapsed_micros: 1, fields: many() },
            Event::ResponseSent {
                status: 200,
                elapsed_micros: 1,
                fields: vec![Field::text("www-authenticate", long()).in_header(); 500],
            },
            Event::RequestFailed { to, reason: long(), elapsed_micros: 1 },
            Event::TokenIssued {
                token: Fingerprint::of("t"),
                header: Some(header),
                claims: serde_json::from_value(claims).unwrap(),
            },
            Event::IdTokenIssued {
                token: Fingerprint::of("t"),
                header: Some(TokenHeader { typ: long(), alg: long(), kid: long() }),
                claims: IdTokenSummary {
                    iss: long(),
                    sub: long(),
                    aud: long(),
                    others: vec![long(); 1_000],
                    ..IdTokenSummary::default()
                },
            },
            Event::TokenRequestRejected {
                client_id: Some(long()),
                error: oauth_types::ErrorCode::InvalidClient,
                description: long(),
            },
            Event::TokenChecked(Check {
                rule: Rule::Audience,
                passed: false,
                expected: long(),
                found: long(),
            }),
        ]
    }

    #[test]
    fn every_event_is_cut_to_the_limit_once_and_says_so() {
        for large in oversized() {
            let bounded = event(large).bounded();
            let json = serde_json::to_string(&bounded).unwrap();
            assert!(json.len() <= MAX_EVENT_BYTES, "{}: {json}", json.len());
            assert_eq!(json.len(), bounded.json_bytes());
            assert!(json.contains(OMITTED), "{json}");
            assert_eq!(serde_json::to_string(&bounded.bounded()).unwrap(), json);
        }
    }

    #[test]
    fn last_field_counts_the_fields_left_out() {
        let mut headers = vec![Field::text("host", "a").in_header(); 5];
        headers.extend(Field::parameters("a&".repeat(32_000).as_bytes()));
        assert!(headers.len() < 100, "{}", headers.len());
        let bounded = event(received(headers)).bounded();
        let fields = bounded.event.fields();
        assert_eq!(fields.len(), MAX_FIELDS);
        assert_eq!(fields.last(), Some(&Field::omitted(32_005 - MAX_FIELDS + 1)));
    }

    #[test]
    fn event_within_the_limits_stays_as_it_is() {
        let fields = Field::parameters(b"client_id=a&scope=read&state=s");
        let bounded = event(received(fields.clone())).bounded();
        assert_eq!(bounded.event.fields(), fields);
    }
}
