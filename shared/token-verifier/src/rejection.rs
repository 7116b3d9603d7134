use std::time::Duration;

use flow_events::Rule;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use oauth_types::bearer::Challenge;
use serde_json::json;

use crate::{
    error::VerifyError, error_detail::ErrorDetail, requirement::UnmetRequirement,
    verifier::Verifier,
};

/// Longer explanations are cut off. They contain values of the caller and are sent in a header, and
/// proxies drop responses with long headers.
const MAX_DESCRIPTION_CHARS: usize = 400;

/// The error response to a request without a valid access token (RFC 6750 §3). It converts to an
/// [`http::Response`] with a JSON body, and with the feature `axum` to a response of axum.
#[derive(Clone, Debug)]
pub struct BearerRejection {
    kind: RejectionKind,
    realm: String,
    metadata_url: String,
    detail: ErrorDetail,
}

#[derive(Clone, Debug)]
pub(crate) enum RejectionKind {
    /// The request has no token. The response names no error (§3.1), only where to get a token.
    NoToken,
    /// The token is in the wrong place, or in two places (§2).
    Misplaced(&'static str),
    /// The body is too long, or ended early.
    #[cfg_attr(
        not(feature = "axum"),
        expect(dead_code, reason = "only the extractor for axum reads the body")
    )]
    UnreadableBody(StatusCode),
    /// The token is not valid, or cannot be verified.
    Verify(VerifyError),
    /// The token is valid, and the handler requires more.
    Unmet(UnmetRequirement),
}

impl BearerRejection {
    pub(crate) fn new(verifier: &Verifier, kind: RejectionKind) -> Self {
        let inner = &verifier.0;
        Self {
            kind,
            realm: inner.resource.clone(),
            metadata_url: inner.metadata_url.clone(),
            detail: inner.detail,
        }
    }

    fn error(
        &self,
        status: StatusCode,
        challenge: Challenge,
        code: &str,
        description: &str,
    ) -> Response<String> {
        let body =
            json!({ "error": code, "error_description": oauth_types::printable(description) });
        self.respond(status, challenge.error(code, description), &body)
    }

    fn respond(
        &self,
        status: StatusCode,
        challenge: Challenge,
        body: &serde_json::Value,
    ) -> Response<String> {
        // RFC 9728 §5.1: the metadata names the authorization server to get a token from.
        let challenge = challenge.with("resource_metadata", &self.metadata_url).to_string();
        response(status, header::WWW_AUTHENTICATE, &challenge, body)
    }

    /// The token may be valid, so there is no challenge and no `invalid_token`.
    fn unavailable(&self, reason: &str, retry_after: Duration) -> Response<String> {
        let summary = "the access token cannot be verified now";
        let description = match self.detail {
            ErrorDetail::Full => truncate(&format!("{summary}: {reason}")),
            ErrorDetail::Terse => summary.to_owned(),
        };
        let description = oauth_types::printable(&description);
        let body = json!({ "error": "temporarily_unavailable", "error_description": description });
        let seconds = retry_after.as_secs().max(1).to_string();
        response(StatusCode::SERVICE_UNAVAILABLE, header::RETRY_AFTER, &seconds, &body)
    }
}

#[cfg(feature = "axum")]
impl axum::response::IntoResponse for BearerRejection {
    fn into_response(self) -> axum::response::Response {
        Response::<String>::from(self).map(axum::body::Body::from)
    }
}

impl From<BearerRejection> for Response<String> {
    fn from(rejection: BearerRejection) -> Self {
        let challenge = Challenge::new(&rejection.realm);
        match &rejection.kind {
            RejectionKind::NoToken => {
                let body = json!({ "error_description": "send an access token: Authorization: Bearer TOKEN" });
                rejection.respond(StatusCode::UNAUTHORIZED, challenge, &body)
            }
            RejectionKind::Misplaced(description) => {
                rejection.error(StatusCode::BAD_REQUEST, challenge, "invalid_request", description)
            }
            RejectionKind::UnreadableBody(status) => {
                let description = if *status == StatusCode::PAYLOAD_TOO_LARGE {
                    "the request body is too long"
                } else {
                    "the request body is incomplete"
                };
                rejection.error(*status, challenge, "invalid_request", description)
            }
            RejectionKind::Verify(VerifyError::Invalid { rule, reason }) => {
                let description = match rejection.detail {
                    ErrorDetail::Full => with_source(*rule, reason),
                    ErrorDetail::Terse => {
                        "the access token is malformed, expired, revoked or not for this resource"
                            .to_owned()
                    }
                };
                rejection.error(StatusCode::UNAUTHORIZED, challenge, "invalid_token", &description)
            }
            RejectionKind::Verify(VerifyError::Unavailable { reason, retry_after }) => {
                rejection.unavailable(reason, *retry_after)
            }
            RejectionKind::Unmet(UnmetRequirement::Scope { required, granted }) => {
                let summary = format!("this request requires the scope {required}");
                let description = match rejection.detail {
                    ErrorDetail::Full => {
                        truncate(&format!("{summary}; the access token has: {granted}"))
                    }
                    ErrorDetail::Terse => summary,
                };
                let challenge = challenge.with("scope", required);
                rejection.error(
                    StatusCode::FORBIDDEN,
                    challenge,
                    "insufficient_scope",
                    &description,
                )
            }
            // RFC 6750 §3.1: more privileges than the token provides. Here no scope would help.
            RejectionKind::Unmet(UnmetRequirement::Claim { name, value }) => {
                let summary = format!("this request requires the claim {name}");
                let description = match rejection.detail {
                    ErrorDetail::Full => truncate(&format!("{summary} with the value {value}")),
                    ErrorDetail::Terse => summary,
                };
                rejection.error(
                    StatusCode::FORBIDDEN,
                    challenge,
                    "insufficient_scope",
                    &description,
                )
            }
        }
    }
}

/// Values of headers are printable here; one that is not would be left out.
fn response(
    status: StatusCode,
    name: HeaderName,
    value: &str,
    body: &serde_json::Value,
) -> Response<String> {
    let mut response = Response::new(body.to_string());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
    response
}

fn with_source(rule: Option<Rule>, reason: &str) -> String {
    let reason = truncate(reason);
    match rule {
        Some(rule) => format!("{reason} [{}]", rule.source()),
        None => reason,
    }
}

fn truncate(text: &str) -> String {
    text.chars().take(MAX_DESCRIPTION_CHARS).collect()
}
