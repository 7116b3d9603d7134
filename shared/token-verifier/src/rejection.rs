use std::time::Duration;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use flow_events::Rule;
use http::{HeaderValue, StatusCode, header};
use oauth_types::bearer::Challenge;
use serde_json::json;

use crate::VerifyError;

/// How much a refusal explains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorDetail {
    /// With the compared values: for those who learn and test.
    Full,
    /// By its kind alone. The log has the rest.
    #[default]
    Terse,
}

/// A no, on its way to the caller. Here alone it becomes HTTP (RFC 6750 §3).
#[derive(Clone, Debug)]
pub struct BearerRejection {
    pub(crate) why: RejectionKind,
    pub(crate) realm: String,
    pub(crate) metadata_url: String,
    pub(crate) detail: ErrorDetail,
}

#[derive(Clone, Debug)]
pub(crate) enum RejectionKind {
    /// The request carries no token: it learns how to get one, and of no error (§3.1).
    NoToken,
    /// The token stands where it must not, or in two places (§2).
    Misplaced(&'static str),
    /// The body is too long, or broke off.
    Unreadable(StatusCode),
    Verify(VerifyError),
    /// The token is good, and does not allow this.
    Scope {
        needed: &'static str,
        has: String,
    },
}

impl IntoResponse for BearerRejection {
    fn into_response(self) -> Response {
        let challenge = Challenge::new(&self.realm);
        match &self.why {
            RejectionKind::NoToken => {
                let body = json!({ "error_description": "send an access token: Authorization: Bearer TOKEN" });
                self.answer(StatusCode::UNAUTHORIZED, challenge, body)
            }
            RejectionKind::Misplaced(description) => {
                self.refuse(StatusCode::BAD_REQUEST, challenge, "invalid_request", description)
            }
            RejectionKind::Unreadable(status) => {
                let description = if *status == StatusCode::PAYLOAD_TOO_LARGE {
                    "the body is longer than is taken here"
                } else {
                    "the body broke off"
                };
                self.refuse(*status, challenge, "invalid_request", description)
            }
            RejectionKind::Verify(VerifyError::Invalid { rule, reason }) => {
                let description = match self.detail {
                    ErrorDetail::Full => explain(*rule, reason),
                    ErrorDetail::Terse => {
                        "the access token is malformed, expired, revoked or not for this resource"
                            .to_owned()
                    }
                };
                self.refuse(StatusCode::UNAUTHORIZED, challenge, "invalid_token", &description)
            }
            RejectionKind::Verify(VerifyError::Unavailable { reason, retry_after }) => {
                self.unavailable(reason, *retry_after)
            }
            RejectionKind::Scope { needed, has } => {
                let description = match self.detail {
                    ErrorDetail::Full => short(&format!(
                        "this needs the scope {needed}; the access token has: {has}"
                    )),
                    ErrorDetail::Terse => format!("this needs the scope {needed}"),
                };
                let challenge = challenge.with("scope", needed);
                self.refuse(StatusCode::FORBIDDEN, challenge, "insufficient_scope", &description)
            }
        }
    }
}

impl BearerRejection {
    fn refuse(
        &self,
        status: StatusCode,
        challenge: Challenge,
        code: &str,
        description: &str,
    ) -> Response {
        let body =
            json!({ "error": code, "error_description": oauth_types::printable(description) });
        self.answer(status, challenge.error(code, description), body)
    }

    fn answer(
        &self,
        status: StatusCode,
        challenge: Challenge,
        body: serde_json::Value,
    ) -> Response {
        // RFC 9728 §5.1: from here a client finds out whom to ask for a token.
        let challenge = challenge.with("resource_metadata", &self.metadata_url).to_string();
        let headers =
            [(header::WWW_AUTHENTICATE, challenge), (header::CACHE_CONTROL, "no-store".to_owned())];
        (status, headers, Json(body)).into_response()
    }

    /// Not the caller's fault, and not a yes.
    fn unavailable(&self, reason: &str, retry_after: Duration) -> Response {
        let description = match self.detail {
            ErrorDetail::Full => short(&format!(
                "whether the access token is good cannot be found out now: {reason}"
            )),
            ErrorDetail::Terse => {
                "whether the access token is good cannot be found out now".to_owned()
            }
        };
        let body = json!({ "error": "temporarily_unavailable", "error_description": oauth_types::printable(&description) });
        let headers = [
            (header::RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1))),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (StatusCode::SERVICE_UNAVAILABLE, headers, Json(body)).into_response()
    }
}

fn explain(rule: Option<Rule>, reason: &str) -> String {
    let short = short(reason);
    rule.map_or_else(|| short.clone(), |rule| format!("{short} [{}]", rule.source()))
}

/// What others sent comes back in a header, and a proxy that finds a header too long drops the
/// whole answer.
fn short(text: &str) -> String {
    text.chars().take(400).collect()
}
