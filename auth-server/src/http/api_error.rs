use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use oauth_types::{ErrorCode, FormError, OAuthError, bearer::Challenge};

use crate::{
    audit::AuditLog,
    clients::{ClientAuthError, DocumentError},
    domain::{AuditRecord, MetadataError, Outcome},
    keys::{KeyError, NoSigningKey},
    secure_random::SecureRandomError,
    storage::StoreError,
};

/// An OAuth error with its HTTP status. It is converted to a response only here.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{error}")]
pub struct ApiError {
    pub error: OAuthError,
    status: StatusCode,
    hint: ResponseHint,
    /// The part of the request at fault, as a fixed string. It is logged instead of the
    /// description, which may quote the caller.
    at_fault: Option<&'static str>,
}

/// Extra response header for the HTTP library of the caller.
#[derive(Clone, Copy, Debug)]
enum ResponseHint {
    None,
    /// Challenge for client authentication.
    BasicChallenge,
    /// Challenge for a bearer token (RFC 6750 §3).
    BearerChallenge,
    /// Delay before a retry, in seconds.
    RetryAfter(u64),
}

/// Forbids caching of responses about tokens (RFC 6749 §5.1).
pub const NO_STORE: [(HeaderName, HeaderValue); 2] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::PRAGMA, HeaderValue::from_static("no-cache")),
];

/// Rule for requests to the token endpoint (RFC 6749 §3.2).
pub const REQUEST_RULE: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-3.2";

/// What a client ID metadata document must be.
const DOCUMENT_RULE: &str =
    "https://datatracker.ietf.org/doc/draft-ietf-oauth-client-id-metadata-document/";
const REALM: &str = "gatepass";
const CHALLENGE: &str = r#"Basic realm="gatepass", charset="UTF-8""#;

impl ApiError {
    pub fn new(code: ErrorCode, description: impl AsRef<str>, rule: &str) -> Self {
        Self {
            error: OAuthError::new(code, description).with_error_uri(rule),
            status: StatusCode::BAD_REQUEST,
            hint: ResponseHint::None,
            at_fault: None,
        }
    }

    #[must_use]
    pub fn at(self, part: &'static str) -> Self {
        Self { at_fault: Some(part), ..self }
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the part of the request at fault, for the log.
    pub fn at_fault(&self) -> Option<&'static str> {
        self.at_fault.or(match self.error.error {
            ErrorCode::InvalidScope => Some("scope"),
            ErrorCode::InvalidTarget => Some("resource"),
            ErrorCode::UnsupportedGrantType => Some("grant_type"),
            _ => None,
        })
    }

    /// The body is longer than the setting `limits.max_body_bytes` allows.
    pub fn body_too_long() -> Self {
        Self::too_long("the body is longer than this server accepts", REQUEST_RULE).at("the body")
    }

