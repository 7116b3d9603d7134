use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};

use super::{ClientInformation, accept, in_force_now, secret_for};
use crate::http::JsonRequest;
use crate::{
    domain::{
        AuditEvent, AuditRecord, Outcome, Registration, TokenHash, new_client_id,
        new_registration_token,
    },
    http::{ClientAddress, Failure, NO_STORE},
    state::App,
    storage::Change,
};

/// `POST /oauth/register` (RFC 7591 §3): a client says what it is, and gets a name, a secret if it
/// can keep one, and a token by which it can change its mind.
pub async fn register(
    State(app): State<App>,
    address: ClientAddress,
    request: Result<JsonRequest, Failure>,
) -> Result<impl IntoResponse, Failure> {
    let mut record = app.audit_record(AuditEvent::ClientRegistration, Outcome::Succeeded, address);
    match add(&app, address, request, &mut record).await {
        Ok(information) => Ok((StatusCode::CREATED, NO_STORE, Json(information))),
        Err(failure) => Err(app.refuse(record, failure).await),
    }
}

async fn add(
    app: &App,
    address: ClientAddress,
    request: Result<JsonRequest, Failure>,
    record: &mut AuditRecord,
) -> Result<ClientInformation, Failure> {
    app.registering.take_place(address, app.clock.millis())?;
    let request = request?;
    app.registering.check_initial_token(&request.headers)?;
    let accepted = accept(app, request.metadata()?).await?;
    let client_id = new_client_id(app.entropy.bytes()?);
    let (secret, stored) = secret_for(app, &accepted)?;
    let token = new_registration_token(app.entropy.bytes()?);
    record.client_id = Some(client_id.clone());
    record.scope = Some(accepted.scopes.to_string());
    let (client, metadata) = accepted.into_client(client_id, stored);
    let registration = Registration {
        client,
        metadata,
        token: TokenHash::of(&token),
        issued_at: app.clock.seconds(),
    };
    let change = Change::RegisterClient {
        registration: Box::new(registration.clone()),
        max_clients: app.registering.at_most,
    };
    app.keep(record, change).await?;
    in_force_now(app).await;
    Ok(ClientInformation::new(&app.issuer.issuer, registration, token, secret))
}
