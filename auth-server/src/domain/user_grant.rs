use oauth_types::Scope;

use super::{OpaqueToken, TokenHash};

/// What a user has allowed a client: the code, and every token that comes of it, is of this one
/// grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserGrant {
    pub grant_id: String,
    pub client_id: String,
    pub sub: String,
    /// The session in which it was allowed.
    pub sid: String,
    pub scope: Scope,
    /// The resources that its tokens may be for.
    pub resources: Vec<String>,
    pub auth_time: i64,
    /// Does it outlive the session (`offline_access`, OpenID Connect Core §11)?
    pub offline: bool,
}

/// An authorization code (RFC 6749 §4.1.2), and what it has to be shown with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationCode {
    pub hash: TokenHash,
    /// The redirect URI, where the request named it (RFC 6749 §4.1.3).
    pub redirect_uri: Option<String>,
    /// S256 of the verifier (RFC 7636 §4.2); `None` where a confidential client sent none.
    pub code_challenge: Option<String>,
    pub nonce: Option<String>,
    pub exp: i64,
}

/// A code as the store knows it.
#[derive(Clone, Debug)]
pub struct StoredAuthorizationCode {
    pub code: AuthorizationCode,
    pub grant: UserGrant,
    pub spent: bool,
    pub revoked: bool,
}

/// A refresh token that is about to be handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefreshToken {
    pub hash: TokenHash,
    /// How many of this grant came before it.
    pub number: u32,
    pub exp: i64,
}

/// The one refresh token of a grant that is in force. What was spent for it is not kept: it leads
/// to this one.
#[derive(Clone, Debug)]
pub struct StoredRefreshToken {
    pub hash: TokenHash,
    /// How many of this grant came before it.
    pub number: u32,
    pub grant: UserGrant,
    pub exp: i64,
    /// When it took the place of the one before.
    pub since: i64,
    pub revoked: bool,
}

/// What is handed out under a user's grant, and what is given up for it.
#[derive(Clone, Debug)]
pub struct UserIssuance {
    pub grant_id: String,
    pub spends: Option<OneTimeCredential>,
    /// When the access token ends.
    pub exp: i64,
    /// The access token, where only C can tell what it means.
    pub opaque: Option<OpaqueToken>,
    pub refresh_token: Option<NewRefreshToken>,
}

impl UserIssuance {
    /// When all of this has ended.
    pub fn ends(&self) -> i64 {
        self.refresh_token.as_ref().map_or(self.exp, |token| token.exp.max(self.exp))
    }
}

/// What can be spent once.
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

/// What a user has said yes to, once and for later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    pub sub: String,
    pub client_id: String,
    pub scope: Scope,
    /// When it was given or widened last.
    pub granted_at: i64,
}

/// An authorization request that a client has sent ahead (RFC 9126).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedAuthorizationRequest {
    /// Of the `request_uri`.
    pub hash: TokenHash,
    pub client_id: String,
    /// Form-encoded, as they came.
    pub parameters: String,
    pub exp: i64,
}
