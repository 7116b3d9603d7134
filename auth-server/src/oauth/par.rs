use super::authorize::AuthorizationContext;
use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use form_urlencoded::Serializer;
use serde::Serialize;
use std::sync::Arc;

use super::authorize::{AuthorizeError, RequestParser, new_request_uri, published_keys};
use crate::http::ClientRequest;
use crate::{
    domain::{AuditEvent, AuditRecord, Outcome, PushedAuthorizationRequest, TokenHash},
    http::{ApiError, ClientAddress, NO_STORE},
};

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc9126#section-2.1";

/// A request has to be taken to the user within so many seconds.
const LIFE_SECONDS: i64 = 60;

/// The name of the request, for the browser to carry (RFC 9126 §2.2).
#[derive(Debug, Serialize)]
struct Pushed {
    request_uri: String,
    expires_in: i64,
}

/// `POST /oauth/par` (RFC 9126): a client sends its authorization request ahead, so that the
/// browser carries a name alone, and nobody on the way can read or change what is asked.
pub async fn par(
    State(context): State<Arc<AuthorizationContext>>,
    address: ClientAddress,
    request: Result<ClientRequest, ApiError>,
) -> Result<impl IntoResponse, ApiError> {
    let mut record = context.audit.record(AuditEvent::Authorization, Outcome::Rejected, address);
    match keep(&context, address, request, &mut record).await {
        Ok(pushed) => Ok((StatusCode::CREATED, NO_STORE, Json(pushed))),
        Err(failure) => Err(failure.audited(&context.audit, record).await),
    }
}

async fn keep(
    context: &AuthorizationContext,
    address: ClientAddress,
    request: Result<ClientRequest, ApiError>,
    record: &mut AuditRecord,
) -> Result<Pushed, ApiError> {
    let request = request?;
    let client = context.clients.authenticate(request.credentials()?, address.0, record).await?;
    if request.form.get("request_uri").is_some() {
        return Err(ApiError::invalid_request(
            "a pushed request cannot point to another one",
            RULE,
        ));
    }
    let parameters = parameters(&request, &client.client_id);
    let uri = new_request_uri(context)?;
    let hash = TokenHash::of_text(&uri);
    let (registry, ring) = (context.clients.registry.current(), context.keys.ring().clone());
    let (now, issuer) = (context.clock.seconds(), context.issuer.as_str());
    let fetched = published_keys(context, parameters.as_bytes()).await;
    let reader = RequestParser {
        registry: &registry,
        ring: &ring,
        issuer,
        now,
        wechat: context.wechat,
        fetched_keys: fetched.as_deref(),
        pushed: Some(hash),
    };
    // Refused here, it does not have to be refused before the user.
    let read = reader.read(parameters.as_bytes())?;
    // A signature is checked once, here: it may have expired when the user comes.
    let parameters = read.signed.unwrap_or(parameters);
    let exp = now + LIFE_SECONDS;
    context
        .store
        .push_request(&PushedAuthorizationRequest {
            hash,
            client_id: client.client_id.clone(),
            parameters,
            exp,
        })
        .await?;
    Ok(Pushed { request_uri: uri, expires_in: LIFE_SECONDS })
}

/// The request as the authorization endpoint reads it: who asks is known by now, and its secret is
/// nobody else's business.
fn parameters(request: &ClientRequest, client_id: &str) -> String {
    let own =
        request.form.pairs().filter(|(name, _)| !matches!(*name, "client_id" | "client_secret"));
    Serializer::new(String::new()).append_pair("client_id", client_id).extend_pairs(own).finish()
}

impl From<AuthorizeError> for ApiError {
    fn from(no_answer: AuthorizeError) -> Self {
        match no_answer {
            AuthorizeError::Page(_, reason) => Self::invalid_request(reason, RULE),
            AuthorizeError::Redirect(told) => Self::of(told.1),
        }
    }
}
