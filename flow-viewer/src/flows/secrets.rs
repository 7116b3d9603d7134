//! Who has held which secret: counted from what was really sent.

use std::collections::{BTreeMap, BTreeSet};

use flow_events::{Field, FieldValue, Party};
use serde::Serialize;

use super::Message;

/// A kind of secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "as the table calls them: A's secret, B's secret")]
pub enum Secret {
    /// What A proves itself with.
    SecretOfA,
    /// What B proves itself with when it asks C.
    SecretOfB,
    /// A user's password.
    Password,
    /// The cookie of a session.
    Cookie,
    /// Another value that is hidden.
    Other,
}

/// A secret, and who has held it how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holders {
    pub secret: Secret,
    pub sent: usize,
    pub held_by: BTreeMap<&'static str, usize>,
}

/// A secret that is sent is held by whoever sends it and by whoever gets it.
#[must_use]
pub fn holders(messages: &[Message]) -> Vec<Holders> {
    let mut found: BTreeMap<Secret, Holders> = BTreeMap::new();
    for message in messages {
        let answered = message.answer.iter().flat_map(|answer| &answer.fields);
        let told = message.fields.iter().chain(answered);
        let secrets: BTreeSet<Secret> =
            told.filter_map(|field| secret_in(field, message.from)).collect();
        for secret in secrets {
            let entry = || Holders { secret, sent: 0, held_by: BTreeMap::new() };
            let holders = found.entry(secret).or_insert_with(entry);
            holders.sent += 1;
            for party in [message.from, message.to] {
                *holders.held_by.entry(party_name(party)).or_default() += 1;
            }
        }
    }
    found.into_values().collect()
}

/// The secret that was in a field of what `from` sent, if one was.
#[must_use]
pub fn secret_in(field: &Field, from: Party) -> Option<Secret> {
    if field.value != FieldValue::Secret {
        return None;
    }
    let of_whom = if from == Party::ResourceServer { Secret::SecretOfB } else { Secret::SecretOfA };
    match field.name.as_str() {
        "client_secret" | "authorization" | "secret" => Some(of_whom),
        "password" => Some(Secret::Password),
        "cookie" | "set-cookie" => Some(Secret::Cookie),
        // Names a secret, and is none.
        "access_key" => None,
        _ => Some(Secret::Other),
    }
}

/// As in the events.
pub(crate) fn party_name(party: Party) -> &'static str {
    match party {
        Party::Browser => "browser",
        Party::Client => "client",
        Party::ResourceServer => "resource_server",
        Party::AuthorizationServer => "authorization_server",
    }
}

#[cfg(test)]
mod tests {
    use flow_events::{Event, FlowEvent, TraceContext};

    use super::*;
    use crate::flows::assemble;

    fn held_after(to: Party, field: Field) -> Vec<Holders> {
        let (method, url) = ("POST".to_owned(), "http://there.example/x".to_owned());
        let event = Event::RequestSent { to, method, url, fields: vec![field] };
        let trace_id = TraceContext::root([7; 24]).unwrap().trace_id;
        holders(
            &assemble(&[FlowEvent { trace_id, at_micros: 1, reported_by: Party::Client, event }])
                .messages,
        )
    }

    #[test]
    fn whoever_is_sent_a_secret_holds_it() {
        let held = held_after(Party::AuthorizationServer, Field::secret("client_secret"));
        assert_eq!(held[0].secret, Secret::SecretOfA);
        assert_eq!(
            held[0].held_by.keys().copied().collect::<Vec<_>>(),
            ["authorization_server", "client"]
        );
        let old_way = held_after(Party::ResourceServer, Field::secret("authorization").in_header());
        assert!(old_way[0].held_by.contains_key("resource_server"));
    }

    #[test]
    fn a_token_is_no_secret_of_this_table() {
        let token = Field::token("authorization", &oauth_types::AccessToken::new("t"));
        assert_eq!(held_after(Party::ResourceServer, token), []);
    }
}
