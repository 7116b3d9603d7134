//! The token endpoint (RFC 6749 §3.2).

pub mod endpoint;
pub mod grants;
mod invalid_grant;
mod issue;
mod request;

use std::sync::Arc;

use clock::Clock;

pub use issue::{handle_token_request, id_token_algorithm, id_token_facts};

use crate::{
    audit::AuditLog,
    clients::Clients,
    domain::SessionTtl,
    keys::KeyManager,
    secure_random::SecureRandom,
    storage::Store,
    tokens::{AccessTokenIssuer, IssuedTokens, RefreshTokenChain, Subjects, TokenTtls},
};

/// State of the endpoints that issue, introspect and revoke tokens.
pub struct TokenContext {
    pub clients: Arc<Clients>,
    pub issuer: AccessTokenIssuer,
    pub issued_tokens: Arc<IssuedTokens>,
    pub refresh_tokens: RefreshTokenChain,
    pub keys: Arc<KeyManager>,
    pub subjects: Arc<Subjects>,
    pub ttls: TokenTtls,
    pub session_ttl: SessionTtl,
    pub audit: AuditLog,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub random: SecureRandom,
}
