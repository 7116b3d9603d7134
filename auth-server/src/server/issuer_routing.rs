//! Several issuers at one listener: a request is for the one that its host and path name.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{
        StatusCode, Uri,
        header::HOST,
        uri::{Authority, PathAndQuery},
    },
    response::{IntoResponse, Response},
};
use oauth_types::{ErrorCode, OAuthError};
use tower::Service;
use url::Url;

/// The metadata of an issuer with a path is below this path (RFC 8414 §3.1).
const SERVER_METADATA: &str = "/.well-known/oauth-authorization-server";

/// The routes of an issuer, and the host and path at which they are served.
#[derive(Clone)]
pub(super) struct IssuerRoutes {
    host: String,
    /// Empty for an issuer whose endpoints are below no path.
    path: String,
    routes: Router,
}

impl IssuerRoutes {
    pub fn new(url: &Url, path: &str, routes: Router) -> Self {
        let host = url.host_str().unwrap_or_default().to_owned();
        Self { host, path: path.to_owned(), routes }
    }

    /// Returns the path of a request within this issuer, if it is for this one.
    fn path_within(&self, path: &str) -> Option<String> {
        let rest = below(path, &self.path)?;
        Some(if rest.is_empty() { "/".to_owned() } else { rest.to_owned() })
    }

    /// Returns whether the path is that of the issuer's metadata outside its own path. The issuer
    /// has a route for it.
    fn has_metadata_at(&self, path: &str) -> bool {
        let of = below(path, SERVER_METADATA);
        !self.path.is_empty() && of.is_some_and(|of| of.trim_end_matches('/') == self.path)
    }
}

/// Returns the rest of a path after the segments of `base`.
fn below<'a>(path: &'a str, base: &str) -> Option<&'a str> {
    path.strip_prefix(base).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns the routes of a listener. Hosts that no issuer has are those of the first one.
pub(super) fn route_by_issuer(mut issuers: Vec<IssuerRoutes>) -> Router {
    let is_only = issuers.len() == 1;
    if let Some(issuer) = issuers.pop_if(|issuer| is_only && issuer.path.is_empty()) {
        return issuer.routes;
    }
    Router::new().fallback(serve).with_state(Arc::from(issuers))
}

async fn serve(State(issuers): State<Arc<[IssuerRoutes]>>, request: Request) -> Response {
    let Some((issuer, path)) = choose(&issuers, &request) else { return no_issuer() };
    let (mut parts, body) = request.into_parts();
    if let Some(path) = path {
        let Some(uri) = with_path(&parts.uri, &path) else { return no_issuer() };
        parts.uri = uri;
    }
    match issuer.routes.clone().call(Request::from_parts(parts, body)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Returns the issuer that a request is for, and the path within it unless that is the same.
fn choose<'a>(
    issuers: &'a [IssuerRoutes],
    request: &Request,
) -> Option<(&'a IssuerRoutes, Option<String>)> {
    let first = issuers.first()?;
    let named = host_of(request);
    let host = named.filter(|named| issuers.iter().any(|issuer| issuer.host == *named));
    let host = host.as_deref().unwrap_or(&first.host);
    let path = request.uri().path();
    let at_host = || issuers.iter().filter(|issuer| issuer.host == host);
    if let Some(issuer) = at_host().find(|issuer| issuer.has_metadata_at(path)) {
        return Some((issuer, None));
    }
    let served = at_host().filter_map(|issuer| Some((issuer, issuer.path_within(path)?)));
    if let Some((issuer, within)) = served.max_by_key(|(issuer, _)| issuer.path.len()) {
        return Some((issuer, (within != path).then_some(within)));
    }
    Some((first, None)).filter(|(first, _)| first.path.is_empty())
}

/// Returns the host of a request as URLs have it.
fn host_of(request: &Request) -> Option<String> {
    let in_header = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let authority = match request.uri().authority() {
        Some(authority) => authority.clone(),
        None => in_header?.parse::<Authority>().ok()?,
    };
    let host = authority.host();
    Some(host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase())
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let path_and_query = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

fn no_issuer() -> Response {
    let error =
        OAuthError::new(ErrorCode::InvalidRequest, "no issuer of this server is at this path");
    (StatusCode::NOT_FOUND, Json(error)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn chosen(host: &str, path: &str) -> Option<(usize, String)> {
        let issuer =
            |url: &str, path: &str| IssuerRoutes::new(&url.parse().unwrap(), path, Router::new());
        let issuers = [
            issuer("http://localhost:9000", ""),
            issuer("http://tenant.localhost:9000", ""),
            issuer("http://localhost:9000/a", "/a"),
            issuer("http://localhost:9000/a/b", "/a/b"),
            issuer("http://other.localhost:9000/c", "/c"),
        ];
        let request = Request::get(path).header(HOST, host).body(Body::empty()).unwrap();
        let (issuer, within) = choose(&issuers, &request)?;
        let index =
            issuers.iter().position(|one| (&one.host, &one.path) == (&issuer.host, &issuer.path));
        Some((index.unwrap(), within.unwrap_or_else(|| path.to_owned())))
    }

    #[test]
    fn host_and_longest_path_choose_the_issuer() {
        for (host, path, index, within) in [
            ("localhost:9000", "/oauth/token", 0, "/oauth/token"),
            ("127.0.0.1:9000", "/oauth/token", 0, "/oauth/token"),
            ("Tenant.localhost.:9000", "/oauth/token", 1, "/oauth/token"),
            ("tenant.localhost:9000", "/a/oauth/token", 1, "/a/oauth/token"),
            ("localhost:9000", "/a/oauth/token", 2, "/oauth/token"),
            ("auth-server:9000", "/a/oauth/token", 2, "/oauth/token"),
            ("localhost:9000", "/a", 2, "/"),
            ("localhost:9000", "/a/b/login", 3, "/login"),
            ("localhost:9000", "/ab/login", 0, "/ab/login"),
            ("other.localhost:9000", "/c/login", 4, "/login"),
            ("other.localhost:9000", "/login", 0, "/login"),
            (
                "localhost:9000",
                "/.well-known/oauth-authorization-server/a/b",
                3,
                "/.well-known/oauth-authorization-server/a/b",
            ),
            (
                "localhost:9000",
                "/.well-known/oauth-authorization-server",
                0,
                "/.well-known/oauth-authorization-server",
            ),
        ] {
            assert_eq!(chosen(host, path), Some((index, within.to_owned())), "{host}{path}");
        }
    }

    #[test]
    fn query_stays() {
        let uri = "http://localhost/a/login?x=1".parse().unwrap();
        assert_eq!(with_path(&uri, "/login").unwrap(), "http://localhost/login?x=1");
        assert_eq!(with_path(&"/a//x".parse().unwrap(), "//x").unwrap(), "//x");
    }
}
