use serde::{Deserialize, Serialize};

use super::{ClientAuthMethod, StoredSecret, UserLoginConfig};
use oauth_types::Scope;

/// A client as the server knows it.
#[derive(Clone, Debug)]
pub struct Client {
    pub client_id: String,
    /// Several while a new secret takes over from an old one.
    pub secrets: Vec<StoredSecret>,
    /// What it may ask for.
    pub scopes: Scope,
    /// The resource identifiers that it may ask passes for.
    pub resources: Vec<String>,
    /// The resource identifiers about whose passes it may ask: those it serves itself.
    pub introspection_audiences: Vec<String>,
    pub token_format: TokenFormat,
    /// Present for a client that sends users here.
    pub login: Option<UserLoginConfig>,
    /// Has registered itself (RFC 7591): what it says of itself is a stranger's word.
    pub dynamic: bool,
    /// In seconds since 1970, as the store tells it: passes that were made before it are of another
    /// client, which had this name and was removed. 0 for the clients file's, and for one that is
    /// yet to be added.
    pub created_at: i64,
    pub enabled: bool,
}

impl Client {
    /// Has no secret (RFC 6749 §2.1).
    pub fn is_public(&self) -> bool {
        self.login.as_ref().is_some_and(|login| login.public)
    }

    /// The one way in which it shows its secret, if it has registered one.
    pub fn auth_method(&self) -> Option<ClientAuthMethod> {
        self.login.as_ref().and_then(|login| login.token_endpoint_auth_method)
    }

    /// May it use this grant?
    pub fn allows_grant_type(&self, grant_type: &str) -> bool {
        let only = self.login.as_ref().and_then(|login| login.grant_types.as_ref());
        only.is_none_or(|only| only.iter().any(|own| own == grant_type))
    }

    /// What users are shown in a language, by its tag.
    pub fn display_name_in(&self, language: &str) -> &str {
        let translated = self.login.as_ref().and_then(|login| login.name_in(language));
        translated.unwrap_or_else(|| self.display_name())
    }

    /// What users are shown.
    pub fn display_name(&self) -> &str {
        self.login
            .as_ref()
            .and_then(|login| login.client_name.as_deref())
            .unwrap_or(&self.client_id)
    }
}

/// A resource server's API: what a pass is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// An absolute URI without a fragment (RFC 8707 §2); the `aud` of its passes.
    pub identifier: String,
    pub scopes: Scope,
    #[serde(default)]
    pub token_format: TokenFormat,
}

/// What a pass looks like to those who carry it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenFormat {
    /// Signed: whoever has the public key can read and check it.
    #[default]
    Jwt,
    /// Random: only C can tell what it means.
    Opaque,
}

impl TokenFormat {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Opaque => "opaque",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Jwt, Self::Opaque].into_iter().find(|format| format.as_str() == text)
    }
}
