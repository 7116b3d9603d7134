//! One file per endpoint. The required scope and claim are part of the handler's signature.

pub(crate) mod admin;
pub(crate) mod do_something;
pub(crate) mod index;
pub(crate) mod legacy;
pub(crate) mod openapi;
pub(crate) mod protected_resource;
pub(crate) mod resource;

use oauth_types::ActorClaim;
use serde::Serialize;
use token_verifier::{RequiredClaim, RequiredScope, VerifiedToken};

pub(crate) struct ResourceRead;

impl RequiredScope for ResourceRead {
    const SCOPE: &'static str = "resource:read";
}

pub(crate) struct ResourceWrite;

impl RequiredScope for ResourceWrite {
    const SCOPE: &'static str = "resource:write";
}

/// Requires the role `admin` (RFC 9068 §2.2.3.1).
pub(crate) struct AdminRole;

impl RequiredClaim for AdminRole {
    const NAME: &'static str = "roles";
    const VALUE: &'static str = "admin";
}

/// The scopes of all endpoints.
pub(crate) const SCOPES: [&str; 2] = [ResourceRead::SCOPE, ResourceWrite::SCOPE];

/// The claims of the caller's token, as the responses show them.
#[derive(Serialize)]
pub(crate) struct TokenClaims {
    client_id: Option<String>,
    subject: Option<String>,
    scope: String,
    jti: Option<String>,
    /// The party that acts for the subject (RFC 8693 §4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<ActorClaim>,
    expires_at: i64,
}

impl From<&VerifiedToken> for TokenClaims {
    fn from(token: &VerifiedToken) -> Self {
        Self {
            client_id: token.client_id().map(str::to_owned),
            subject: token.subject().map(str::to_owned),
            scope: token.scope().to_string(),
            jti: token.jti().map(str::to_owned),
            act: token.actor().cloned(),
            expires_at: token.expires_at(),
        }
    }
}
