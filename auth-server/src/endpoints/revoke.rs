use axum::{extract::State, http::StatusCode, response::IntoResponse};
use claims::{AccessToken, ErrorCode};

use super::read_form::FormRequest;
use crate::{
    app::App,
    client_address::ClientAddress,
    domain::{AuditEvent, AuditRecord, Outcome},
    failure::{Failure, NO_STORE},
    store::Effect,
};

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc7009#section-2.1";

/// `POST /oauth/revoke` (RFC 7009): a client gives a pass back. It is void at introspection when this answers.
pub async fn revoke(
    State(app): State<App>,
    address: ClientAddress,
    request: Result<FormRequest, Failure>,
) -> Result<impl IntoResponse, Failure> {
    let mut record = app.audit_record(AuditEvent::Revocation, Outcome::Inactive, address);
    match void(&app, address, request, &mut record).await {
        Ok(()) => Ok((StatusCode::OK, NO_STORE)),
        Err(failure) => Err(app.refuse(record, failure).await),
    }
}

async fn void(
    app: &App,
    address: ClientAddress,
    request: Result<FormRequest, Failure>,
    record: &mut AuditRecord,
) -> Result<(), Failure> {
    let request = request?;
    let client = request.client(app, address, record).await?;
    let token = AccessToken::new(request.required("token", RULE)?);
    let mut effect = Effect::Nothing;
    // What is void already needs no revocation (§2.2); a caller could do nothing with another answer.
    if let Some(claims) = app.find(&token).await? {
        record.set_token(&claims);
        if claims.client_id != client.client_id {
            return Err(Failure::new(ErrorCode::UnauthorizedClient, "the token was issued to another client", RULE));
        }
        record.outcome = Outcome::Revoked;
        effect = Effect::Revoke { jti: claims.jti, exp: claims.exp };
    }
    Ok(app.keep(record, effect).await?)
}
