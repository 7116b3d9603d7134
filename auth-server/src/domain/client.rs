use oauth_types::{Scope, same_resource};
use serde::{Deserialize, Serialize};

use super::{
    Algorithm, Attributes, ClientAuthMethod, JwtType, StoredSecret, TokenProfile, UserLoginConfig,
};

/// An OAuth client.
#[derive(Clone, Debug)]
pub struct Client {
    pub client_id: String,
    /// Several while a new secret replaces an old one.
    pub secrets: Vec<StoredSecret>,
    /// Scopes that it can request.
    pub scopes: Scope,
    /// Scope of a request without one (RFC 6749 §3.3); unset means `scopes` without `openid` and
    /// `offline_access`.
    pub default_scope: Option<Scope>,
    /// Identifiers of the resources that it can request access tokens for.
    pub resources: Vec<String>,
    /// The resource of a request that names none and fits several (RFC 9068 §3).
    pub default_resource: Option<String>,
    /// Identifiers of the resources whose access tokens it can introspect (RFC 7662).
    pub introspection_audiences: Vec<String>,
    /// Token exchanges that it can request (RFC 8693).
    pub token_exchange: Vec<TokenExchangeRule>,
    pub token_format: TokenFormat,
    /// What the operator records about it, for custom claims.
    pub attributes: Attributes,
    /// Configuration of user login; `None` for a client without users.
    pub login: Option<UserLoginConfig>,
    /// Registered dynamically (RFC 7591), so that its metadata is not trusted.
    pub dynamic: bool,
    /// Added by an operator, or registered dynamically and approved since (`client approve`).
    pub approved: bool,
    /// Grows whenever the client is added again under the same id, or enabled again. Access tokens
    /// contain it, and those of another generation are invalid. It does not depend on clocks, which
    /// can be set back. 0 for a client of the clients file, and for one that is not stored yet.
    pub token_generation: i64,
    pub enabled: bool,
}

impl Client {
    /// Returns an enabled confidential client without secrets and access.
    pub fn without_access(client_id: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            secrets: Vec::new(),
            scopes: Scope::empty(),
            default_scope: None,
            resources: Vec::new(),
            default_resource: None,
            introspection_audiences: Vec::new(),
            token_exchange: Vec::new(),
            token_format: TokenFormat::default(),
            attributes: Attributes::default(),
            login: None,
            dynamic: false,
            approved: true,
            token_generation: 0,
            enabled: true,
        }
    }

    /// Returns whether it is a public client (RFC 6749 §2.1).
    pub fn is_public(&self) -> bool {
        self.login.as_ref().is_some_and(|login| login.public)
    }

    /// Returns whether anyone can send its requests: it has no secret, or it registered itself and
    /// no operator has approved it.
    pub fn is_open_to_anyone(&self) -> bool {
        self.is_public() || !self.approved
    }

    /// The registered client authentication method; `None` allows either.
    pub fn auth_method(&self) -> Option<ClientAuthMethod> {
        self.login.as_ref().and_then(|login| login.token_endpoint_auth_method)
    }

    /// Returns whether it can request access tokens for a resource.
    pub fn has_resource(&self, identifier: &str) -> bool {
        self.resources.iter().any(|own| same_resource(own, identifier))
    }

    /// Returns whether it can use a grant type.
    pub fn allows_grant_type(&self, grant_type: &str) -> bool {
        let only = self.login.as_ref().and_then(|login| login.grant_types.as_ref());
        only.is_none_or(|only| only.iter().any(|own| own == grant_type))
    }

    /// Returns the name that users see in a language, by its tag.
    pub fn display_name_in(&self, language: &str) -> &str {
        let translated = self.login.as_ref().and_then(|login| login.name_in(language));
        translated.unwrap_or_else(|| self.display_name())
    }

    /// Returns the name that users see in a language without a name of its own.
    fn display_name(&self) -> &str {
        self.login
            .as_ref()
            .and_then(|login| login.client_name.as_deref())
            .unwrap_or(&self.client_id)
    }
}

/// Checks that a client could request its defaults itself.
///
/// # Errors
/// Returns the name of the wrong setting and its value.
pub fn validate_defaults(
    (scopes, default_scope): (&Scope, Option<&Scope>),
    (resources, default_resource): (&[String], Option<&String>),
) -> Result<(), String> {
    let foreign = |scope: &&str| !scopes.contains(scope);
    if let Some(scope) = default_scope.and_then(|default| default.iter().find(foreign)) {
        return Err(format!("default_scope: `{scope}` is not in scopes"));
    }
    match default_resource.filter(|default| !resources.contains(default)) {
        Some(foreign) => Err(format!("default_resource: `{foreign}` is not in resources")),
        None => Ok(()),
    }
}

/// Access that a client can obtain by token exchange (RFC 8693).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenExchangeRule {
    /// Identifier of the resource that the new token is for.
    pub resource: String,
    /// What the new token allows at most, separated by spaces.
    pub scopes: Scope,
    /// Allows these scopes even if the user did not grant them to the first client.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beyond_grant: bool,
}

/// The API of a resource server, which access tokens are issued for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// Absolute URI without a fragment (RFC 8707 §2); the `aud` of its access tokens. Required.
    pub identifier: String,
    /// The scopes that it knows, separated by spaces. Required, and empty for an API without any.
    pub scopes: Scope,
    /// Format of its access tokens: that of the client (`jwt`, the default), or always a random
    /// string (`opaque`).
    #[serde(default)]
    pub token_format: TokenFormat,
    /// Lets clients that nobody configured have all its scopes: those that register themselves from
    /// then on, and those with a client ID metadata document.
    #[serde(default)]
    pub open_to_registered_clients: bool,
    /// Type of its JWTs, by default `at+jwt`.
    #[serde(default)]
    pub typ: JwtType,
    /// Signature algorithm of its JWTs; `Ed25519` is another name of `EdDSA`. Unset:
    /// `keys.algorithm`, which alone can be `HS256`.
    #[serde(default)]
    pub algorithm: Option<Algorithm>,
    /// Lifetime of its access tokens, at most `tokens.access_token_ttl_seconds`, which is the
    /// default.
    #[serde(default)]
    pub access_token_ttl_seconds: Option<u32>,
    /// Nobody registered it, so no request without a resource leads to it.
    #[serde(skip)]
    pub unregistered: bool,
}

impl Resource {
    pub fn token_profile(&self) -> TokenProfile {
        TokenProfile {
            typ: self.typ,
            algorithm: self.algorithm,
            ttl_seconds: self.access_token_ttl_seconds,
        }
    }

    /// Returns whether its access tokens could be taken for ID tokens of this client, and ID tokens
    /// of the client for access tokens: both have the type `JWT` and the same `aud` (RFC 9068 §5).
    pub fn is_confusable_with(&self, client_id: &str) -> bool {
        self.typ == JwtType::Jwt && same_resource(&self.identifier, client_id)
    }
}

/// Format of an access token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenFormat {
    /// Signed JWT (RFC 9068), which resource servers verify with the public key.
    #[default]
    Jwt,
    /// Random string, which resource servers introspect at C.
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
