use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use claims::{AccessToken, ErrorCode};

use super::read_form::FormRequest;
use crate::{
    app::App,
    client_address::ClientAddress,
    domain::{AuditEvent, AuditRecord, Outcome},
    failure::{Failure, NO_STORE},
    store::{Effect, Entry},
};

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc7009#section-2.1";

/// `POST /oauth/revoke` (RFC 7009): a client gives a pass back. It is void at introspection when this answers.
pub async fn revoke(State(app): State<App>, address: ClientAddress, request: FormRequest) -> Result<Response, Failure> {
    let client = request.client(&app, address, AuditEvent::Revocation).await?;
    let token = AccessToken::new(request.required("token", RULE)?);

    let mut record = app.audit_record(AuditEvent::Revocation, Outcome::Revoked, address);
    record.client_id = Some(client.client_id.clone());
    let Some(claims) = app.find(&token).await? else {
        // What is void already needs no revocation (§2.2); a caller could do nothing with another answer.
        record.outcome = Outcome::Inactive;
        return store(&app, record, Effect::Nothing).await;
    };
    record.jti = Some(claims.jti.clone());
    if claims.client_id != client.client_id {
        record.outcome = Outcome::Refused;
        record.error = Some(ErrorCode::UnauthorizedClient.as_str().to_owned());
        store(&app, record, Effect::Nothing).await?;
        return Err(Failure::new(ErrorCode::UnauthorizedClient, "the token was issued to another client", RULE));
    }
    store(&app, record, Effect::Revoke { jti: claims.jti, exp: claims.exp }).await
}

async fn store(app: &App, record: AuditRecord, effect: Effect) -> Result<Response, Failure> {
    app.metrics.count(&record);
    app.store.append(Entry { audit: record, effect }).await?;
    Ok((StatusCode::OK, NO_STORE).into_response())
}
