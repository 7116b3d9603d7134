use std::time::Duration;

use axum::{
    Json,
    http::{StatusCode, header::WWW_AUTHENTICATE},
    response::{IntoResponse, Response},
};
use oauth_types::bearer::Challenge;
use serde::Serialize;

use crate::{
    http::NO_STORE,
    keys::{KeyError, NoSigningKey},
    secure_random::SecureRandomError,
    storage::StoreError,
    typed_json::JsonProblem,
};

/// Why the control API rejects a request. It is converted to a response only here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ControlError {
    #[serde(skip)]
    status: StatusCode,
    error: &'static str,
    error_description: String,
    /// The part of the body at fault (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// What that part must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
}

const REALM: &str = "gatepass-control";

impl ControlError {
    fn new(status: StatusCode, error: &'static str, description: impl Into<String>) -> Self {
        let error_description = description.into();
        Self { status, error, error_description, pointer: None, expected: None }
    }

    /// The request is malformed, or a value in it cannot be used: status 400.
    pub fn invalid(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    /// What the request names does not exist: status 404. `error` says what kind of thing that is.
    pub fn not_found(error: &'static str, description: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error, description)
    }

    /// The token is missing or wrong: status 401 with a challenge (RFC 6750 §3).
    pub fn unauthorized() -> Self {
        let text = "the control API requires the token of the setting control.token; send it as a Bearer token";
        Self::new(StatusCode::UNAUTHORIZED, "invalid_token", text)
    }

    /// A page that may not call the control API sent the request: status 403.
    pub fn foreign_page() -> Self {
        let text =
            "no page may call the control API, except those of the setting control.allowed_origins";
        Self::new(StatusCode::FORBIDDEN, "invalid_request", text)
    }

    /// The path has no such method: status 405.
    pub fn unknown_method() -> Self {
        let text = "the control API has no such method at this path; see the Allow header";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", text)
    }

    /// The body has another media type: status 415.
    pub fn not_json() -> Self {
        let text = "the Content-Type is not application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request", text)
            .at("")
            .expecting("application/json")
    }

    /// The body is too long (413), or ended early.
    pub fn unreadable(status: StatusCode) -> Self {
        let text = match status {
            StatusCode::PAYLOAD_TOO_LARGE => "the request body is too long",
            _ => "the request body could not be read completely",
        };
        Self::new(status, "invalid_request", text)
            .at("")
            .expecting("a complete body of at most limits.max_body_bytes")
    }

    /// The body did not arrive in time: status 408.
    pub fn too_slow() -> Self {
        let text = "the request took too long, including its body";
        Self::new(StatusCode::REQUEST_TIMEOUT, "invalid_request", text)
    }

    /// A time in milliseconds is so long that the request would time out: status 400.
    pub fn longer_than(longest: Duration) -> Self {
        let text = "the request would time out (limits.request_timeout_seconds)";
        Self::invalid(text).expecting(format!("0 to {}", longest.as_millis()))
    }

    /// Another call changed the same at the same time: status 409. The client can repeat the call.
    pub fn conflict() -> Self {
        let text =
            "another call changed the same user, client or key at the same time; repeat this one";
        Self::new(StatusCode::CONFLICT, "conflict", text)
    }

    /// The server cannot serve the request at present: status 503.
    pub fn unavailable() -> Self {
        let text = "the authorization server cannot serve requests right now";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", text)
    }

    /// The server has no issuer yet: status 503.
    pub fn issuer_not_set() -> Self {
        let text =
            "the issuer of this server is not set yet: PUT /control/issuers/default with its URL";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "issuer_not_set", text)
    }

    /// The server failed: status 503. The reason is logged and not sent.
    pub fn internal(reason: &dyn std::fmt::Display) -> Self {
        tracing::error!(%reason, "failed to serve a control request");
        Self::unavailable()
    }

    /// What is wrong, as a clause.
    pub fn description(&self) -> &str {
        &self.error_description
    }

    /// Makes a pointer into a seed one into the body that changed it, which is an entry of the list
    /// `kind`. If an entry of another list is at fault, the body as a whole is.
    #[must_use]
    pub fn below_entry(self, kind: &str) -> Self {
        let within = |pointer: String| {
            let mut parts = pointer.splitn(4, '/').skip(1);
            let is_of_body = parts.next() == Some(kind);
            let rest = parts.nth(1).filter(|_| is_of_body);
            rest.map(|rest| format!("/{rest}")).unwrap_or_default()
        };
        Self { pointer: self.pointer.map(within), ..self }
    }

    /// Makes the pointer one into the document that has this part at `pointer`.
    #[must_use]
    pub fn below(self, pointer: &str) -> Self {
        Self { pointer: self.pointer.map(|rest| format!("{pointer}{rest}")), ..self }
    }

    /// Names the part of the body at fault (RFC 6901).
    #[must_use]
    pub fn at(self, pointer: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), ..self }
    }

    /// Says what the part at fault must be.
    #[must_use]
    pub fn expecting(self, expected: impl Into<String>) -> Self {
        Self { expected: Some(expected.into()), ..self }
    }
}

/// For the log.
impl std::fmt::Display for ControlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.pointer.as_deref() {
            None | Some("") => f.write_str(&self.error_description),
            Some(pointer) => write!(f, "{pointer}: {}", self.error_description),
        }
    }
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let challenge = (self.status == StatusCode::UNAUTHORIZED).then(|| {
            let challenge = Challenge::new(REALM).error(self.error, &self.error_description);
            [(WWW_AUTHENTICATE, challenge.to_string())]
        });
        (self.status, challenge, NO_STORE, Json(self)).into_response()
    }
}

impl From<JsonProblem> for ControlError {
    fn from(JsonProblem { pointer, description, expected }: JsonProblem) -> Self {
        Self { expected, ..Self::invalid(description).at(pointer) }
    }
}

/// What a call needs was there when it was checked, so another call has changed it since. Any other
/// reason is logged and not sent.
impl From<StoreError> for ControlError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::ClientNotFound(_)
            | StoreError::ClientExists(_)
            | StoreError::UserNotFound(_)
            | StoreError::UserExists(_)
            | StoreError::ChangedSinceRead
            | StoreError::KeysChanged
            | StoreError::AlreadyConsumed
            | StoreError::SessionEnded => Self::conflict(),
            other => Self::internal(&other),
        }
    }
}

impl From<SecureRandomError> for ControlError {
    fn from(error: SecureRandomError) -> Self {
        Self::internal(&error)
    }
}

impl From<KeyError> for ControlError {
    fn from(error: KeyError) -> Self {
        Self::internal(&error)
    }
}

impl From<NoSigningKey> for ControlError {
    fn from(error: NoSigningKey) -> Self {
        Self::internal(&error)
    }
}
