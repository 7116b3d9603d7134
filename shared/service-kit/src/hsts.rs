use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use oauth_types::is_loopback_url;
use url::Url;

/// One year. Subdomains are not included, because they may belong to servers without TLS.
const POLICY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Extension of requests that arrived over TLS.
#[derive(Clone, Copy, Debug)]
pub struct OverTls;

/// Middleware for TLS listeners: browsers that have been here once use https from then on, so that
/// nobody on the network can answer a plain request in place of this server (RFC 6797).
///
/// Responses to loopback hosts have no such header. Browsers apply the policy to all ports of a
/// host, and other servers of a developer use plain http.
pub(crate) async fn strict_transport_security(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(OverTls);
    let applies = has_remote_host(request.headers());
    let mut response = next.run(request).await;
    if applies {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, POLICY);
    }
    response
}

fn has_remote_host(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let url = host.and_then(|host| Url::parse(&format!("https://{host}/")).ok());
    url.is_some_and(|url| !is_loopback_url(&url))
}
