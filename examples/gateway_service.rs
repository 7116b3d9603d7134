//! Verifies access tokens for a gateway: `auth_request` of nginx, or `ext_authz` of Envoy (the HTTP
//! service). Upstream servers then need no OAuth code.
//!
//! The first part of the path after `/verify/` names what is required. What follows is the path of
//! the original request, which Envoy appends. A response with status 200 lets the request pass,
//! and its `x-…` headers are for the upstream server. The gateway must remove headers of these
//! names from requests, or anyone could send them.
//!
//! nginx responds to its caller with 401 and 403 of this service, and with 500 for any other error:
//!
//! ```nginx
//! location /orders {
//!     auth_request /_verify;
//!     # Every header of this service is set, also if it is empty: otherwise nginx passes on the
//!     # header that its caller sent.
//!     auth_request_set $subject $upstream_http_x_subject;
//!     auth_request_set $client_id $upstream_http_x_client_id;
//!     proxy_set_header X-Subject $subject;
//!     proxy_set_header X-Client-Id $client_id;
//!     proxy_pass http://127.0.0.1:8080;
//! }
//! location = /_verify {
//!     internal;
//!     proxy_pass http://127.0.0.1:9014/verify/read;
//!     proxy_pass_request_body off;
//!     proxy_set_header Content-Length "";
//! }
//! ```
//!
//! Envoy needs `http_service` with `path_prefix: /verify/read` and `x-subject` and `x-client-id` in
//! `allowed_upstream_headers`.

use axum::{
    Router,
    http::{HeaderMap, HeaderValue},
    routing::any,
};
use token_verifier::{Authorized, LocalSettings, RequiredScope, Requirement, Verifier};

struct ResourceRead;

impl RequiredScope for ResourceRead {
    const SCOPE: &'static str = "resource:read";
}

/// Tells the upstream server who calls. A value that no header can carry is left out.
async fn verify<R: Requirement>(token: Authorized<R>) -> HeaderMap {
    let values = [("x-subject", token.subject()), ("x-client-id", token.client_id())];
    let headers = values.into_iter().filter_map(|(name, value)| {
        let value = HeaderValue::from_str(value?).ok()?;
        Some((axum::http::HeaderName::from_static(name), value))
    });
    headers.collect()
}

pub fn routes(verifier: Verifier) -> Router {
    Router::new()
        .merge(requiring::<()>("any"))
        .merge(requiring::<ResourceRead>("read"))
        .with_state(verifier)
}

fn requiring<R: Requirement + 'static>(name: &str) -> Router<Verifier> {
    let (without_path, at_root) = (format!("/verify/{name}"), format!("/verify/{name}/"));
    // `{*path}` does not match the empty path, which Envoy appends for `GET /`.
    let with_path = format!("/verify/{name}/{{*path}}");
    let handler = any(verify::<R>);
    Router::new()
        .route(&without_path, handler.clone())
        .route(&at_root, handler.clone())
        .route(&with_path, handler)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let verifier = Verifier::builder("http://localhost:9000", "http://localhost:9002")
        .local(LocalSettings::default())
        .build()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:9014").await?;
    axum::serve(listener, routes(verifier)).await?;
    Ok(())
}
