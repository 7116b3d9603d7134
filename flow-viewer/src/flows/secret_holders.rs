//! Which party has received which secret, counted from the messages.

use std::collections::{BTreeMap, BTreeSet};

use flow_events::{Field, FieldValue, Party};
use serde::Serialize;

use super::model::Message;

/// A kind of secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "a client secret is called so")]
pub enum Secret {
    /// The secret of a client.
    ClientSecret,
    /// The client secret of B, for introspection.
    ResourceServerSecret,
    /// A person's password.
    Password,
}

/// How A proves to B who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// With an access token of C.
    Oauth,
    /// With its own secret.
    Legacy,
}

/// How many messages carried a secret to each party.
pub type Receivers = BTreeMap<&'static str, usize>;

/// The receivers of each secret, by method.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretCounts(BTreeMap<(Method, Secret), Receivers>);

/// A row of the table of secret holders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretHolders {
    pub secret: Secret,
    pub method: Method,
    /// The party whose secret it is.
    pub owner: Party,
    /// The party that authenticates the owner with it; `None` without OAuth, where every B does.
    pub needed_by: Option<Party>,
    pub received_by: Receivers,
}

impl SecretCounts {
    /// Counts the receivers of each secret in the messages of a flow. A secret that its receiver
    /// did not accept may be a guess, which gives nothing away.
    #[must_use]
    pub fn of(messages: &[Message]) -> Self {
        let method =
            if messages.iter().any(Message::is_legacy) { Method::Legacy } else { Method::Oauth };
        let mut counts = Self::default();
        for message in messages {
            let found = message.fields.iter().filter_map(|field| secret_in(field, message.from));
            let secrets: BTreeSet<Secret> = found.collect();
            for secret in secrets.into_iter().filter(|secret| is_accepted(*secret, message)) {
                let receivers = counts.0.entry((method, secret)).or_default();
                *receivers.entry(party_name(message.to)).or_default() += 1;
            }
        }
        counts
    }

    /// Adds the counts of other flows.
    pub fn add(&mut self, other: &Self) {
        for (key, receivers) in &other.0 {
            let total = self.0.entry(*key).or_default();
            for (party, count) in receivers {
                *total.entry(party).or_default() += count;
            }
        }
    }

    /// Returns the table: A's secret with and without OAuth, and the password of a person.
    #[must_use]
    pub fn table(&self) -> [SecretHolders; 3] {
        use Party::{AuthorizationServer, Browser, Client};
        let row = |secret, method, owner| SecretHolders {
            secret,
            method,
            owner,
            needed_by: (method == Method::Oauth).then_some(AuthorizationServer),
            received_by: self.0.get(&(method, secret)).cloned().unwrap_or_default(),
        };
        [
            row(Secret::ClientSecret, Method::Legacy, Client),
            row(Secret::ClientSecret, Method::Oauth, Client),
            row(Secret::Password, Method::Oauth, Browser),
        ]
    }
}

/// Whether the receiver of a secret accepted it, as far as its response says.
fn is_accepted(secret: Secret, message: &Message) -> bool {
    let Some(response) = &message.response else { return false };
    match secret {
        // C responds to the right password with a redirect.
        Secret::Password => (300..400).contains(&response.status),
        Secret::ClientSecret | Secret::ResourceServerSecret => {
            ![401, 429].contains(&response.status)
        }
    }
}

/// Returns the secret in a field of a message from this party.
#[must_use]
pub fn secret_in(field: &Field, from: Party) -> Option<Secret> {
    if field.value != FieldValue::Secret {
        return None;
    }
    match field.name.as_str() {
        "client_secret" | "authorization" | "secret" if from == Party::ResourceServer => {
            Some(Secret::ResourceServerSecret)
        }
        "client_secret" | "authorization" | "secret" => Some(Secret::ClientSecret),
        "password" => Some(Secret::Password),
        _ => None,
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

    /// The counts after A sent a message to `to` and got this status.
    fn counts_after(to: Party, path: &str, field: Field, status: u16) -> SecretCounts {
        let trace_id = TraceContext::root([7; 24]).unwrap().trace_id;
        let at =
            |at_micros, event| FlowEvent { trace_id, at_micros, reported_by: Party::Client, event };
        let (method, url) = ("POST".to_owned(), format!("http://there.example{path}"));
        let sent = Event::RequestSent { to, method, url, fields: vec![field] };
        let received =
            Event::ResponseReceived { from: to, status, elapsed_micros: 1, fields: Vec::new() };
        SecretCounts::of(&assemble(&[at(1, sent), at(2, received)]).messages)
    }

    fn received_by(counts: &SecretCounts, row: usize) -> Vec<(&'static str, usize)> {
        counts.table()[row].received_by.clone().into_iter().collect()
    }

    #[test]
    fn receivers_of_a_secret_are_counted_by_method() {
        let to_c = counts_after(
            Party::AuthorizationServer,
            "/oauth/token",
            Field::secret("client_secret"),
            200,
        );
        let basic = Field::secret("authorization").in_header();
        let to_b = counts_after(Party::ResourceServer, "/api/do_something", basic, 200);
        let mut total = to_c.clone();
        total.add(&to_b);
        total.add(&to_b);
        assert_eq!(received_by(&total, 0), [("resource_server", 2)], "without OAuth");
        assert_eq!(received_by(&total, 1), [("authorization_server", 1)], "with OAuth");
        assert_eq!(received_by(&total, 2), [], "no password");
    }

    #[test]
    fn rejected_secrets_are_not_counted() {
        let c = Party::AuthorizationServer;
        for status in [401, 429] {
            let guess = counts_after(c, "/oauth/token", Field::secret("client_secret"), status);
            assert_eq!(guess, SecretCounts::default(), "{status}");
        }
        for status in [200, 400, 429] {
            let guess =
                counts_after(c, "/oauth/authorize/login", Field::secret("password"), status);
            assert_eq!(guess, SecretCounts::default(), "{status}");
        }
        let right = counts_after(c, "/oauth/authorize/login", Field::secret("password"), 303);
        assert_eq!(received_by(&right, 2), [("authorization_server", 1)]);
        // The secret is right, but not what it is used for.
        let refused = counts_after(c, "/oauth/token", Field::secret("client_secret"), 400);
        assert_eq!(received_by(&refused, 1), [("authorization_server", 1)]);
    }

    #[test]
    fn tokens_are_not_counted() {
        let token = Field::token("authorization", &oauth_types::AccessToken::new("t"));
        let counts = counts_after(Party::ResourceServer, "/api/resource", token, 200);
        assert_eq!(counts, SecretCounts::default());
    }
}
