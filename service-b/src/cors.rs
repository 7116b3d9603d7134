//! Cross-origin requests (Fetch Standard, CORS protocol): which pages may read B's responses.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};

/// Where every page may read the response: the metadata is public, and clients in browsers need it
/// before they have an access token.
const METADATA: &str = "/.well-known/oauth-protected-resource";

/// The paths that the origins in the settings may call.
const API: &str = "/api/";

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST");
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static("authorization, content-type");
/// Without this, a page cannot read why its token was rejected (RFC 6750 §3).
const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("www-authenticate, retry-after, x-request-id");
/// How long browsers may cache the response to a preflight request, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
const VARY: HeaderValue = HeaderValue::from_static("origin");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// The origins whose pages may call the API.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllowedOrigins(Arc<[HeaderValue]>);

impl AllowedOrigins {
    /// Parses origins as browsers send them (RFC 6454 §6.2). `*` and `null` are rejected: `null` is
    /// the origin of every sandboxed page.
    ///
    /// # Errors
    /// Returns an error that names the malformed origin.
    pub(crate) fn parse(origins: &[String]) -> Result<Self, String> {
        let parse = |origin: &String| {
            // A host with `*` is no pattern, and would never match.
            let is_origin = !origin.contains('*')
                && oauth_types::parse_endpoint_url(origin)
                    .is_ok_and(|url| url.origin().ascii_serialization() == *origin);
            let value = HeaderValue::from_str(origin).ok().filter(|_| is_origin);
            value.ok_or_else(|| {
                format!("cors.allowed_origins: `{origin}` is no origin such as https://app.example")
            })
        };
        origins.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    fn contains(&self, origin: &HeaderValue) -> bool {
        self.0.contains(origin)
    }
}

/// Adds the headers of the CORS protocol to the responses of `app`, to errors too, and answers
/// preflight requests.
///
/// Credentials (cookies, client certificates) are never allowed: an access token is in a header
/// that the page itself sets. This layer is outside all others, because those create responses too.
pub(crate) fn with_cors(app: Router, allowed: AllowedOrigins) -> Router {
    app.layer(from_fn_with_state(allowed, add_headers))
}

async fn add_headers(
    State(allowed): State<AllowedOrigins>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let is_metadata =
        path == METADATA || path.starts_with("/.well-known/oauth-protected-resource/");
    let varies = path.starts_with(API);
    let origin = request.headers().get(header::ORIGIN);
    let allowed_origin = match origin {
        Some(_) if is_metadata => Some(ANY),
        Some(origin) if varies && allowed.contains(origin) => Some(origin.clone()),
        _ => None,
    };
    let is_preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match &allowed_origin {
        Some(_) if is_preflight => preflight(is_metadata),
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    if varies {
        // A cache must not return a response without the headers to an allowed origin.
        headers.append(header::VARY, VARY);
    }
    if let Some(allowed_origin) = allowed_origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed_origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    }
    response
}

fn preflight(is_metadata: bool) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    // The metadata ignores request headers. Some clients send a version of their protocol there.
    let request_headers = if is_metadata { ANY } else { REQUEST_HEADERS };
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, request_headers);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    (StatusCode::NO_CONTENT, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_origins_as_browsers_send_them_are_accepted() {
        let parse = |origin: &str| AllowedOrigins::parse(&[origin.to_owned()]);
        for origin in ["https://app.example", "http://localhost:5173", "http://[::1]:8080"] {
            assert!(parse(origin).is_ok(), "{origin}");
        }
        for other in [
            "*",
            "null",
            "",
            "app.example",
            "https://app.example/",
            "https://app.example/path",
            "https://app.example:443",
            "https://App.example",
            "https://*.example",
            "https://user@app.example",
            "file:///tmp",
        ] {
            let error = parse(other).unwrap_err();
            assert!(error.contains("cors.allowed_origins"), "{error}");
        }
    }
}
