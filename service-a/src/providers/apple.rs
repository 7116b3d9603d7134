//! What Apple does in its own way: the client secret, and the name.

use std::path::Path;

use anyhow::Context;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::{Deserialize, Serialize};

use crate::settings::ProviderSettings;

/// Apple takes up to six months; a secret that is made for each request needs no more than a
/// moment.
const LIFETIME: i64 = 300;

/// The key with which A signs its client secret.
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

/// The `user` parameter of a person's first answer. Apple never tells the name again.
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
        let file = settings.key_file.as_deref().context("Apple needs the setting `key_file`")?;
        for (setting, value) in [("key_id", &settings.key_id), ("team_id", &settings.team_id)] {
            anyhow::ensure!(!value.is_empty(), "Apple needs the setting `{setting}`");
        }
        Ok(Self {
            key: read_key(file)
                .with_context(|| format!("the setting `key_file` names {}", file.display()))?,
            key_id: settings.key_id.clone(),
            team_id: settings.team_id.clone(),
            client_id: settings.client_id.clone(),
            audience: settings.issuer.clone(),
        })
    }

    /// The client secret of this moment: a JWT that says who A is.
    pub(super) fn client_secret(&self, now: i64) -> Result<String, jsonwebtoken::errors::Error> {
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::ES256) };
        let claims = SecretClaims {
            iss: &self.team_id,
            sub: &self.client_id,
            aud: &self.audience,
            iat: now,
            exp: now + LIFETIME,
        };
        encode(&header, &claims, &self.key)
    }
}

fn read_key(file: &Path) -> anyhow::Result<EncodingKey> {
    Ok(EncodingKey::from_ec_pem(&std::fs::read(file)?)?)
}

/// The name in the `user` parameter, if there is one.
pub(super) fn name_of(user: &str) -> Option<String> {
    let Name { first_name, last_name } = serde_json::from_str::<User>(user).ok()?.name?;
    let name = [first_name, last_name].into_iter().flatten().collect::<Vec<_>>().join(" ");
    (!name.trim().is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_put_together_from_what_there_is() {
        let whole = r#"{"name":{"firstName":"Ada","lastName":"Byron"},"email":"ada@example.com"}"#;
        assert_eq!(name_of(whole).as_deref(), Some("Ada Byron"));
        assert_eq!(name_of(r#"{"name":{"firstName":"Ada"}}"#).as_deref(), Some("Ada"));
        for nothing in ["", "{}", r#"{"name":{}}"#, r#"{"name":"Ada"}"#, "[1]"] {
            assert_eq!(name_of(nothing), None, "{nothing}");
        }
    }
}
