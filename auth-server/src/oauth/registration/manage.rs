use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use oauth_types::ErrorCode;
use serde_json::Value;

use super::{
    ClientInformation, RegistrationContext, accept, authorized_registration,
    invalid_registration_token, reload_registry, secret_for,
};
use crate::{
    domain::{AuditEvent, AuditRecord, Outcome, Registration, StoredSecret},
    http::{ApiError, ClientAddress, JsonRequest, NO_STORE},
    storage::{Change, RegistrationUpdate, StoreError},
};

const UPDATE: &str = "https://www.rfc-editor.org/rfc/rfc7592#section-2.2";

/// Members that only the server sets (RFC 7592 §2.2).
const READ_ONLY_MEMBERS: [&str; 4] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
];

/// `GET /oauth/register/{client_id}` (RFC 7592 §2.1): returns the registration.
pub async fn read(
    State(context): State<Arc<RegistrationContext>>,
    address: ClientAddress,
    Path(client_id): Path<String>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let record = record(&context, AuditEvent::ClientRead, address, &client_id);
    let read = async {
        let (registration, token) =
            authorized_registration(&context, address, &client_id, &headers).await?;
        context.audit.record_without_change(record.clone()).await;
        Ok::<_, ApiError>(ClientInformation::new(&context.issuer, registration, token, None))
    };
    match read.await {
        Ok(information) => Ok((NO_STORE, Json(information))),
        Err(error) => Err(error.audited(&context.audit, record).await),
    }
}

/// `PUT /oauth/register/{client_id}` (RFC 7592 §2.2): replaces the client's metadata. Omitted
/// members are deleted.
pub async fn update(
    State(context): State<Arc<RegistrationContext>>,
    address: ClientAddress,
    Path(client_id): Path<String>,
    headers: HeaderMap,
    request: Result<JsonRequest, ApiError>,
) -> Result<impl IntoResponse, ApiError> {
    let mut record = record(&context, AuditEvent::ClientUpdate, address, &client_id);
    let changed = async {
        let (before, token) =
            authorized_registration(&context, address, &client_id, &headers).await?;
        context.registration.acquire_permit(address, context.clock.uptime()).await?;
        let request = request?;
        check_members(&request, &before)?;
        let accepted = accept(&context, request.metadata()?).await?;
        record.scope = Some(accepted.scopes.to_string());
        record.members = accepted.replaced_members();
        // The secret changes only if the client turns from public to confidential or back.
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
        context.audit.apply(&record, change).await.map_err(store_error)?;
        reload_registry(&context).await;
        Ok::<_, ApiError>(ClientInformation::new(&context.issuer, registration, token, secret))
    };
    match changed.await {
        Ok(information) => Ok((NO_STORE, Json(information))),
        Err(error) => Err(error.audited(&context.audit, record).await),
    }
}

/// `DELETE /oauth/register/{client_id}` (RFC 7592 §2.3): deletes the client and revokes all its
/// grants.
pub async fn delete(
    State(context): State<Arc<RegistrationContext>>,
    address: ClientAddress,
    Path(client_id): Path<String>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let record = record(&context, AuditEvent::ClientDeletion, address, &client_id);
    let deleted = async {
        let (Registration { token, .. }, _) =
            authorized_registration(&context, address, &client_id, &headers).await?;
        context
            .audit
            .apply(&record, Change::DeleteRegistration { client_id, token })
            .await
            .map_err(store_error)?;
        reload_registry(&context).await;
        Ok::<_, ApiError>(())
    };
    match deleted.await {
        Ok(()) => Ok((StatusCode::NO_CONTENT, NO_STORE)),
        Err(error) => Err(error.audited(&context.audit, record).await),
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

/// Checks that the request names this client and sets no member that only the server sets.
fn check_members(request: &JsonRequest, before: &Registration) -> Result<(), ApiError> {
    let text = |name: &str| request.members.get(name).and_then(Value::as_str);
    if let Some(name) = READ_ONLY_MEMBERS.iter().find(|name| request.members.contains_key(**name)) {
        return Err(ApiError::invalid_request(
            format!("{name} is set by the server: omit it"),
            UPDATE,
        ));
    }
    if text("client_id") != Some(&before.client.client_id) {
        return Err(ApiError::invalid_request(
            "client_id is missing, or differs from the one in the URL",
            UPDATE,
        ));
    }
    let is_current = |stored: &StoredSecret| {
        text("client_secret").is_some_and(|secret| stored.hash.matches(secret))
    };
    if request.members.contains_key("client_secret")
        && !before.client.secrets.iter().any(is_current)
    {
        let text = "client_secret is not the current secret: a client cannot choose its secret";
        return Err(
            ApiError::new(ErrorCode::InvalidClientMetadata, text, UPDATE).at("client_secret")
        );
    }
    Ok(())
}

/// Maps a client that was deleted by a concurrent request to the error for a wrong token.
fn store_error(error: StoreError) -> ApiError {
    match error {
        StoreError::ClientNotFound(_) => invalid_registration_token(),
        other => other.into(),
    }
}
