use super::RegistrationContext;
use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use oauth_types::ErrorCode;
use serde_json::Value;
use std::sync::Arc;

use super::{ClientInformation, accept, in_force_now, not_opened, opened, secret_for};
use crate::http::JsonRequest;
use crate::{
    domain::{AuditEvent, AuditRecord, Outcome, Registration, StoredSecret},
    http::{ApiError, ClientAddress, NO_STORE},
    storage::{Change, RegistrationUpdate, StoreError},
};

const UPDATE: &str = "https://www.rfc-editor.org/rfc/rfc7592#section-2.2";

/// What the server says of a registration, and no client.
const SERVERS_WORDS: [&str; 4] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
];

/// `GET /oauth/register/{client_id}` (RFC 7592 §2.1): what is registered.
pub async fn registered(
    State(context): State<Arc<RegistrationContext>>,
    address: ClientAddress,
    Path(client_id): Path<String>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let record = record(&context, AuditEvent::ClientRead, address, &client_id);
    let told = async {
        let (registration, token) = opened(&context, address, &client_id, &headers).await?;
        context.audit.apply(&record, Change::None).await?;
        Ok::<_, ApiError>(ClientInformation::new(&context.issuer, registration, token, None))
    };
    match told.await {
        Ok(information) => Ok((NO_STORE, Json(information))),
        Err(failure) => Err(failure.audited(&context.audit, record).await),
    }
}

/// `PUT /oauth/register/{client_id}` (RFC 7592 §2.2): the client says anew what it is. What it
/// leaves out is gone.
pub async fn reregister(
    State(context): State<Arc<RegistrationContext>>,
    address: ClientAddress,
    Path(client_id): Path<String>,
    headers: HeaderMap,
    request: Result<JsonRequest, ApiError>,
) -> Result<impl IntoResponse, ApiError> {
    let mut record = record(&context, AuditEvent::ClientUpdate, address, &client_id);
    let changed = async {
        let (before, token) = opened(&context, address, &client_id, &headers).await?;
        context.registration.take_place(address, context.clock.millis())?;
        let request = request?;
        check_members(&request, &before)?;
        let accepted = accept(&context, request.metadata()?).await?;
        record.scope = Some(accepted.scopes.to_string());
        // Who keeps the kind that it was keeps its secret.
        let (secret, secrets) = if accepted.login.public == before.client.is_public() {
            (None, None)
        } else {
            secret_for(&context, &accepted).map(|(secret, stored)| (secret, Some(stored)))?
        };
        let (client, metadata) = accepted.into_client(client_id, before.client.secrets);
        let registration =
            Registration { client, metadata, token: before.token, issued_at: before.issued_at };
        let change = Change::UpdateRegistration(Box::new(RegistrationUpdate {
            registration: registration.clone(),
            secrets,
        }));
        context.audit.apply(&record, change).await.map_err(gone)?;
        in_force_now(&context).await;
        Ok::<_, ApiError>(ClientInformation::new(&context.issuer, registration, token, secret))
    };
    match changed.await {
        Ok(information) => Ok((NO_STORE, Json(information))),
        Err(failure) => Err(failure.audited(&context.audit, record).await),
    }
}

/// `DELETE /oauth/register/{client_id}` (RFC 7592 §2.3): the client takes itself away, and all that
/// it was allowed is void.
pub async fn unregister(
    State(context): State<Arc<RegistrationContext>>,
    address: ClientAddress,
    Path(client_id): Path<String>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let record = record(&context, AuditEvent::ClientDeletion, address, &client_id);
    let deleted = async {
        let (Registration { token, .. }, _) =
            opened(&context, address, &client_id, &headers).await?;
        context
            .audit
            .apply(&record, Change::DeleteRegistration { client_id, token })
            .await
            .map_err(gone)?;
        in_force_now(&context).await;
        Ok::<_, ApiError>(())
    };
    match deleted.await {
        Ok(()) => Ok((StatusCode::NO_CONTENT, NO_STORE)),
        Err(failure) => Err(failure.audited(&context.audit, record).await),
    }
}

fn record(
    context: &RegistrationContext,
    event: AuditEvent,
    address: ClientAddress,
    client_id: &str,
) -> AuditRecord {
    let mut record = context.audit.record(event, Outcome::Succeeded, address);
    record.client_id = Some(context.clients.registry.current().loggable_client_id(client_id));
    record
}

/// It has to be about this client, and a client does not choose what the server does.
fn check_members(request: &JsonRequest, before: &Registration) -> Result<(), ApiError> {
    let text = |name: &str| request.members.get(name).and_then(Value::as_str);
    if let Some(name) = SERVERS_WORDS.iter().find(|name| request.members.contains_key(**name)) {
        return Err(ApiError::invalid_request(
            format!("{name} is the server's to say: leave it out"),
            UPDATE,
        ));
    }
    if text("client_id") != Some(&before.client.client_id) {
        return Err(ApiError::invalid_request(
            "client_id is missing, or is not that of this client",
            UPDATE,
        ));
    }
    let is_own = |stored: &StoredSecret| {
        text("client_secret").is_some_and(|secret| stored.hash.matches(secret))
    };
    if request.members.contains_key("client_secret") && !before.client.secrets.iter().any(is_own) {
        let text = "the client_secret is not the client's: it cannot be chosen";
        return Err(
            ApiError::new(ErrorCode::InvalidClientMetadata, text, UPDATE).at("client_secret")
        );
    }
    Ok(())
}

/// Somebody was quicker, and took the client away.
fn gone(error: StoreError) -> ApiError {
    match error {
        StoreError::ClientNotFound(_) => not_opened(),
        other => other.into(),
    }
}
