use axum::body::Bytes;
use flow_events::Field;
use http::StatusCode;
use oauth_http::{HttpResponse, HttpTransport, TransportError};
use reqwest::RequestBuilder;

use super::{BResponse, CallError};

/// Maximum length of a response body of B, in bytes.
pub(super) const MAX_BODY: usize = 1024 * 1024;
/// Maximum length of the part of a body in an event, in characters.
const MAX_BODY_IN_EVENT: usize = 2_000;

/// B gave no usable response.
#[derive(Debug)]
pub(super) struct AttemptError {
    error: CallError,
    /// The connection failed, so B received nothing.
    pub(super) not_sent: bool,
    /// A retry may succeed.
    pub(super) transient: bool,
}

/// Sends one request to B. `url` is for errors, `fields` describe the request in events, and
/// `secrets` are removed from the response.
pub(super) async fn send(
    transport: &HttpTransport,
    request: RequestBuilder,
    url: &str,
    fields: impl FnOnce() -> Vec<Field> + Send,
    secrets: &[&str],
) -> Result<BResponse, AttemptError> {
    let response_fields = |response: &HttpResponse| {
        let body = without_echoed_secrets(response.bytes(), secrets);
        let text =
            String::from_utf8_lossy(body).chars().take(MAX_BODY_IN_EVENT).collect::<String>();
        vec![Field::text("body", text)]
    };
    let response = transport
        .send(request, |_| fields(), response_fields)
        .await
        .map_err(|error| attempt_error(error, url))?;
    let (status, retry_after) = (response.status, response.retry_after());
    let Some(body) = response.body else {
        let reason = format!("the response of B at {url} is longer than {MAX_BODY} bytes");
        let error = CallError::calling_b(StatusCode::BAD_GATEWAY, reason);
        return Err(AttemptError { error, not_sent: false, transient: false });
    };
    let echoed = without_echoed_secrets(&body, secrets).is_empty();
    Ok(BResponse { status, retry_after, body: if echoed { Bytes::new() } else { body } })
}

/// Returns an empty body if `body` repeats a secret of the request, which would otherwise reach
/// A's caller and A's log.
fn without_echoed_secrets<'a>(body: &'a [u8], secrets: &[&str]) -> &'a [u8] {
    let echoed = |secret: &&str| {
        !secret.is_empty() && body.windows(secret.len()).any(|part| part == secret.as_bytes())
    };
    if secrets.iter().any(echoed) { &[] } else { body }
}

fn attempt_error(error: TransportError, url: &str) -> AttemptError {
    let (timed_out, not_sent) = (error.is_timeout(), error.is_connect());
    let error_of_b = if timed_out {
        let reason = format!("B at {url} did not respond in time");
        CallError::calling_b(StatusCode::GATEWAY_TIMEOUT, reason)
    } else {
        let reason = format!("B is unreachable at {url}: {}", error.root_cause());
        CallError::calling_b(StatusCode::BAD_GATEWAY, reason)
    };
    let invalid = error.is_invalid_request();
    let error = error.into_inner();
    // A response that broke off is not requested again: B has processed the request.
    let incomplete = error.is_body() || error.is_decode();
    let transient = !timed_out && !invalid && !incomplete;
    AttemptError { error: error_of_b, not_sent, transient }
}

impl From<AttemptError> for CallError {
    fn from(error: AttemptError) -> Self {
        error.error
    }
}
