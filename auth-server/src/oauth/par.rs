use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use form_urlencoded::Serializer;
use serde::Serialize;

use super::authorize::{
    AuthorizationContext, AuthorizeError, MAX_STORED_BYTES, RequestParser, acquire_to_store,
    ensure_first_use, new_request_uri, published_keys,
};
use crate::{
    domain::{AuditEvent, AuditRecord, Outcome, PushedAuthorizationRequest, TokenHash},
    http::{ApiError, ClientAddress, ClientRequest, NO_STORE},
};

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc9126#section-2.1";

const ERRORS: &str = "https://www.rfc-editor.org/rfc/rfc9126#section-2.3";

/// How long the client has to send the user to the authorization endpoint.
const REQUEST_URI_TTL_SECONDS: i64 = 60;

/// The `request_uri` for the browser (RFC 9126 §2.2).
#[derive(Debug, Serialize)]
struct Pushed {
    request_uri: String,
    expires_in: i64,
}

/// `POST /oauth/par` (RFC 9126): stores an authorization request of an authenticated client. The
/// browser carries only a reference, so the request cannot be read or changed there.
pub async fn par(
    State(context): State<Arc<AuthorizationContext>>,
    address: ClientAddress,
    request: Result<ClientRequest, ApiError>,
) -> Result<impl IntoResponse, ApiError> {
    let mut record = context.audit.record(AuditEvent::Authorization, Outcome::Rejected, address);
    match push(&context, address, request, &mut record).await {
        Ok(pushed) => Ok((StatusCode::CREATED, NO_STORE, Json(pushed))),
        Err(error) => Err(error.audited(&context.audit, record).await),
    }
}

async fn push(
    context: &AuthorizationContext,
    address: ClientAddress,
    request: Result<ClientRequest, ApiError>,
    record: &mut AuditRecord,
) -> Result<Pushed, ApiError> {
    let request = request?;
    let client = context.clients.authenticate(request.credentials()?, address.0, record).await?;
    acquire_to_store(context, &client, address)
        .await
        .map_err(|retry_after| ApiError::too_often("requests were pushed", retry_after, ERRORS))?;
    if request.form.get("request_uri").is_some() {
        return Err(ApiError::invalid_request(
            "a pushed request must not contain request_uri",
            RULE,
        ));
    }
    let parameters = parameters(&request, &client.client_id);
    let uri = new_request_uri(context)?;
    let hash = TokenHash::of_text(&uri);
    let (registry, ring) = (context.clients.registry.current(), context.keys.ring().clone());
    let (now, issuer) = (context.clock.seconds(), context.issuer.as_str());
    let fetched = published_keys(context, parameters.as_bytes(), Some(&client)).await;
    let parser = RequestParser {
        registry: &registry,
        client: Some(&client),
        ring: &ring,
        issuer,
        now,
        wechat: context.wechat,
        fetched_keys: fetched.as_deref(),
        pushed: Some(hash),
        is_stored: false,
    };
    // Validate now, so that the client gets the error before the user is involved.
    let read = ensure_first_use(context, parser.read(parameters.as_bytes())).await??;
    // Store the verified parameters: the signature may have expired when the user arrives.
    let parameters = read.signed.unwrap_or(parameters);
    if parameters.len() > MAX_STORED_BYTES {
        let text = format!("the pushed request is longer than {MAX_STORED_BYTES} bytes");
        return Err(ApiError::too_long(text, ERRORS).at("the pushed request"));
    }
    let exp = now + REQUEST_URI_TTL_SECONDS;
    context
        .store
        .push_request(&PushedAuthorizationRequest {
            hash,
            client_id: client.client_id.clone(),
            parameters,
            exp,
            browser: None,
        })
        .await?;
    Ok(Pushed { request_uri: uri, expires_in: REQUEST_URI_TTL_SECONDS })
}

/// Returns the parameters for the authorization endpoint, with the authenticated `client_id` and
/// without the client secret.
fn parameters(request: &ClientRequest, client_id: &str) -> String {
    let own =
        request.form.pairs().filter(|(name, _)| !matches!(*name, "client_id" | "client_secret"));
    Serializer::new(String::new()).append_pair("client_id", client_id).extend_pairs(own).finish()
}

impl From<AuthorizeError> for ApiError {
    fn from(error: AuthorizeError) -> Self {
        match error {
            AuthorizeError::Page(_, error) => Self::of(error),
            AuthorizeError::Redirect(redirect) => Self::of(redirect.error),
        }
    }
}
