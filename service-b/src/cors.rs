//! Which pages of other origins may read B's responses.

use std::sync::Arc;

use oauth_types::is_web_origin;
use service_kit::{CorsOrigins, CorsPolicy, CorsRule};

/// Where every page may read the response: the metadata is public, and clients in browsers need it
/// before they have an access token.
const METADATA: &str = "/.well-known/oauth-protected-resource";

/// The paths that the origins in the settings may call.
const API: &str = "/api/";

/// The origins whose pages may call the API.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllowedOrigins(Arc<[String]>);

impl AllowedOrigins {
    /// Reads origins as browsers send them. `*` and `null` are rejected: `null` is the origin of
    /// every sandboxed page.
    ///
    /// # Errors
    /// Returns an error that names the malformed origin.
    pub(crate) fn parse(origins: &[String]) -> Result<Self, String> {
        match origins.iter().find(|origin| !is_web_origin(origin)) {
            Some(origin) => Err(format!(
                "cors.allowed_origins: `{origin}` is not an origin such as https://app.example"
            )),
            None => Ok(Self(origins.into())),
        }
    }
}

impl CorsPolicy for AllowedOrigins {
    fn rule(&self, path: &str) -> Option<CorsRule> {
        let is_metadata =
            path == METADATA || path.starts_with("/.well-known/oauth-protected-resource/");
        if is_metadata {
            // The metadata ignores request headers. Some clients send a version of their protocol
            // there.
            return Some(CorsRule {
                origins: CorsOrigins::Any,
                methods: "GET, POST",
                request_headers: "*",
            });
        }
        path.starts_with(API).then_some(CorsRule {
            origins: CorsOrigins::Listed,
            methods: "GET, POST",
            request_headers: "authorization, content-type",
        })
    }

    fn lists_origin(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| allowed == origin)
    }
}
