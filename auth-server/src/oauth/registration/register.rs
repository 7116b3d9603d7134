use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};

use super::{ClientInformation, RegistrationContext, accept, reload_registry, secret_for};
use crate::{
    domain::{
        AuditEvent, AuditRecord, Outcome, Registration, TokenHash, new_client_id,
        new_registration_token,
    },
    http::{ApiError, ClientAddress, JsonRequest, NO_STORE},
    storage::Change,
};

/// `POST /oauth/register` (RFC 7591 §3): registers a client. Returns its `client_id`, a secret for
/// a confidential client, and a registration access token.
pub async fn register(
    State(context): State<Arc<RegistrationContext>>,
    address: ClientAddress,
    request: Result<JsonRequest, ApiError>,
) -> Result<impl IntoResponse, ApiError> {
    let mut record =
        context.audit.record(AuditEvent::ClientRegistration, Outcome::Succeeded, address);
    match add(&context, address, request, &mut record).await {
        Ok(information) => Ok((StatusCode::CREATED, NO_STORE, Json(information))),
        Err(error) => Err(error.audited(&context.audit, record).await),
    }
}

async fn add(
    context: &RegistrationContext,
    address: ClientAddress,
    request: Result<JsonRequest, ApiError>,
    record: &mut AuditRecord,
) -> Result<ClientInformation, ApiError> {
    context.registration.acquire_permit(address, context.clock.uptime()).await?;
    let request = request?;
    context.registration.check_initial_access_token(&request.headers)?;
    let accepted = accept(context, request.metadata()?).await?;
    let client_id = new_client_id(context.random.bytes()?);
    let (secret, stored) = secret_for(context, &accepted)?;
    let token = new_registration_token(context.random.bytes()?);
    record.client_id = Some(client_id.clone());
    record.scope = Some(accepted.scopes.to_string());
    record.members = accepted.replaced_members();
    let (client, metadata) = accepted.into_client(client_id, stored);
    let registration = Registration {
        client,
        metadata,
        token: TokenHash::of(&token),
        issued_at: context.clock.seconds(),
    };
    let change = Change::RegisterClient {
        registration: Box::new(registration.clone()),
        max_clients: context.registration.max_clients,
    };
    context.audit.apply(record, change).await?;
    reload_registry(context).await;
    Ok(ClientInformation::new(&context.issuer, registration, token, secret))
}
