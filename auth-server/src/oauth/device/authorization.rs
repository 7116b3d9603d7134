use std::{collections::BTreeSet, sync::Arc};

use axum::{Json, extract::State, response::IntoResponse};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth_types::{ErrorCode, Scope};
use serde::Serialize;

use super::DeviceContext;
use crate::{
    domain::{
        AuditEvent, AuditRecord, DEVICE_CODE, DeviceAuthorization, Outcome, TokenHash,
        authorize_user_scopes, new_user_code,
    },
    http::{ApiError, ClientAddress, ClientRequest, NO_STORE},
    rate_limit::Permit,
};

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc8628#section-3.1";

/// How long a device code is valid.
const DEVICE_CODE_TTL_SECONDS: i64 = 600;
const POLL_SECONDS: i64 = 5;

/// Response with the codes for the device and its user (RFC 8628 §3.2).
#[derive(Debug, Serialize)]
struct DeviceAuthorizationResponse {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: i64,
    interval: i64,
}

/// `POST /oauth/device_authorization` (RFC 8628 §3.1): starts a device flow, in which the user of a
/// device without a browser signs in on another device.
pub async fn device_authorization(
    State(context): State<Arc<DeviceContext>>,
    address: ClientAddress,
    request: Result<ClientRequest, ApiError>,
) -> Result<impl IntoResponse, ApiError> {
    let mut record = context.audit.record(AuditEvent::Authorization, Outcome::Rejected, address);
    match begin(&context, address, request, &mut record).await {
        Ok(response) => Ok((NO_STORE, Json(response))),
        Err(error) => Err(error.audited(&context.audit, record).await),
    }
}

async fn begin(
    context: &DeviceContext,
    address: ClientAddress,
    request: Result<ClientRequest, ApiError>,
    record: &mut AuditRecord,
) -> Result<DeviceAuthorizationResponse, ApiError> {
    let request = request?;
    let client = context.clients.authenticate(request.credentials()?, address.0, record).await?;
    if client.login.is_none() || !client.allows_grant_type(DEVICE_CODE) {
        let text = "this client has no user login, or has not registered for the device grant";
        return Err(ApiError::new(ErrorCode::UnauthorizedClient, text, RULE));
    }
    if client.is_open_to_anyone() {
        let acquired =
            context.authorization_limit.acquire("", address.0, context.clock.uptime()).await;
        acquired.map(Permit::consume).map_err(|retry_after| {
            ApiError::too_often("device codes were requested", retry_after, RULE)
        })?;
    }
    let scope = request.form.get("scope").map(str::parse::<Scope>).transpose()?;
    // Repeated values would be stored.
    let resources: BTreeSet<&str> = request.form.all("resource").collect();
    let resources: Vec<&str> = resources.into_iter().collect();
    let (registry, issuer) = (context.clients.registry.current(), &context.issuer);
    let allowed = authorize_user_scopes(&client, &registry, issuer, scope.as_ref(), &resources)?;
    let device_code = BASE64_URL_SAFE_NO_PAD.encode(context.random.bytes::<32>()?);
    let device = |user_code: String| DeviceAuthorization {
        hash: TokenHash::of_text(&device_code),
        user_code,
        client_id: client.client_id.clone(),
        scope: allowed.scope.clone(),
        resources: allowed.resources.clone(),
        exp: context.clock.seconds() + DEVICE_CODE_TTL_SECONDS,
        poll_interval_seconds: POLL_SECONDS,
    };
    // User codes are short enough to collide. Draw a new one if the code is in use.
    let mut pending = device(new_user_code(context.random.bytes()?));
    while !context.store.add_device(&pending).await? {
        pending = device(new_user_code(context.random.bytes()?));
    }
    let uri = format!("{}/device", context.issuer.trim_end_matches('/'));
    Ok(DeviceAuthorizationResponse {
        verification_uri_complete: format!("{uri}?user_code={}", pending.user_code),
        verification_uri: uri,
        user_code: pending.user_code,
        device_code,
        expires_in: DEVICE_CODE_TTL_SECONDS,
        interval: POLL_SECONDS,
    })
}
