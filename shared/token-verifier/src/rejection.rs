use std::time::Duration;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use flow_events::Rule;
use http::{HeaderValue, StatusCode, header};
use oauth_types::bearer::Challenge;
use serde_json::json;

use crate::{
    error::VerifyError, error_detail::ErrorDetail, requirement::UnmetRequirement,
    verifier::Verifier,
};

/// Longer explanations are cut off. They contain values of the caller and are sent in a header, and
/// proxies drop responses with long headers.
const MAX_DESCRIPTION_CHARS: usize = 400;

/// The error response to a request without a valid access token (RFC 6750 §3).
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
    ) -> Response {
        let body =
            json!({ "error": code, "error_description": oauth_types::printable(description) });
        self.respond(status, challenge.error(code, description), body)
    }

    fn respond(
        &self,
        status: StatusCode,
        challenge: Challenge,
        body: serde_json::Value,
    ) -> Response {
        // RFC 9728 §5.1: the metadata names the authorization server to get a token from.
        let challenge = challenge.with("resource_metadata", &self.metadata_url).to_string();
        let headers =
            [(header::WWW_AUTHENTICATE, challenge), (header::CACHE_CONTROL, "no-store".to_owned())];
        (status, headers, Json(body)).into_response()
    }

    /// The token may be valid, so there is no challenge and no `invalid_token`.
    fn unavailable(&self, reason: &str, retry_after: Duration) -> Response {
        let summary = "the access token cannot be verified now";
        let description = match self.detail {
            ErrorDetail::Full => truncate(&format!("{summary}: {reason}")),
            ErrorDetail::Terse => summary.to_owned(),
        };
        let description = oauth_types::printable(&description);
        let body = json!({ "error": "temporarily_unavailable", "error_description": description });
        let headers = [
            (header::RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1))),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (StatusCode::SERVICE_UNAVAILABLE, headers, Json(body)).into_response()
    }
}

impl IntoResponse for BearerRejection {
    fn into_response(self) -> Response {
        let challenge = Challenge::new(&self.realm);
        match &self.kind {
            RejectionKind::NoToken => {
                let body = json!({ "error_description": "send an access token: Authorization: Bearer TOKEN" });
                self.respond(StatusCode::UNAUTHORIZED, challenge, body)
            }
            RejectionKind::Misplaced(description) => {
                self.error(StatusCode::BAD_REQUEST, challenge, "invalid_request", description)
            }
            RejectionKind::UnreadableBody(status) => {
                let description = if *status == StatusCode::PAYLOAD_TOO_LARGE {
                    "the request body is too long"
                } else {
                    "the request body is incomplete"
                };
                self.error(*status, challenge, "invalid_request", description)
            }
            RejectionKind::Verify(VerifyError::Invalid { rule, reason }) => {
                let description = match self.detail {
                    ErrorDetail::Full => with_source(*rule, reason),
                    ErrorDetail::Terse => {
                        "the access token is malformed, expired, revoked or not for this resource"
                            .to_owned()
                    }
                };
                self.error(StatusCode::UNAUTHORIZED, challenge, "invalid_token", &description)
            }
            RejectionKind::Verify(VerifyError::Unavailable { reason, retry_after }) => {
                self.unavailable(reason, *retry_after)
            }
            RejectionKind::Unmet(UnmetRequirement::Scope { required, granted }) => {
                let summary = format!("this request requires the scope {required}");
                let description = match self.detail {
                    ErrorDetail::Full => {
                        truncate(&format!("{summary}; the access token has: {granted}"))
                    }
                    ErrorDetail::Terse => summary,
                };
                let challenge = challenge.with("scope", required);
                self.error(StatusCode::FORBIDDEN, challenge, "insufficient_scope", &description)
            }
            // RFC 6750 §3.1: more privileges than the token provides. Here no scope would help.
            RejectionKind::Unmet(UnmetRequirement::Claim { name, value }) => {
                let summary = format!("this request requires the claim {name}");
                let description = match self.detail {
                    ErrorDetail::Full => truncate(&format!("{summary} with the value {value}")),
                    ErrorDetail::Terse => summary,
                };
                self.error(StatusCode::FORBIDDEN, challenge, "insufficient_scope", &description)
            }
        }
    }
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
