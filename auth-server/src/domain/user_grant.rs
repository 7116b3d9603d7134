use oauth_types::{Scope, same_resource};
use serde::{Deserialize, Serialize};

use super::{Client, ConsentedClaims, OpaqueToken, RequestedClaims, TokenHash};

/// A user's grant to a client. Its authorization code and every token issued for it belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserGrant {
    pub grant_id: String,
    pub client_id: String,
    pub sub: String,
    /// The session in which it was granted.
    pub sid: String,
    pub scope: Scope,
    pub resources: GrantResources,
    pub auth_time: i64,
    /// The authorization request asked for it (`max_age`, `claims`), so `auth_time` is in the ID
    /// token of every client (OpenID Connect Core §2).
    pub auth_time_requested: bool,
    /// Claims that the request names one by one.
    pub claims: RequestedClaims,
    /// Claims that the operator defines, as far as the user agreed to them.
    pub custom_claims: ConsentedClaims,
    /// Outlives the session (`offline_access`, OpenID Connect Core §11).
    pub offline: bool,
}

impl UserGrant {
    /// Returns the part of the grant that the client may still request. An operator can take scopes
    /// and resources from a client after a user granted them.
    pub fn narrowed_to(&self, client: &Client, issuer: &str) -> Self {
        let scope = self.scope.filtered(|token| client.scopes.contains(token));
        Self {
            offline: self.offline && scope.contains("offline_access"),
            scope,
            claims: self.claims.narrowed_to(client),
            resources: self.resources.narrowed_to(client, issuer),
            ..self.clone()
        }
    }
}

/// The resources that the access tokens of a grant can be for, one at a time. With the scope
/// `openid`, they can also be for the issuer, whose userinfo endpoint the user has allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantResources {
    /// Identifiers that the authorization request names. They hold for the code and every refresh
    /// (RFC 8707 §2.2).
    Named(Vec<String>),
    /// The one that the scope belongs to (RFC 9068 §3), or none for the issuer alone.
    Inferred(Option<String>),
}

impl GrantResources {
    /// Returns those that the client may still request.
    pub fn narrowed_to(&self, client: &Client, issuer: &str) -> Self {
        let is_own = |one: &&String| same_resource(one, issuer) || client.has_resource(one);
        match self {
            Self::Named(named) => Self::Named(named.iter().filter(is_own).cloned().collect()),
            Self::Inferred(inferred) => Self::Inferred(inferred.as_ref().filter(is_own).cloned()),
        }
    }

    /// Returns the resource identifiers, which may include the issuer.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::Named(named) => named.iter(),
            Self::Inferred(inferred) => inferred.as_slice().iter(),
        }
        .map(String::as_str)
    }
}

/// An authorization code (RFC 6749 §4.1.2) and what must be presented with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationCode {
    pub hash: TokenHash,
    /// The redirect URI, if the authorization request contained it (RFC 6749 §4.1.3).
    pub redirect_uri: Option<String>,
    /// S256 code challenge (RFC 7636 §4.2); `None` if a confidential client sent none.
    pub code_challenge: Option<String>,
    pub nonce: Option<String>,
    pub exp: i64,
}

/// A stored authorization code.
#[derive(Clone, Debug)]
pub struct StoredAuthorizationCode {
    pub code: AuthorizationCode,
    pub grant: UserGrant,
    pub consumed: bool,
    pub revoked: bool,
}

/// A refresh token that is about to be issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefreshToken {
    pub hash: TokenHash,
    /// Number of refresh tokens of this grant before it.
    pub number: u32,
    pub exp: i64,
}

/// The refresh token in force of a grant. Earlier ones are not stored, but can be derived.
#[derive(Clone, Debug)]
pub struct StoredRefreshToken {
    pub hash: TokenHash,
    /// Number of refresh tokens of this grant before it.
    pub number: u32,
    pub grant: UserGrant,
    pub exp: i64,
    /// When it was issued, in seconds since 1970.
    pub since: i64,
    pub revoked: bool,
}

/// What is issued under a user's grant, and the credential consumed for it.
#[derive(Clone, Debug)]
pub struct UserIssuance {
    pub grant_id: String,
    pub consumes: Option<OneTimeCredential>,
    /// Expiry of the access token.
    pub exp: i64,
    /// The access token, if it is opaque.
    pub opaque: Option<OpaqueToken>,
    pub refresh_token: Option<NewRefreshToken>,
}

impl UserIssuance {
    /// Returns the expiry of the last issued token.
    pub fn ends(&self) -> i64 {
        self.refresh_token.as_ref().map_or(self.exp, |token| token.exp.max(self.exp))
    }
}

/// A credential that can be used once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OneTimeCredential {
    AuthorizationCode(TokenHash),
    RefreshToken(TokenHash),
    DeviceCode(TokenHash),
}

impl OneTimeCredential {
    pub fn hash(self) -> TokenHash {
        let (Self::AuthorizationCode(hash) | Self::RefreshToken(hash) | Self::DeviceCode(hash)) =
            self;
        hash
    }
}

/// A pushed authorization request (RFC 9126).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedAuthorizationRequest {
    /// Hash of the `request_uri`.
    pub hash: TokenHash,
    pub client_id: String,
    /// Form-encoded, as received.
    pub parameters: String,
    pub exp: i64,
    /// Hash of the cookie of the browser that opened it. Only this browser can continue.
    pub browser: Option<TokenHash>,
}
