//! Differences of Sign in with Apple from OpenID Connect: the client secret and the user's name.

use std::path::Path;

use anyhow::Context;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::{Deserialize, Serialize};

use crate::settings::ProviderSettings;

/// Lifetime of a client secret, in seconds. Apple accepts up to six months; A signs a new one for
/// each request.
const CLIENT_SECRET_TTL: i64 = 300;

/// Key that signs A's client secret.
pub(super) struct AppleKey {
    key: EncodingKey,
    key_id: String,
    team_id: String,
    client_id: String,
    audience: String,
}

#[derive(Serialize)]
struct SecretClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

/// Parameter `user` of the first response for a user. Apple does not send the name again.
#[derive(Deserialize)]
struct User {
    name: Option<Name>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Name {
    first_name: Option<String>,
    last_name: Option<String>,
}

impl AppleKey {
    pub(super) fn new(settings: &ProviderSettings) -> anyhow::Result<Self> {
        let file = settings.key_file.as_deref().context("Apple requires the setting `key_file`")?;
        for (setting, value) in [("key_id", &settings.key_id), ("team_id", &settings.team_id)] {
            anyhow::ensure!(!value.is_empty(), "Apple requires the setting `{setting}`");
        }
        Ok(Self {
            key: read_key(file)
                .with_context(|| format!("the setting `key_file`: {}", file.display()))?,
            key_id: settings.key_id.clone(),
            team_id: settings.team_id.clone(),
            client_id: settings.client_id.clone(),
            audience: settings.issuer.clone(),
        })
    }

    /// Returns the client secret: a JWT signed by A.
    pub(super) fn client_secret(&self, now: i64) -> Result<String, jsonwebtoken::errors::Error> {
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::ES256) };
        let claims = SecretClaims {
            iss: &self.team_id,
            sub: &self.client_id,
            aud: &self.audience,
            iat: now,
            exp: now + CLIENT_SECRET_TTL,
        };
        encode(&header, &claims, &self.key)
    }
}

fn read_key(file: &Path) -> anyhow::Result<EncodingKey> {
    Ok(EncodingKey::from_ec_pem(&std::fs::read(file)?)?)
}

/// Returns the full name in the `user` parameter, if it contains one.
pub(super) fn full_name(user: &str) -> Option<String> {
    let Name { first_name, last_name } = serde_json::from_str::<User>(user).ok()?.name?;
    let name = [first_name, last_name].into_iter().flatten().collect::<Vec<_>>().join(" ");
    (!name.trim().is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_name_joins_the_names_that_are_present() {
        let complete =
            r#"{"name":{"firstName":"Ada","lastName":"Byron"},"email":"ada@example.com"}"#;
        assert_eq!(full_name(complete).as_deref(), Some("Ada Byron"));
        assert_eq!(full_name(r#"{"name":{"firstName":"Ada"}}"#).as_deref(), Some("Ada"));
        for nameless in ["", "{}", r#"{"name":{}}"#, r#"{"name":"Ada"}"#, "[1]"] {
            assert_eq!(full_name(nameless), None, "{nameless}");
        }
    }
}
