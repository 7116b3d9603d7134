//! The CORS protocol (Fetch Standard): which pages of other origins may read responses.

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// Without `WWW-Authenticate`, a page cannot read why its token was rejected (RFC 6750 §3).
const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("www-authenticate, retry-after, x-request-id");
/// How long browsers may cache the response to a preflight request, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
const VARY: HeaderValue = HeaderValue::from_static("origin");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// What pages of other origins may do at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CorsRule {
    /// Which pages.
    pub origins: CorsOrigins,
    /// The allowed methods, separated by commas.
    pub methods: &'static str,
    /// The allowed request headers, separated by commas. `*` allows all but `authorization`.
    pub request_headers: &'static str,
}

/// The pages that a [`CorsRule`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorsOrigins {
    /// The pages of every origin.
    Any,
    /// The pages of the origins that [`CorsPolicy::lists_origin`] knows.
    Listed,
}

/// Decides which pages of other origins may read the responses of a server.
pub trait CorsPolicy: Clone + Send + Sync + 'static {
    /// Returns the rule of a path. `None` lets no page read its responses.
    fn rule(&self, path: &str) -> Option<CorsRule>;

    /// Returns whether pages of this origin may read the responses at paths for
    /// [`CorsOrigins::Listed`]. It is called for every request with an `Origin`, after the
    /// response: the request may have named a client whose origins were unknown. A preflight
    /// request names none, so it is decided at once.
    fn lists_origin(&self, origin: &str) -> bool;
}

/// Adds the headers of the CORS protocol to the responses of `app`, to errors too, and answers
/// preflight requests.
///
/// Credentials (cookies, client certificates) are never allowed: a page sends tokens in a header or
/// body that it writes itself. Call this last, because other layers create responses too.
pub fn with_cors<P: CorsPolicy>(app: Router, policy: P) -> Router {
    app.layer(from_fn_with_state(policy, add_headers::<P>))
}

async fn add_headers<P: CorsPolicy>(
    State(policy): State<P>,
    request: Request,
    next: Next,
) -> Response {
    let Some(rule) = policy.rule(request.uri().path()) else { return next.run(request).await };
    let is_preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let origin = only_origin(request.headers());
    let allowed = |origin: &HeaderValue| allowed_origin(&policy, rule, origin);
    let mut response = match is_preflight && origin.as_ref().and_then(allowed).is_some() {
        true => preflight(rule),
        false => next.run(request).await,
    };
    let allowed_origin = origin.as_ref().and_then(allowed);
    let headers = response.headers_mut();
    if rule.origins == CorsOrigins::Listed {
        // A cache must not return a response without the headers to an allowed origin.
        headers.append(header::VARY, VARY);
    }
    if let Some(allowed_origin) = allowed_origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed_origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    }
    response
}

/// Returns the `Origin` of a request that has exactly one.
fn only_origin(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else { return None };
    Some(origin.clone())
}

fn allowed_origin(
    policy: &impl CorsPolicy,
    rule: CorsRule,
    origin: &HeaderValue,
) -> Option<HeaderValue> {
    match rule.origins {
        CorsOrigins::Any => Some(ANY),
        CorsOrigins::Listed => {
            let listed = origin.to_str().is_ok_and(|origin| policy.lists_origin(origin));
            listed.then(|| origin.clone())
        }
    }
}

fn preflight(rule: CorsRule) -> Response {
    let mut headers = HeaderMap::new();
    let methods = HeaderValue::from_static(rule.methods);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    let request_headers = HeaderValue::from_static(rule.request_headers);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, request_headers);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    (StatusCode::NO_CONTENT, headers).into_response()
}
