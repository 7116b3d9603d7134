use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Control, ControlError};

/// A token for the server to issue. Rules of grants and client types do not hold; the answer names
/// those that the client would have broken.
///
/// ```
/// use gatepass_testkit::{Flaw, Mint};
///
/// let forged = Mint::access("shop").user("alice").scope("orders:read").flaw(Flaw::ForeignKey);
/// # let _ = forged;
/// ```
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct Mint {
    token: TokenKind,
    client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    audience: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    claims: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    typ: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_challenge: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flaws: Vec<Flaw>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum TokenKind {
    Access,
    Id,
    Refresh,
    Code,
}

/// A way in which a token is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Flaw {
    /// The signature does not match.
    Signature,
    /// Another key signed, under the `kid` of the server's key.
    ForeignKey,
    /// The `kid` is not in the key set.
    UnknownKid,
    /// The header has no `kid`.
    NoKid,
    /// `alg` is `none`, and the signature is empty (RFC 8725 §2.1).
    AlgNone,
    /// HMAC with the published key as the secret (RFC 8725 §2.1).
    Hs256WithPublicKey,
    /// `crit` demands an unknown extension (RFC 7515 §4.1.11).
    CriticalHeader,
    /// The `typ` of another kind of token.
    WrongTyp,
    /// Another issuer.
    WrongIssuer,
    /// Another audience.
    WrongAudience,
    /// Valid in the future.
    NotYetValid,
    /// Without `exp`.
    NoExp,
    /// Valid in the past.
    Expired,
    /// Without `sub`.
    NoSub,
    /// Without `scope` (access tokens).
    MissingScope,
    /// The nonce of another login (ID tokens).
    WrongNonce,
    /// The `at_hash` of another access token (ID tokens).
    WrongAtHash,
    /// Used before (codes and refresh tokens).
    Used,
    /// Revoked.
    Revoked,
}

/// A token that the server has issued for a test.
#[derive(Clone, Deserialize)]
#[non_exhaustive]
pub struct MintedToken {
    token: String,
    /// The header of a JWT.
    pub header: Option<Map<String, Value>>,
    /// The claims of a JWT, or those that the server stores with an opaque access token.
    pub claims: Option<Map<String, Value>>,
    /// The rules that the client would have broken: `grant`, `scope`, `audience`, `redirect_uri`,
    /// `pkce`, `lifetime`, `disabled`.
    pub bypassed: Vec<String>,
}

impl MintedToken {
    /// Returns the token itself, as a client sends it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.token
    }
}

/// The token is not printed.
impl fmt::Debug for MintedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { token: _, header, claims, bypassed } = self;
        f.debug_struct("MintedToken")
            .field("header", header)
            .field("claims", claims)
            .field("bypassed", bypassed)
            .finish_non_exhaustive()
    }
}

impl Control {
    /// Issues a token, also a wrong one.
    ///
    /// # Errors
    /// Returns an error if the client or the user does not exist, if a property means nothing for
    /// this kind of token, or if the call fails.
    pub async fn mint(&self, mint: Mint) -> Result<MintedToken, ControlError> {
        self.post("/control/tokens", &mint).await
    }
}

impl Mint {
    /// An access token. Without [`Mint::user`] it is for the client itself.
    pub fn access(client_id: impl Into<String>) -> Self {
        Self::of(TokenKind::Access, client_id.into())
    }

    /// An ID token for the login of a user.
    pub fn id(client_id: impl Into<String>, user: impl Into<String>) -> Self {
        Self::of(TokenKind::Id, client_id.into()).user(user)
    }

    /// A refresh token of a user.
    pub fn refresh(client_id: impl Into<String>, user: impl Into<String>) -> Self {
        Self::of(TokenKind::Refresh, client_id.into()).user(user)
    }

    /// An authorization code of a user.
    pub fn code(client_id: impl Into<String>, user: impl Into<String>) -> Self {
        Self::of(TokenKind::Code, client_id.into()).user(user)
    }

    fn of(token: TokenKind, client_id: String) -> Self {
        Self {
            token,
            client_id,
            user: None,
            audience: Vec::new(),
            scope: None,
            claims: Map::new(),
            expires_in: None,
            not_before: None,
            typ: None,
            algorithm: None,
            nonce: None,
            redirect_uri: None,
            code_challenge: None,
            flaws: Vec::new(),
        }
    }

    /// The user name.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Adds an audience. Without any, the token is for the client's own resource.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience.push(audience.into());
        self
    }

    /// The scope, with spaces between its tokens.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Adds a claim, or replaces that of the token.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Expires in as many seconds, or expired so long ago if negative.
    pub fn expires_in(mut self, seconds: i64) -> Self {
        self.expires_in = Some(seconds);
        self
    }

    /// Becomes valid in as many seconds.
    pub fn not_before(mut self, seconds: i64) -> Self {
        self.not_before = Some(seconds);
        self
    }

    /// The `typ` of the header.
    pub fn typ(mut self, typ: impl Into<String>) -> Self {
        self.typ = Some(typ.into());
        self
    }

    /// The algorithm, such as `RS256`.
    pub fn algorithm(mut self, algorithm: impl Into<String>) -> Self {
        self.algorithm = Some(algorithm.into());
        self
    }

    /// The nonce of the authorization request (ID tokens and codes).
    pub fn nonce(mut self, nonce: impl Into<String>) -> Self {
        self.nonce = Some(nonce.into());
        self
    }

    /// The redirect URI of the authorization request (codes).
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(uri.into());
        self
    }

    /// The S256 code challenge of the authorization request (codes).
    pub fn code_challenge(mut self, challenge: impl Into<String>) -> Self {
        self.code_challenge = Some(challenge.into());
        self
    }

    /// Makes the token wrong. At most one flaw can concern the signature.
    pub fn flaw(mut self, flaw: Flaw) -> Self {
        self.flaws.push(flaw);
        self
    }
}
