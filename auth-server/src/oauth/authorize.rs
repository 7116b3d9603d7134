//! The authorization endpoint: parses and validates requests, drives the sign-in and consent pages,
//! and sends the response to the client.

mod authorization_request;
mod consent_ticket;
pub mod endpoint;
mod interaction;
mod published_keys;
mod request;
mod request_object;
mod request_object_jws;
mod respond;
mod validate;

pub use authorization_request::{AuthorizationRequest, Prompt};
pub use consent_ticket::ConsentTickets;
pub use interaction::Interaction;
pub use published_keys::published_keys;
pub use request::{
    MAX_STORED_BYTES, acquire_to_store, ensure_first_use, new_request_uri, read_request,
};
pub use respond::{
    PostedResponse, ResponseMode, ResponseTarget, authorization_response, error_response,
};
pub use validate::{AuthorizeError, ErrorRedirect, RequestParser, is_s256_challenge};

use std::sync::Arc;

use clock::Clock;
use oauth_types::IdTokenClaims;

use crate::{
    audit::AuditLog,
    clients::Clients,
    domain::Client,
    http::PageContext,
    keys::KeyManager,
    outbound::{ClientKeys, OutboundClient},
    rate_limit::RateLimiter,
    secure_random::SecureRandom,
    storage::Store,
    tokens::Subjects,
};

/// State of the endpoints that handle authorization requests.
pub struct AuthorizationContext {
    pub page: Arc<PageContext>,
    pub issuer: String,
    pub clients: Arc<Clients>,
    pub keys: Arc<KeyManager>,
    pub subjects: Arc<Subjects>,
    pub consent_tickets: ConsentTickets,
    pub outbound: Arc<OutboundClient>,
    pub client_keys: ClientKeys,
    /// Accepts WeChat's authorization requests.
    pub wechat: bool,
    /// Error pages display the redirect URIs that a client has registered.
    pub shows_registered_redirect_uris: bool,
    pub authorization_code_ttl_seconds: u32,
    /// Limits the pushed and signed requests of clients that anyone can use, by address.
    pub pushed_request_limit: RateLimiter,
    pub audit: AuditLog,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub random: SecureRandom,
}

impl AuthorizationContext {
    /// Returns whether an ID token hint names this user. Compares the subject that `client`, the
    /// one that the ID token was issued to, knows. It may be pairwise.
    pub fn matches_id_token_hint(
        &self,
        hint: &IdTokenClaims,
        client: Option<&Client>,
        sub: &str,
    ) -> bool {
        match client {
            Some(client) => self.subjects.subject_for(client, sub) == hint.sub,
            None => hint.sub == sub,
        }
    }
}
