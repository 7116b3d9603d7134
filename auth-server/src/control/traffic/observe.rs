use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequest, Request, State},
    http::{Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use oauth_types::AccessToken;
use serde_json::{Map, Value};
use service_kit::{RequestBody, has_media_type};

use super::{
    Endpoint, FaultAction, Traffic,
    journal_entry::RequestFacts,
    recording::Recording,
    respond::{own_response, truncated_response},
};
use crate::{
    compat::wechat::is_wechat_api,
    control::{
        authorization_query::authorization_query, next_logins::answer_authorization,
        unregistered::accept_unregistered,
    },
    oauth::authorize::PostedResponse,
    tokens::decode_id_token_hint,
};

const FORM: &str = "application/x-www-form-urlencoded";
/// The largest error response whose code is recorded, in bytes.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// Middleware: applies the fault that matches a request, and records the request.
pub async fn observe(
    State(traffic): State<Arc<Traffic>>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let endpoint = Endpoint::of(parts.uri.path(), traffic.authorization.wechat);
    let facts =
        |form: &[u8]| RequestFacts::read(endpoint, &parts.method, &parts.uri, &parts.headers, form);
    // The body may never arrive.
    let mut recording = Recording::new(Arc::clone(&traffic), facts(&[]));
    let body = RequestBody::from_request(Request::from_parts(parts.clone(), body), &()).await;
    let body = match body {
        Ok(body) => body.0,
        Err(rejection) => {
            let (error, rejection) = error_of(rejection, false).await;
            recording.answered(Some(rejection.status().as_u16()), error);
            return rejection;
        }
    };
    let form = parameters(&parts, &body);
    recording.facts = facts(&form);
    if let Some(token) = recording.facts.access_token.take()
        && let Some(client_id) = client_of_token(&traffic, &token).await
    {
        recording.facts.client_id = Some(client_id);
    }
    if let Some(hint) = recording.facts.id_token_hint.take()
        && let Some(client_id) = client_of_hint(&traffic, &hint)
    {
        recording.facts.client_id = Some(client_id);
    }
    let client_id = recording.facts.client_id.clone();
    let query = parts.uri.query().unwrap_or_default();
    let registry = &traffic.authorization.clients.registry;
    accept_unregistered(registry, client_id.as_deref(), &[query.as_bytes(), &form]);
    let fault = traffic.faults.take(endpoint, client_id.as_deref());
    recording.fault_id = fault.as_ref().map(|fault| fault.id);
    let action = fault.map(|fault| fault.action).unwrap_or_default();
    let observed = Observed { traffic: &traffic, endpoint, client_id, action: &action };
    let responded = observed.response(&parts, &form, body.clone(), next);
    let response = recording.authenticated.observe(responded).await;
    let is_wechat = traffic.authorization.wechat && is_wechat_api(parts.uri.path());
    let (error, response) = error_of(response, is_wechat).await;
    let status = (!action.close).then(|| response.status().as_u16());
    recording.answered(status, error);
    match action.truncate {
        Some(at) => truncated_response(response, at).await,
        None => response,
    }
}

/// A request and the fault that applies to it.
struct Observed<'a> {
    traffic: &'a Traffic,
    endpoint: Endpoint,
    client_id: Option<String>,
    action: &'a FaultAction,
}

impl Observed<'_> {
    async fn response(&self, parts: &Parts, form: &[u8], body: Bytes, next: Next) -> Response {
        let Self { traffic, action, .. } = self;
        if let Some(millis) = action.delay_ms {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        if let Some(error) = action.oauth_error
            && let Some(query) = self.authorization_query(parts, form)
        {
            return answer_authorization(traffic, parts, &query, Some(error)).await;
        }
        if let Some(response) = own_response(action, self.endpoint, parts.uri.path(), traffic) {
            return response;
        }
        // A form leads to the same endpoint by GET.
        if parts.method == Method::GET
            && self.client_id.as_ref().is_some_and(|id| traffic.next_logins.has(id))
            && let Some(query) = self.authorization_query(parts, form)
        {
            return answer_authorization(traffic, parts, &query, None).await;
        }
        next.run(Request::from_parts(parts.clone(), Body::from(body))).await
    }

    /// Returns the parameters of an authorization request.
    fn authorization_query<'b>(&self, parts: &'b Parts, form: &'b [u8]) -> Option<Cow<'b, str>> {
        let encoded = match parts.method {
            Method::GET => parts.uri.query().unwrap_or_default(),
            Method::POST => str::from_utf8(form).ok()?,
            _ => return None,
        };
        authorization_query(&self.traffic.authorization, parts.uri.path(), encoded)
    }
}

/// Returns the parameters of a body in the encoding of a form. WeChat's endpoints take a form of
/// any media type, and the token endpoint for JSON an object.
fn parameters<'a>(parts: &Parts, body: &'a [u8]) -> Cow<'a, [u8]> {
    match parts.uri.path() {
        "/oauth2/token" => {
            let members: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
            let texts = members.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(texts).finish().into_bytes().into()
        }
        path if has_media_type(&parts.headers, FORM) || path.starts_with("/sns/") => body.into(),
        _ => Cow::default(),
    }
}

/// Returns the client of the access token that a request presents, if C issued it.
async fn client_of_token(traffic: &Traffic, token: &AccessToken) -> Option<String> {
    let claims = traffic.issued_tokens.find_claims(token).await.ok()??;
    Some(claims.client_id)
}

/// Returns the client of the ID token that a logout presents, if C issued it.
fn client_of_hint(traffic: &Traffic, hint: &str) -> Option<String> {
    let (ring, issuer) = (traffic.key_set.keys.ring(), &traffic.authorization.issuer);
    Some(decode_id_token_hint(hint, &ring, issuer)?.aud)
}

/// Returns the error code of a response: a member of its JSON, or a parameter of its redirect or of
/// the form that replaces it. WeChat has a number in the JSON of a successful response.
async fn error_of(response: Response, is_wechat: bool) -> (Option<String>, Response) {
    let location = response.headers().get(header::LOCATION).and_then(|url| url.to_str().ok());
    let posted = response.extensions().get::<PostedResponse>().map(|posted| &*posted.0);
    if let Some(url) = location.or(posted) {
        let query = url.split_once('?').map(|(_, query)| query).unwrap_or_default();
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let error = pairs.find(|(name, _)| name == "error").map(|(_, code)| code.into_owned());
        return (error, response);
    }
    let is_json = has_media_type(response.headers(), "application/json");
    if !is_wechat && (response.status() < StatusCode::BAD_REQUEST || !is_json) {
        return (None, response);
    }
    let (parts, body) = response.into_parts();
    let bytes: Bytes = axum::body::to_bytes(body, MAX_ERROR_BYTES).await.unwrap_or_default();
    let json: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let error = match json.get("errcode") {
        Some(errcode) => Some(errcode.to_string()),
        None => json.get("error").and_then(Value::as_str).map(str::to_owned),
    };
    (error, Response::from_parts(parts, Body::from(bytes)))
}
