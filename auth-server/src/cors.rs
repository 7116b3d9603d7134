//! Which pages of other origins may read C's responses.

use std::sync::Arc;

use service_kit::{CorsOrigins, CorsPolicy, CorsRule};

use crate::clients::Clients;

const SERVER_METADATA: &str = "/.well-known/oauth-authorization-server";

/// Public documents. They ignore request headers; some clients send the version of a protocol.
const DOCUMENT: CorsRule =
    CorsRule { origins: CorsOrigins::Any, methods: "GET", request_headers: "*" };

/// A client that registers itself has no registered origin yet. An initial access token or a
/// registration access token is in a header that the page itself sets.
const REGISTRATION: CorsRule = CorsRule {
    origins: CorsOrigins::Any,
    methods: "GET, POST, PUT, DELETE",
    request_headers: "authorization, content-type, *",
};

/// What a public client calls from its page after the redirect.
const CLIENT_PAGES: CorsRule = CorsRule {
    origins: CorsOrigins::Listed,
    methods: "GET, POST",
    request_headers: "authorization, content-type",
};

/// The origins of the pages of public clients.
///
/// No page may read the authorization endpoint: the browser is redirected there (RFC 9700 §2.6).
/// Introspection and device authorization are not for clients in browsers.
#[derive(Clone)]
pub struct PageOrigins {
    pub clients: Arc<Clients>,
    /// Whether clients can register themselves.
    pub registration: bool,
}

impl CorsPolicy for PageOrigins {
    fn rule(&self, path: &str) -> Option<CorsRule> {
        let is_below = |base: &str| {
            path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        match path {
            "/.well-known/jwks.json" | "/.well-known/openid-configuration" => Some(DOCUMENT),
            "/oauth/token" | "/oauth/revoke" | "/oauth/par" | "/userinfo" => Some(CLIENT_PAGES),
            _ if is_below(SERVER_METADATA) => Some(DOCUMENT),
            _ if self.registration && is_below("/oauth/register") => Some(REGISTRATION),
            _ => None,
        }
    }

    fn lists_origin(&self, origin: &str) -> bool {
        self.clients.has_page_origin(origin)
            || self.clients.registry.looseness().lists_origin(origin)
    }
}
