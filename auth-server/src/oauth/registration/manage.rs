use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use oauth_types::ErrorCode;
use serde_json::Value;

use super::{ClientInformation, accept, in_force_now, not_opened, opened, secret_for};
use crate::http::JsonRequest;
use crate::{
    domain::{AuditEvent, AuditRecord, Outcome, Registration, StoredSecret},
    http::{ClientAddress, Failure, NO_STORE},
    state::App,
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
    State(app): State<App>,
    address: ClientAddress,
    Path(client_id): Path<String>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Failure> {
    let record = record(&app, AuditEvent::ClientRead, address, &client_id);
    let told = async {
        let (registration, token) = opened(&app, address, &client_id, &headers).await?;
        app.keep(&record, Change::None).await?;
        Ok(ClientInformation::new(&app.issuer.issuer, registration, token, None))
    };
    match told.await {
        Ok(information) => Ok((NO_STORE, Json(information))),
        Err(failure) => Err(app.refuse(record, failure).await),
    }
}

/// `PUT /oauth/register/{client_id}` (RFC 7592 §2.2): the client says anew what it is. What it
/// leaves out is gone.
pub async fn reregister(
    State(app): State<App>,
    address: ClientAddress,
    Path(client_id): Path<String>,
    headers: HeaderMap,
    request: Result<JsonRequest, Failure>,
) -> Result<impl IntoResponse, Failure> {
    let mut record = record(&app, AuditEvent::ClientUpdate, address, &client_id);
    let changed = async {
        let (before, token) = opened(&app, address, &client_id, &headers).await?;
        app.registering.take_place(address, app.clock.millis())?;
        let request = request?;
        check_members(&request, &before)?;
        let accepted = accept(&app, request.metadata()?).await?;
        record.scope = Some(accepted.scopes.to_string());
        // Who keeps the kind that it was keeps its secret.
        let (secret, secrets) = if accepted.login.public == before.client.is_public() {
            (None, None)
        } else {
            secret_for(&app, &accepted).map(|(secret, stored)| (secret, Some(stored)))?
        };
        let (client, metadata) = accepted.into_client(client_id, before.client.secrets);
        let registration =
            Registration { client, metadata, token: before.token, issued_at: before.issued_at };
        let change = Change::UpdateRegistration(Box::new(RegistrationUpdate {
            registration: registration.clone(),
            secrets,
        }));
        app.keep(&record, change).await.map_err(gone)?;
        in_force_now(&app).await;
        Ok(ClientInformation::new(&app.issuer.issuer, registration, token, secret))
    };
    match changed.await {
        Ok(information) => Ok((NO_STORE, Json(information))),
        Err(failure) => Err(app.refuse(record, failure).await),
    }
}

/// `DELETE /oauth/register/{client_id}` (RFC 7592 §2.3): the client takes itself away, and all that
/// it was allowed is void.
pub async fn unregister(
    State(app): State<App>,
    address: ClientAddress,
    Path(client_id): Path<String>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Failure> {
    let record = record(&app, AuditEvent::ClientDeletion, address, &client_id);
    let deleted = async {
        let (Registration { token, .. }, _) = opened(&app, address, &client_id, &headers).await?;
        app.keep(&record, Change::DeleteRegistration { client_id, token }).await.map_err(gone)?;
        in_force_now(&app).await;
        Ok(())
    };
    match deleted.await {
        Ok(()) => Ok((StatusCode::NO_CONTENT, NO_STORE)),
        Err(failure) => Err(app.refuse(record, failure).await),
    }
}

fn record(app: &App, event: AuditEvent, address: ClientAddress, client_id: &str) -> AuditRecord {
    let mut record = app.audit_record(event, Outcome::Succeeded, address);
    record.client_id = Some(app.registry.current().loggable_client_id(client_id));
    record
}

/// It has to be about this client, and a client does not choose what the server does.
fn check_members(request: &JsonRequest, before: &Registration) -> Result<(), Failure> {
    let text = |name: &str| request.members.get(name).and_then(Value::as_str);
    if let Some(name) = SERVERS_WORDS.iter().find(|name| request.members.contains_key(**name)) {
        return Err(Failure::invalid_request(
            format!("{name} is the server's to say: leave it out"),
            UPDATE,
        ));
    }
    if text("client_id") != Some(&before.client.client_id) {
        return Err(Failure::invalid_request(
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
            Failure::new(ErrorCode::InvalidClientMetadata, text, UPDATE).at("client_secret")
        );
    }
    Ok(())
}

/// Somebody was quicker, and took the client away.
fn gone(error: StoreError) -> Failure {
    match error {
        StoreError::ClientNotFound(_) => not_opened(),
        other => other.into(),
    }
}
