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

/// `POST /oauth/introspect` (RFC 7662): returns the state of an access token to a resource server.
///
/// Only a resource server that is registered for the token's audience gets its claims. Any other
/// client, and any inactive token, gets `{"active":false}`, so guessing reveals nothing (§4).
pub async fn introspect(
    State(context): State<Arc<TokenContext>>,
    address: ClientAddress,
    request: Result<ClientRequest, ApiError>,
) -> Result<impl IntoResponse, ApiError> {
    let mut record = context.audit.record(AuditEvent::Introspection, Outcome::Inactive, address);
    match introspect_token(&context, address, request, &mut record).await {
        Ok(answer) => Ok((NO_STORE, Json(answer))),
        Err(failure) => Err(failure.audited(&context.audit, record).await),
    }
}

async fn introspect_token(
    context: &TokenContext,
    address: ClientAddress,
    request: Result<ClientRequest, ApiError>,
    record: &mut AuditRecord,
) -> Result<IntrospectionResponse, ApiError> {
    let request = request?;
    let caller = context.clients.authenticate(request.credentials()?, address.0, record).await?;
    if caller.is_public() {
        return Err(ApiError::invalid_client(
            "a client without a secret cannot introspect, because it cannot authenticate",
        ));
    }
    let token = AccessToken::new(request.required("token", RULE)?);
    let mut answer = IntrospectionResponse::inactive();
    // Record the token id for every caller: it helps to trace where a stolen token is used.
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
