use oauth_types::AccessTokenClaims;
use serde::Serialize;

/// Who did what with which token, and what came of it. No secret and no token stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditRecord {
    /// When, in milliseconds since 1970.
    pub at_millis: i64,
    pub event: AuditEvent,
    pub outcome: Outcome,
    /// The client, or `unknown-` and the fingerprint of a name that no client has.
    pub client_id: Option<String>,
    /// The user, where one took part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    pub jti: Option<String>,
    pub scope: Option<String>,
    /// The caller's network address.
    pub address: String,
    /// Why, where it was refused: the OAuth error code.
    pub error: Option<String>,
}

impl AuditRecord {
    /// Say which token it is about, in the words that this server once signed or stored.
    pub fn set_token(&mut self, claims: &AccessTokenClaims) {
        self.jti = Some(claims.jti.clone());
        self.scope = Some(claims.scope.to_string());
        self.sub = (claims.sub != claims.client_id).then(|| claims.sub.clone());
    }
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditEvent {
    Token,
    Introspection,
    Revocation,
    /// A user signs in.
    SignIn,
    /// A user allows a client something, or not.
    Authorization,
    /// A session ends.
    SignOut,
    /// A user takes back what a client was allowed.
    ConsentRevocation,
    /// A client registers itself (RFC 7591).
    ClientRegistration,
    /// Such a client reads what it has said (RFC 7592).
    ClientRead,
    /// Such a client says anew what it is.
    ClientUpdate,
    /// Such a client takes itself away.
    ClientDeletion,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A token was issued.
    Issued,
    /// It was done as asked.
    Succeeded,
    /// The request was refused.
    Rejected,
    /// The token is in force.
    Active,
    /// The token is not, or not for the one who asked.
    Inactive,
    /// The token is void from now on.
    Revoked,
}

/// Which records are wanted, the newest first.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    pub client_id: Option<String>,
    pub sub: Option<String>,
    pub jti: Option<String>,
    /// From here on, in milliseconds since 1970.
    pub since_millis: Option<i64>,
    /// Up to here, in milliseconds since 1970.
    pub until_millis: Option<i64>,
    pub limit: u32,
}

impl AuditEvent {
    const ALL: [Self; 11] = [
        Self::Token,
        Self::Introspection,
        Self::Revocation,
        Self::SignIn,
        Self::Authorization,
        Self::SignOut,
        Self::ConsentRevocation,
        Self::ClientRegistration,
        Self::ClientRead,
        Self::ClientUpdate,
        Self::ClientDeletion,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Introspection => "introspection",
            Self::Revocation => "revocation",
            Self::SignIn => "sign_in",
            Self::Authorization => "authorization",
            Self::SignOut => "sign_out",
            Self::ConsentRevocation => "consent_revocation",
            Self::ClientRegistration => "client_registration",
            Self::ClientRead => "client_read",
            Self::ClientUpdate => "client_update",
            Self::ClientDeletion => "client_deletion",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == text)
    }
}

impl Outcome {
    const ALL: [Self; 6] = [
        Self::Issued,
        Self::Succeeded,
        Self::Rejected,
        Self::Active,
        Self::Inactive,
        Self::Revoked,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Succeeded => "succeeded",
            Self::Rejected => "rejected",
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Revoked => "revoked",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}
