//! Dynamic client registration (RFC 7591, RFC 7592): state, access control and metadata validation
//! that its endpoints share.

mod information;
pub mod manage;
pub mod register;
mod sector;

use std::{sync::Arc, time::Duration};

use axum::http::HeaderMap;
use clock::Clock;
use oauth_types::{AccessToken, ClientSecret};

pub use information::ClientInformation;

use crate::{
    audit::AuditLog,
    authentication_mark::mark_authenticated,
    clients::Clients,
    domain::{
        ClientMetadata, Registration, RegistrationPolicy, SecretHash, StoredSecret, TokenHash,
        ValidatedMetadata, new_secret, validate_metadata,
    },
    http::{ApiError, ClientAddress, bearer_token},
    outbound::OutboundClient,
    rate_limit::{Permit, RateLimiter},
    secure_random::{SecureRandom, SecureRandomError},
    storage::Store,
};

const REGISTER: &str = "https://www.rfc-editor.org/rfc/rfc7591#section-3";
const MANAGE: &str = "https://www.rfc-editor.org/rfc/rfc7592#section-2";

/// State of the dynamic client registration endpoints.
pub struct RegistrationContext {
    /// The path below which the issuer's endpoints are; empty if they are below none.
    pub path: String,
    pub registration: DynamicRegistration,
    pub issuer: String,
    pub clients: Arc<Clients>,
    pub outbound: Arc<OutboundClient>,
    pub audit: AuditLog,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub random: SecureRandom,
}

/// Settings and rate limit of dynamic client registration.
pub struct DynamicRegistration {
    pub enabled: bool,
    pub max_clients: u32,
    pub policy: RegistrationPolicy,
    pub initial_access_token: Option<TokenHash>,
    /// Limits registrations, changes and wrong registration access tokens by address.
    pub limit: RateLimiter,
}

impl DynamicRegistration {
    /// Acquires a permit for a registration or a change. It is never returned, because each request
    /// leaves at least an audit record and may cause outbound requests.
    ///
    /// # Errors
    /// Returns an error if there were too many requests from this address.
    pub async fn acquire_permit(
        &self,
        address: ClientAddress,
        uptime: Duration,
    ) -> Result<(), ApiError> {
        let rate_limited = |retry_after| {
            ApiError::too_often("clients were registered or changed", retry_after, REGISTER)
        };
        self.limit
            .acquire("register", address.0, uptime)
            .await
            .map(Permit::consume)
            .map_err(rate_limited)
    }

    /// Verifies the initial access token, if the settings require one (RFC 7591 §3).
    ///
    /// # Errors
    /// Returns an error if the token is missing or wrong.
    pub fn check_initial_access_token(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        match &self.initial_access_token {
            Some(expected)
                if !bearer_token(headers).is_some_and(|presented| expected.matches(&presented)) =>
            {
                Err(ApiError::invalid_token(
                    "registration requires the initial access token; send it as a Bearer token",
                    REGISTER,
                ))
            }
            Some(_) => {
                mark_authenticated();
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// Returns the registration that the registration access token authorizes. Every failure gets the
/// same error, so that the response does not reveal which clients exist (RFC 7592 §2.1).
///
/// # Errors
/// Returns an error if the token is missing or does not belong to this client.
pub async fn authorized_registration(
    context: &RegistrationContext,
    address: ClientAddress,
    client_id: &str,
    headers: &HeaderMap,
) -> Result<(Registration, AccessToken), ApiError> {
    if let Some(presented) = bearer_token(headers)
        && let Some(found) = context.store.registration(client_id).await?
        && found.token.matches(&presented)
    {
        mark_authenticated();
        return Ok((found, presented));
    }
    let rate_limited = |retry_after| {
        ApiError::too_often("the registration access token was wrong", retry_after, MANAGE)
    };
    context
        .registration
        .limit
        .acquire("manage", address.0, context.clock.uptime())
        .await
        .map_err(rate_limited)?
        .consume();
    Err(invalid_registration_token())
}

/// Returns the error for every failed access to a registration.
pub fn invalid_registration_token() -> ApiError {
    ApiError::invalid_token("the registration access token does not belong to this client", MANAGE)
}

/// Validates client metadata and the URLs that it refers to.
///
/// # Errors
/// Returns an error that names the invalid metadata.
pub async fn accept(
    context: &RegistrationContext,
    metadata: ClientMetadata,
) -> Result<ValidatedMetadata, ApiError> {
    let registry = context.clients.registry.current();
    let policy = context.registration.policy.with_open_resources(registry.resources());
    let accepted = validate_metadata(&metadata, &policy)?;
    sector::check(context, &accepted.login).await?;
    Ok(accepted)
}

/// Returns a new secret for a confidential client, and its hash for the store.
///
/// # Errors
/// Returns an error if the system random number generator fails.
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

/// Reloads the client registry, so that a stored change takes effect before the response. Other
/// servers reload within a second; so does this one if the reload fails here.
pub async fn reload_registry(context: &RegistrationContext) {
    if let Err(error) = context.clients.registry.reload(&*context.store).await {
        tracing::warn!(%error, "failed to reload clients after a registration change; will retry");
    }
}
