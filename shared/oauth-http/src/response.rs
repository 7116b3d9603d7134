use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use serde::de::DeserializeOwned;

/// A response, read to its end.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body. `None` if it is longer than the transport reads.
    pub body: Option<Bytes>,
}

/// Why a response body cannot be used. It never quotes the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The body is longer than the limit of the transport.
    #[error("the response body is too long")]
    TooLong,
    /// The body is not JSON, or not JSON of the expected form.
    #[error("the response body is not the expected JSON")]
    NotJson,
}

impl HttpResponse {
    /// Returns the body, or an empty slice if it was too long.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.body.as_deref().unwrap_or_default()
    }

    /// Parses the body as JSON. The parser's message is dropped, because it quotes the body.
    ///
    /// # Errors
    /// Returns an error if the body was too long or is not a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, BodyError> {
        let body = self.body.as_deref().ok_or(BodyError::TooLong)?;
        serde_json::from_slice(body).map_err(|_| BodyError::NotJson)
    }

    /// Returns the delay that `Retry-After` names in seconds. The date form (RFC 9110 §10.2.3) is
    /// ignored: it would depend on the server's clock.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.headers.get(RETRY_AFTER)?;
        value.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
    }

    /// Returns whether the status says that the server cannot answer now: 429 or 5xx.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS || self.status.is_server_error()
    }
}