    /// A part of the request is too long: status 413.
    pub fn too_long(description: impl AsRef<str>, rule: &str) -> Self {
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, ..Self::invalid_request(description, rule) }
    }

    /// Wraps an existing OAuth error, with status 400.
    pub fn of(error: OAuthError) -> Self {
        Self { error, status: StatusCode::BAD_REQUEST, hint: ResponseHint::None, at_fault: None }
    }

    pub fn invalid_request(description: impl AsRef<str>, rule: &str) -> Self {
        Self::new(ErrorCode::InvalidRequest, description, rule)
    }

    /// Client authentication failed: status 401 with a challenge (RFC 6749 §5.2).
    pub fn invalid_client(description: impl AsRef<str>) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            hint: ResponseHint::BasicChallenge,
            ..Self::new(
                ErrorCode::InvalidClient,
                description,
                "https://www.rfc-editor.org/rfc/rfc6749#section-5.2",
            )
        }
    }

    /// The access token is missing or invalid: status 401 with a challenge (RFC 6750 §3.1).
    pub fn invalid_token(description: impl AsRef<str>, rule: &str) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            hint: ResponseHint::BearerChallenge,
            ..Self::new(ErrorCode::InvalidToken, description, rule)
        }
    }

    /// The rate limit of an address is exceeded. The caller may retry after `retry_after` seconds.
    pub fn too_often(what: &str, retry_after: u64, rule: &str) -> Self {
        let text = format!("{what} too often from this address; try again in {retry_after} s");
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            hint: ResponseHint::RetryAfter(retry_after),
            ..Self::new(ErrorCode::TemporarilyUnavailable, text, rule)
        }
    }

    fn client_rate_limited(retry_after: u64) -> Self {
        let rule = "https://www.rfc-editor.org/rfc/rfc6749#section-10.10";
        Self::too_often("this client failed to authenticate", retry_after, rule)
    }

    /// The limit `registration.max_clients` is reached.
    fn registration_limit_reached() -> Self {
        let text = "the client registration limit is reached";
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            ..Self::new(
                ErrorCode::TemporarilyUnavailable,
                text,
                "https://www.rfc-editor.org/rfc/rfc7591#section-5",
            )
        }
    }

    /// Logs a rejected request, records it in the audit log, and returns the error. The log holds
    /// the error code and the parameter at fault; the description may quote secrets of the caller.
    pub async fn audited(self, audit: &AuditLog, mut record: AuditRecord) -> Self {
        let error = self.error.error.as_str();
        tracing::info!(
            client_id = record.client_id,
            request = record.event.as_str(),
            error,
            at = self.at_fault(),
            "request rejected"
        );
        record.outcome = Outcome::Rejected;
        record.error = Some(error.to_owned());
        audit.record_without_change(record).await;
        self
    }

    /// The server failed to process the request. The reason is logged and not sent.
    fn server_error(reason: &dyn std::fmt::Display) -> Self {
        tracing::error!(%reason, "failed to serve a request");
        Self {
            error: OAuthError::new(
                ErrorCode::ServerError,
                "the authorization server cannot serve requests right now",
            ),
            status: StatusCode::SERVICE_UNAVAILABLE,
            hint: ResponseHint::RetryAfter(5),
            at_fault: None,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let description = self.error.error_description.clone().unwrap_or_default();
        let code = self.error.error.as_str();
        let response = (self.status, NO_STORE, Json(self.error));
        match self.hint {
            ResponseHint::None => response.into_response(),
            ResponseHint::BasicChallenge => {
                ([(header::WWW_AUTHENTICATE, CHALLENGE)], response).into_response()
            }
            ResponseHint::BearerChallenge => {
                let challenge = Challenge::new(REALM).error(code, &description).to_string();
                ([(header::WWW_AUTHENTICATE, challenge)], response).into_response()
            }
            ResponseHint::RetryAfter(seconds) => {
                ([(header::RETRY_AFTER, seconds.to_string())], response).into_response()
            }
        }
    }
}

impl From<FormError> for ApiError {
    fn from(error: FormError) -> Self {
        Self::invalid_request(error.to_string(), REQUEST_RULE).at("the body")
    }
}

impl From<ClientAuthError> for ApiError {
    fn from(error: ClientAuthError) -> Self {
        match error {
            ClientAuthError::InvalidCredentials => Self::invalid_client("the client is unknown or its secret is wrong"),
            ClientAuthError::MissingCredentials(missing) => Self::invalid_client(missing),
            ClientAuthError::AuthMethodMismatch(registered) => Self::invalid_client(format!(
                "the client has registered the token_endpoint_auth_method {}, but used another method",
                registered.as_str()
            ))
            .at("client authentication"),
            ClientAuthError::RateLimited { retry_after } => Self::client_rate_limited(retry_after),
            ClientAuthError::Document(error) => Self::from(error),
        }
    }
}

impl From<DocumentError> for ApiError {
    fn from(error: DocumentError) -> Self {
        let text = error.to_string();
        match error {
            DocumentError::RateLimited(retry_after) => Self::too_often(
                "metadata documents of clients were fetched",
                retry_after,
                DOCUMENT_RULE,
            ),
            error => match error.retry_after() {
                Some(seconds) => Self {
                    status: StatusCode::SERVICE_UNAVAILABLE,
                    hint: ResponseHint::RetryAfter(seconds),
                    ..Self::new(ErrorCode::TemporarilyUnavailable, text, DOCUMENT_RULE)
                },
                None => Self::invalid_client(text),
            },
        }
    }
}

impl From<MetadataError> for ApiError {
    fn from(error: MetadataError) -> Self {
        Self::new(error.code, error.reason, "https://www.rfc-editor.org/rfc/rfc7591#section-3.2.2")
            .at("the metadata")
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::RegistrationLimitReached => Self::registration_limit_reached(),
            other => Self::server_error(&other),
        }
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        Self::server_error(&error)
    }
}

impl From<SecureRandomError> for ApiError {
    fn from(error: SecureRandomError) -> Self {
        Self::server_error(&error)
    }
}

impl From<NoSigningKey> for ApiError {
    fn from(error: NoSigningKey) -> Self {
        tracing::warn!(reason = %error, "failed to sign a response");
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            hint: ResponseHint::RetryAfter(5),
            ..Self::new(
                ErrorCode::TemporarilyUnavailable,
                "the signing key of this client's algorithm is not active yet; try again in 5 s",
                REQUEST_RULE,
            )
        }
    }
}
