//! Which party has held which secret, counted from the messages.

use std::collections::{BTreeMap, BTreeSet};

use flow_events::{Field, FieldValue, Party};
use serde::Serialize;

use super::model::Message;

/// A kind of secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "as the table calls them: A's secret, B's secret")]
pub enum Secret {
    /// The client secret of A.
    SecretOfA,
    /// The client secret of B, for introspection.
    SecretOfB,
    /// A user's password.
    Password,
    /// A session cookie.
    Cookie,
    /// Any other hidden value.
    Other,
}

/// A secret, and how often each party has held it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretHolders {
    pub secret: Secret,
    /// The number of messages that carried it.
    pub sent: usize,
    /// The number of messages that carried it from or to each party.
    pub held_by: BTreeMap<&'static str, usize>,
}

/// Counts the holders of each secret. Both the sender and the receiver of a secret hold it.
#[must_use]
pub fn secret_holders(messages: &[Message]) -> Vec<SecretHolders> {
    let mut found: BTreeMap<Secret, SecretHolders> = BTreeMap::new();
    for message in messages {
        let in_response = message.response.iter().flat_map(|response| &response.fields);
        let fields = message.fields.iter().chain(in_response);
        let secrets: BTreeSet<Secret> =
            fields.filter_map(|field| secret_in(field, message.from)).collect();
        for secret in secrets {
            let entry = || SecretHolders { secret, sent: 0, held_by: BTreeMap::new() };
            let holders = found.entry(secret).or_insert_with(entry);
            holders.sent += 1;
            for party in [message.from, message.to] {
                *holders.held_by.entry(party_name(party)).or_default() += 1;
            }
        }
    }
    found.into_values().collect()
}

/// Returns the secret in a field of a message from this party.
#[must_use]
pub fn secret_in(field: &Field, from: Party) -> Option<Secret> {
    if field.value != FieldValue::Secret {
        return None;
    }
    let client_secret =
        if from == Party::ResourceServer { Secret::SecretOfB } else { Secret::SecretOfA };
    match field.name.as_str() {
        "client_secret" | "authorization" | "secret" => Some(client_secret),
        "password" => Some(Secret::Password),
        "cookie" | "set-cookie" => Some(Secret::Cookie),
        // An identifier, hidden like every unknown parameter.
        "access_key" => None,
        _ => Some(Secret::Other),
    }
}

/// The name of a party in events.
fn party_name(party: Party) -> &'static str {
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
    use crate::flows::assemble::assemble;

    fn holders_after(to: Party, field: Field) -> Vec<SecretHolders> {
        let (method, url) = ("POST".to_owned(), "http://there.example/x".to_owned());
        let event = Event::RequestSent { to, method, url, fields: vec![field] };
        let trace_id = TraceContext::root([7; 24]).unwrap().trace_id;
        secret_holders(
            &assemble(&[FlowEvent { trace_id, at_micros: 1, reported_by: Party::Client, event }])
                .messages,
        )
    }

    #[test]
    fn sender_and_receiver_hold_a_secret() {
        let holders = holders_after(Party::AuthorizationServer, Field::secret("client_secret"));
        assert_eq!(holders[0].secret, Secret::SecretOfA);
        assert_eq!(
            holders[0].held_by.keys().copied().collect::<Vec<_>>(),
            ["authorization_server", "client"]
        );
        let legacy =
            holders_after(Party::ResourceServer, Field::secret("authorization").in_header());
        assert!(legacy[0].held_by.contains_key("resource_server"));
    }

    #[test]
    fn tokens_are_not_counted() {
        let token = Field::token("authorization", &oauth_types::AccessToken::new("t"));
        assert_eq!(holders_after(Party::ResourceServer, token), []);
    }
}
