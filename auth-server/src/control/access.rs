use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header::ORIGIN},
    middleware::Next,
    response::{IntoResponse, Response},
};
use service_kit::{CorsOrigins, CorsPolicy, CorsRule};

use super::{context::ControlPolicy, error::ControlError};
use crate::http::bearer_token;

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Middleware: rejects pages that the settings do not list, and requests without the token.
///
/// Pages come first. Without a token, any page that the browser of a developer opens could call the
/// control API on loopback.
pub async fn require_access(
    State(policy): State<Arc<ControlPolicy>>,
    request: Request,
    next: Next,
) -> Response {
    if is_of_foreign_page(request.headers(), &policy.origins) {
        return ControlError::foreign_page().into_response();
    }
    let is_authorized = policy.token.as_ref().is_none_or(|expected| {
        bearer_token(request.headers()).is_some_and(|presented| expected.matches(&presented))
    });
    if !is_authorized {
        return ControlError::unauthorized().into_response();
    }
    next.run(request).await
}

/// Reads the headers that browsers set and pages cannot change. Other programs send neither. A
/// browser sends `none` if its user opens the URL.
fn is_of_foreign_page(headers: &HeaderMap, allowed: &[String]) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => headers.get(SEC_FETCH_SITE).is_some_and(|site| site.as_bytes() != b"none"),
        (Some(origin), None) => {
            !allowed.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
        }
        _ => true,
    }
}

/// The pages that may read the responses of the control API.
#[derive(Clone)]
pub struct AllowedOrigins(pub Arc<[String]>);

impl CorsPolicy for AllowedOrigins {
    fn rule(&self, _path: &str) -> Option<CorsRule> {
        Some(CorsRule {
            origins: CorsOrigins::Listed,
            methods: "GET, POST, PUT, DELETE",
            request_headers: "authorization, content-type",
        })
    }

    fn lists_origin(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| allowed == origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_programs_and_listed_pages_may_call() {
        let allowed = ["http://localhost:5173".to_owned()];
        let origin = |origin| ("origin", origin);
        for (headers, is_foreign) in [
            (&[][..], false),
            (&[(SEC_FETCH_SITE, "none")], false),
            (&[(SEC_FETCH_SITE, "cross-site")], true),
            (&[(SEC_FETCH_SITE, "same-site")], true),
            (&[(SEC_FETCH_SITE, "same-origin")], true),
            (&[origin("http://localhost:5173"), (SEC_FETCH_SITE, "cross-site")], false),
            (&[origin("http://localhost:5174")], true),
            (&[origin("null")], true),
            (&[origin("http://localhost:5173"), origin("http://localhost:5173")], true),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, value.parse().unwrap());
            }
            assert_eq!(is_of_foreign_page(&map, &allowed), is_foreign, "{headers:?}");
        }
    }
}
