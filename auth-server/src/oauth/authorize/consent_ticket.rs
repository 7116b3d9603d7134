use aws_lc_rs::{constant_time, hmac};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use form_urlencoded::Serializer;
use pages::Browser;

use crate::domain::Session;
use crate::keys::derive_key;

/// Issues and verifies consent tickets. A ticket in the URL of the consent page proves that this
/// session has just completed all sign-in steps of the request. Without it, a user could open the
/// page directly and skip the password prompt that the client requires (OpenID Connect Core
/// §3.1.2.3).
pub struct ConsentTickets(hmac::Key);

/// Query parameter of the ticket.
const NAME: &str = "ready";

/// How long a ticket is valid.
const TTL_SECONDS: i64 = 600;

impl ConsentTickets {
    pub fn new(installation_secret: &[u8; 32]) -> Self {
        Self(derive_key(installation_secret, "requests that are ready for consent"))
    }

    /// Returns the query of a request with a new ticket.
    pub fn issue(&self, query: &str, session: &Session, now: i64) -> String {
        let bare = without_ticket(query);
        format!("{bare}&{NAME}={now}.{}", self.tag(query, session, now))
    }

    /// Returns whether the query carries a valid ticket for this request and session.
    pub fn is_valid(&self, query: &str, session: &Session, now: i64) -> bool {
        let found = query
            .split('&')
            .find_map(|pair| pair.strip_prefix(NAME)?.strip_prefix('=')?.split_once('.'));
        let Some((at, tag)) = found else { return false };
        let Ok(at) = at.parse::<i64>() else { return false };
        let expected = self.tag(query, session, at);
        constant_time::verify_slices_are_equal(expected.as_bytes(), tag.as_bytes()).is_ok()
            && (at..=at.saturating_add(TTL_SECONDS)).contains(&now)
    }

    fn tag(&self, query: &str, session: &Session, at: i64) -> String {
        let request = canonical_query(query);
        let mut context = hmac::Context::with_key(&self.0);
        for number in [at, session.auth_time] {
            context.update(&number.to_be_bytes());
        }
        for part in [session.sid.as_bytes(), request.as_bytes()] {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        BASE64_URL_SAFE_NO_PAD.encode(context.sign())
    }
}

/// Returns the parameters in a canonical encoding. Ignores the ticket and the language, because
/// switching the language does not change the request.
fn canonical_query(query: &str) -> String {
    let parameters = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| ![NAME, Browser::LANGUAGE_PARAMETER].contains(&&**name));
    Serializer::new(String::new()).extend_pairs(parameters).finish()
}

/// Returns the query without its ticket.
pub fn without_ticket(query: &str) -> String {
    let own = query.split('&').filter(|pair| pair.split('=').next() != Some(NAME));
    own.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TokenHash;

    fn session(sid: &str, auth_time: i64) -> Session {
        Session {
            hash: TokenHash([0; 32]),
            sid: sid.to_owned(),
            sub: String::new(),
            auth_time,
            last_seen: 0,
            address: String::new(),
            user_agent: String::new(),
        }
    }

    #[test]
    fn consent_ticket_is_bound_to_request_and_sign_in_and_expires() {
        let tickets = ConsentTickets::new(&[1; 32]);
        let own = session("s", 5);
        let query = tickets.issue("a=1&b=2", &own, 10);
        assert!(query.starts_with("a=1&b=2&ready=10."), "{query}");
        assert!(tickets.is_valid(&query, &own, 10) && tickets.is_valid(&query, &own, 610));
        assert!(!tickets.is_valid(&query, &own, 611) && !tickets.is_valid(&query, &own, 9));
        assert!(
            !tickets.is_valid(&query, &session("t", 5), 10)
                && !tickets.is_valid(&query, &session("s", 6), 10)
        );
        assert!(!ConsentTickets::new(&[2; 32]).is_valid(&query, &own, 10));
        for other in [
            query.replace("a=1", "a=3"),
            query.replace("ready=10", "ready=11"),
            "a=1&b=2".to_owned(),
        ] {
            assert!(!tickets.is_valid(&other, &own, 11), "{other}");
        }
        for same in ["%61=1&b=2", "a=1&b=2&lang=zh", "lang=en&a=1&lang=zh&b=2"] {
            assert!(tickets.is_valid(&query.replace("a=1&b=2", same), &own, 10), "{same}");
        }
        assert_eq!(
            without_ticket(&tickets.issue(&query, &own, 20)),
            "a=1&b=2",
            "there is one mark alone"
        );
    }
}
