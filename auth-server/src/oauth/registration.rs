//! What the endpoints of registration share: who may, what was said, and how it is answered.

mod information;
pub mod manage;
pub mod register;
mod sector;

use std::sync::Arc;

use axum::http::{HeaderMap, header::AUTHORIZATION};
use clock::Clock;
use oauth_types::{AccessToken, ClientSecret, bearer};

pub use information::ClientInformation;

use crate::{
    audit::AuditLog,
    clients::Clients,
    domain::{
        ClientMetadata, Registration, RegistrationPolicy, SecretHash, StoredSecret, TokenHash,
        ValidatedMetadata, new_secret, validate_metadata,
    },
    http::{ApiError, ClientAddress},
    outbound::OutboundClient,
    rate_limit::{Permit, RateLimiter},
    secure_random::{SecureRandom, SecureRandomError},
    storage::Store,
};

const REGISTER: &str = "https://www.rfc-editor.org/rfc/rfc7591#section-3";
const MANAGE: &str = "https://www.rfc-editor.org/rfc/rfc7592#section-2";

/// What the endpoints of dynamic client registration need.
pub struct RegistrationContext {
    pub registration: DynamicRegistration,
    pub issuer: String,
    pub clients: Arc<Clients>,
    pub outbound: Arc<OutboundClient>,
    pub audit: AuditLog,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub random: SecureRandom,
}

/// How clients may register themselves here.
pub struct DynamicRegistration {
    pub enabled: bool,
    pub at_most: u32,
    pub policy: RegistrationPolicy,
    pub initial_token: Option<TokenHash>,
    /// Limits registrations, changes and wrong registration tokens by address.
    pub limit: RateLimiter,
}

impl DynamicRegistration {
    /// Take a place for one more registration, or a change of one. It is not given back: each
    /// leaves something behind, if only a record, and may make C call somebody.
    ///
    /// # Errors
    /// When there were too many from this address.
    pub fn take_place(&self, address: ClientAddress, now_millis: i64) -> Result<(), ApiError> {
        let often = |retry_after| {
            ApiError::too_often("clients were registered or changed", retry_after, REGISTER)
        };
        self.limit.acquire("register", address.0, now_millis).map(Permit::consume).map_err(often)
    }

    /// Is it one who may register clients (RFC 7591 §3)?
    ///
    /// # Errors
    /// When not.
    pub fn check_initial_token(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        match &self.initial_token {
            Some(right) if !bearer_token(headers).is_some_and(|shown| right.matches(&shown)) => {
                Err(ApiError::invalid_token(
                    "to register a client here, show the initial access token",
                    REGISTER,
                ))
            }
            _ => Ok(()),
        }
    }
}

/// The registration that the caller's token opens. Whatever is missing or wrong, the answer is one
/// and the same: nobody learns here which clients there are (RFC 7592 §2.1).
///
/// # Errors
/// That it opens none.
pub async fn opened(
    context: &RegistrationContext,
    address: ClientAddress,
    client_id: &str,
    headers: &HeaderMap,
) -> Result<(Registration, AccessToken), ApiError> {
    if let Some(shown) = bearer_token(headers)
        && let Some(found) = context.store.registration(client_id).await?
        && found.token.matches(&shown)
    {
        return Ok((found, shown));
    }
    let often = |retry_after| {
        ApiError::too_often("the registration access token was wrong", retry_after, MANAGE)
    };
    context
        .registration
        .limit
        .acquire("manage", address.0, context.clock.millis())
        .map_err(often)?
        .consume();
    Err(not_opened())
}

/// The one answer.
pub fn not_opened() -> ApiError {
    ApiError::invalid_token("the registration access token is not that of this client", MANAGE)
}

/// Check what a client says of itself, with what has to be fetched for it.
///
/// # Errors
/// What cannot be registered.
pub async fn accept(
    context: &RegistrationContext,
    said: ClientMetadata,
) -> Result<ValidatedMetadata, ApiError> {
    let accepted = validate_metadata(said, &context.registration.policy)?;
    sector::check(context, &accepted.login).await?;
    Ok(accepted)
}

/// A secret for a client that can keep one, and what the store keeps of it.
///
/// # Errors
/// When the machine gives no randomness.
pub fn secret_for(
    context: &RegistrationContext,
    accepted: &ValidatedMetadata,
) -> Result<(Option<ClientSecret>, Vec<StoredSecret>), SecureRandomError> {
    if accepted.login.public {
        return Ok((None, Vec::new()));
    }
    let secret = new_secret(context.random.bytes()?);
    let stored = StoredSecret { hash: SecretHash::sha256(&secret), not_after: None };
    Ok((Some(secret), vec![stored]))
}

/// Put what was stored in force here, before it is answered; the other servers see it within a
/// second. So does this one if it fails: what is stored is stored.
pub async fn in_force_now(context: &RegistrationContext) {
    if let Err(error) = context.clients.registry.reload(&*context.store).await {
        tracing::warn!(%error, "a changed client comes into force a moment later");
    }
}

fn bearer_token(headers: &HeaderMap) -> Option<AccessToken> {
    let mut headers = headers.get_all(AUTHORIZATION).iter();
    let token = bearer::parse(headers.next()?.as_bytes())?.ok()?;
    headers.next().is_none().then_some(token)
}
