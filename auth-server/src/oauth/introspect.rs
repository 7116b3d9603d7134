use super::token::TokenContext;
use axum::{Json, extract::State, response::IntoResponse};
use oauth_types::{AccessToken, AccessTokenClaims, IntrospectionResponse};
use std::sync::Arc;

use crate::http::ClientRequest;
use crate::{
    domain::{AuditEvent, AuditRecord, Client, Outcome},
    http::{ApiError, ClientAddress, NO_STORE},
    storage::Change,
};

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc7662#section-2.1";

/// `POST /oauth/introspect` (RFC 7662): a resource server asks about a pass that it was shown.
///
/// Only one that is registered for the pass's audience gets an answer; everybody else, and every
/// pass that is void, gets `{"active":false}`: guessing teaches nothing (§4).
pub async fn introspect(
    State(context): State<Arc<TokenContext>>,
    address: ClientAddress,
    request: Result<ClientRequest, ApiError>,
) -> Result<impl IntoResponse, ApiError> {
    let mut record = context.audit.record(AuditEvent::Introspection, Outcome::Inactive, address);
    match tell(&context, address, request, &mut record).await {
        Ok(answer) => Ok((NO_STORE, Json(answer))),
        Err(failure) => Err(failure.audited(&context.audit, record).await),
    }
}

async fn tell(
    context: &TokenContext,
    address: ClientAddress,
    request: Result<ClientRequest, ApiError>,
    record: &mut AuditRecord,
) -> Result<IntrospectionResponse, ApiError> {
    let request = request?;
    let caller = context.clients.authenticate(request.credentials()?, address.0, record).await?;
    if caller.is_public() {
        return Err(ApiError::invalid_client(
            "a client without a secret has not proved who it is, so it cannot ask",
        ));
    }
    let token = AccessToken::new(request.required("token", RULE)?);
    let mut answer = IntrospectionResponse::inactive();
    // Written down with its name whoever asks: of a pass that was stolen one wants to know where it
    // was shown.
    if let Some(claims) =
        context.issued_tokens.find_claims(&token).await?.inspect(|claims| record.set_token(claims))
        && is_for(&claims, &caller)
        && context.issued_tokens.is_active(&claims).await?
    {
        record.outcome = Outcome::Active;
        answer = IntrospectionResponse::active(claims);
    }
    context.audit.apply(record, Change::None).await?;
    Ok(answer)
}

fn is_for(claims: &AccessTokenClaims, caller: &Client) -> bool {
    caller.introspection_audiences.iter().any(|own| claims.aud.contains(own))
}
