use std::{
    error::Error,
    time::{Duration, Instant},
};

use axum::body::Bytes;
use flow_events::{Event, Field, Party, current_trace, emit};
use http::{StatusCode, header};
use http_body_util::{BodyExt, Limited};
use reqwest::{RequestBuilder, Response};

use super::{BResponse, CallError};

/// Longest response body of B, in bytes. Bounds memory.
const MAX_BODY: usize = 1024 * 1024;
/// Longest part of a body in an event, in characters.
const MAX_BODY_IN_EVENT: usize = 2_000;

/// One HTTP request to B, with trace context, events and limits.
pub(super) struct Transport<'a> {
    pub(super) http: &'a reqwest::Client,
    /// URL without secrets, for events and errors.
    pub(super) url: &'a str,
    /// Builds the fields of the event. Called only if events are on.
    pub(super) event_fields: &'a (dyn Fn() -> Vec<Field> + Sync),
    /// Secrets in the request that must not come back in the response.
    pub(super) secrets: &'a [&'a str],
}

/// B gave no response.
#[derive(Debug)]
pub(super) struct TransportError {
    error: CallError,
    /// The connection failed, so B received nothing.
    pub(super) not_sent: bool,
    /// A retry may succeed.
    pub(super) transient: bool,
}

impl Transport<'_> {
    pub(super) async fn send(self, request: RequestBuilder) -> Result<BResponse, TransportError> {
        let mut request = request.build().map_err(|error| transport_error(error, self.url))?;
        if let Some(value) = current_trace().and_then(|trace| trace.to_string().parse().ok()) {
            request.headers_mut().insert("traceparent", value);
        }
        emit(|| Event::RequestSent {
            to: Party::ResourceServer,
            method: request.method().to_string(),
            url: self.url.to_owned(),
            fields: (self.event_fields)(),
        });
        let started = Instant::now();
        match receive(self.http, request, self.url).await {
            Ok(response) => {
                let response = drop_echoed_secrets(response, self.secrets);
                emit_response(&response, started.elapsed());
                Ok(response)
            }
            Err(error) => {
                let (reason, elapsed_micros) = (error.error.to_string(), micros(started.elapsed()));
                emit(|| Event::RequestFailed { to: Party::ResourceServer, reason, elapsed_micros });
                Err(error)
            }
        }
    }
}

async fn receive(
    http: &reqwest::Client,
    request: reqwest::Request,
    url: &str,
) -> Result<BResponse, TransportError> {
    let response = http.execute(request).await.map_err(|error| transport_error(error, url))?;
    let status = response.status();
    let retry_after = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    Ok(BResponse {
        status,
        retry_after: retry_after.map(Duration::from_secs),
        body: read_body(response, url).await?,
    })
}

/// Drops the body if it repeats a secret of the request, which would otherwise reach A's caller and
/// A's log.
fn drop_echoed_secrets(response: BResponse, secrets: &[&str]) -> BResponse {
    let echoed = |secret: &&str| {
        !secret.is_empty()
            && response.body.windows(secret.len()).any(|part| part == secret.as_bytes())
    };
    if secrets.iter().any(echoed) { BResponse { body: Bytes::new(), ..response } } else { response }
}

async fn read_body(response: Response, url: &str) -> Result<Bytes, TransportError> {
    let body = Limited::new(reqwest::Body::from(response), MAX_BODY).collect().await;
    body.map(http_body_util::Collected::to_bytes).map_err(|error| {
        let timed_out =
            error.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_timeout);
        let status = if timed_out { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY };
        let reason =
            format!("the response of B at {url} is incomplete or longer than {MAX_BODY} bytes");
        let error = CallError::calling_b(status, reason);
        TransportError { error, not_sent: false, transient: false }
    })
}

fn transport_error(error: reqwest::Error, url: &str) -> TransportError {
    let timed_out = error.is_timeout() && !error.is_connect();
    let (not_sent, transient) = (error.is_connect(), !timed_out && !error.is_builder());
    // The URL in the error contains the secret in the legacy demo.
    let error = error.without_url();
    let mut innermost: &dyn Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let error = if timed_out {
        let reason = format!("B at {url} did not respond in time");
        CallError::calling_b(StatusCode::GATEWAY_TIMEOUT, reason)
    } else {
        let reason = format!("B is unreachable at {url}: {innermost}");
        CallError::calling_b(StatusCode::BAD_GATEWAY, reason)
    };
    TransportError { error, not_sent, transient }
}

fn emit_response(response: &BResponse, elapsed: Duration) {
    emit(|| {
        let body = String::from_utf8_lossy(&response.body);
        Event::ResponseReceived {
            from: Party::ResourceServer,
            status: response.status.as_u16(),
            elapsed_micros: micros(elapsed),
            fields: vec![Field::text(
                "body",
                body.chars().take(MAX_BODY_IN_EVENT).collect::<String>(),
            )],
        }
    });
}

fn micros(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
}

impl From<TransportError> for CallError {
    fn from(error: TransportError) -> Self {
        error.error
    }
}
