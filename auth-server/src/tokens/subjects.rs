use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::domain::{Client, SubjectType, UserGrant, UserLoginConfig};
use crate::keys::derive_key;

/// Computes subject identifiers. A pairwise subject (OpenID Connect Core §8.1) is an HMAC of sector
/// and user under a key of this installation, so two sectors cannot correlate their users. The
/// same holds for what else would identify a user's session in two sectors: its id is derived in
/// the same way, and the time of the sign-in is not disclosed.
pub struct Subjects {
    subject_key: hmac::Key,
    session_key: hmac::Key,
}

impl Subjects {
    pub fn new(installation_secret: &[u8; 32]) -> Self {
        Self {
            subject_key: derive_key(installation_secret, "pairwise subjects"),
            session_key: derive_key(installation_secret, "pairwise session ids"),
        }
    }

    pub fn subject_for(&self, client: &Client, sub: &str) -> String {
        for_sector(&self.subject_key, client, sub)
    }

    /// Returns the session id that a client sees in ID tokens and logout tokens.
    pub fn session_id_for(&self, client: &Client, sid: &str) -> String {
        for_sector(&self.session_key, client, sid)
    }

    /// Returns the `auth_time` for a client. A pairwise client receives it only if its request had
    /// `max_age`, because the exact second of a sign-in identifies the user at other clients.
    pub fn auth_time_for(client: &Client, grant: &UserGrant) -> Option<i64> {
        (grant.auth_time_requested || sector(client).is_none()).then_some(grant.auth_time)
    }
}

/// Returns the value itself, or for a pairwise client the HMAC of its sector and the value.
fn for_sector(key: &hmac::Key, client: &Client, value: &str) -> String {
    match sector(client) {
        None => value.to_owned(),
        Some(sector) => {
            // A host contains no zero byte, so the separator is unambiguous.
            let name = [sector.as_bytes(), value.as_bytes()].join(&0);
            BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(key, &name))
        }
    }
}

/// Returns the sector of a pairwise client. A client without one forms its own sector.
fn sector(client: &Client) -> Option<String> {
    let pairwise = |login: &&UserLoginConfig| login.subject_type == SubjectType::Pairwise;
    let login = client.login.as_ref().filter(pairwise)?;
    Some(login.sector().unwrap_or_else(|| client.client_id.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(subject_type: SubjectType, redirect_uri: &str) -> Client {
        let redirect_uris = vec![redirect_uri.to_owned()];
        Client {
            login: Some(UserLoginConfig {
                subject_type,
                redirect_uris,
                ..UserLoginConfig::default()
            }),
            dynamic: true,
            approved: false,
            ..Client::without_access("a")
        }
    }

    #[test]
    fn pairwise_subject_is_unique_to_its_sector() {
        let subjects = Subjects::new(&[1; 32]);
        let subject =
            |uri: &str, sub: &str| subjects.subject_for(&client(SubjectType::Pairwise, uri), sub);
        assert_eq!(
            subject("https://a.example/1", "alice"),
            subject("https://a.example/2", "alice")
        );
        assert_ne!(
            subject("https://a.example/1", "alice"),
            subject("https://b.example/1", "alice")
        );
        assert_ne!(subject("https://a.example/1", "alice"), subject("https://a.example/1", "bob"));
        assert!(!subject("https://a.example/1", "alice").contains("alice"));
        assert_eq!(
            subjects.subject_for(&client(SubjectType::Public, "https://a.example"), "alice"),
            "alice"
        );
        let other_installation = Subjects::new(&[2; 32]);
        let pairwise = client(SubjectType::Pairwise, "https://a.example/1");
        assert_ne!(
            other_installation.subject_for(&pairwise, "alice"),
            subject("https://a.example/1", "alice")
        );
    }
}
