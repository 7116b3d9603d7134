use std::{
    error::Error,
    time::{Duration, Instant},
};

use flow_events::{Event, Field, Party, current_trace, emit};
use http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER};
use reqwest::{Client, Request, Response};
use serde::de::DeserializeOwned;
use url::Url;

use crate::error::{Step, TokenError};

/// No answer of an authorization server is longer; one that is could fill our memory.
const MAX_BODY: usize = 64 * 1024;

/// The one way by which requests go to the authorization server: with a time limit, traced, told,
/// and read within bounds.
#[derive(Debug)]
pub(crate) struct HttpTransport {
    pub(crate) http: Client,
    pub(crate) timeout: Duration,
}

/// What came back, whatever it says.
pub(crate) struct Answer {
    step: Step,
    url: Url,
    pub(crate) status: StatusCode,
    retry_after: Option<Duration>,
    /// `None` when it is longer than [`MAX_BODY`].
    body: Option<Vec<u8>>,
    elapsed: Duration,
}

impl HttpTransport {
    pub(crate) async fn send(
        &self,
        step: Step,
        mut request: Request,
        fields: Vec<Field>,
    ) -> Result<Answer, TokenError> {
        let (method, url) = (request.method().to_string(), request.url().clone());
        *request.timeout_mut() = Some(self.timeout);
        pass_trace_on(request.headers_mut());
        emit(|| Event::RequestSent {
            to: Party::AuthorizationServer,
            method,
            url: url.to_string(),
            fields,
        });
        let started = Instant::now();
        match self.receive(request).await {
            Ok((status, retry_after, body)) => {
                Ok(Answer { step, url, status, retry_after, body, elapsed: started.elapsed() })
            }
            Err(error) => {
                let error = self.no_answer(step, &url, error);
                emit(|| failed(&error, started.elapsed()));
                Err(error)
            }
        }
    }

    async fn receive(
        &self,
        request: Request,
    ) -> reqwest::Result<(StatusCode, Option<Duration>, Option<Vec<u8>>)> {
        let mut response = self.http.execute(request).await?;
        let body = bounded_body(&mut response).await?;
        Ok((response.status(), retry_after(response.headers()), body))
    }

    fn no_answer(&self, step: Step, url: &Url, error: reqwest::Error) -> TokenError {
        let url = url.to_string();
        // A connection that does not come about in time was never a slow answer.
        if error.is_timeout() && !error.is_connect() {
            TokenError::TimedOut { step, url, limit: self.timeout }
        } else {
            TokenError::Unreachable { step, url, reason: root_cause(&error.without_url()) }
        }
    }
}

impl Answer {
    /// Tell that it came, and what may be told of it.
    pub(crate) fn tell(&self, fields: Vec<Field>) {
        emit(|| Event::ResponseReceived {
            from: Party::AuthorizationServer,
            status: self.status.as_u16(),
            elapsed_micros: micros(self.elapsed),
            fields,
        });
    }

    /// The error, if the status says that the server cannot answer now.
    pub(crate) fn unavailable(&self) -> Option<TokenError> {
        let now_not = self.status == StatusCode::TOO_MANY_REQUESTS || self.status.is_server_error();
        now_not.then(|| TokenError::Unavailable {
            step: self.step,
            url: self.url.to_string(),
            status: self.status.as_u16(),
            retry_after: self.retry_after,
        })
    }

    pub(crate) fn invalid(&self, what: &'static str) -> TokenError {
        TokenError::InvalidResponse {
            step: self.step,
            url: self.url.to_string(),
            status: self.status.as_u16(),
            what,
        }
    }

    /// The body as JSON. The parser's own words are dropped: they quote what they could not read.
    pub(crate) fn json<T: DeserializeOwned>(
        &self,
        otherwise: &'static str,
    ) -> Result<T, TokenError> {
        let body = self.body.as_deref().ok_or_else(|| self.invalid("it is longer than 64 KiB"))?;
        serde_json::from_slice(body).map_err(|_| self.invalid(otherwise))
    }
}

/// The request being served is the parent of ours (W3C Trace Context §3.2).
fn pass_trace_on(headers: &mut HeaderMap) {
    let traceparent =
        current_trace().and_then(|trace| HeaderValue::from_str(&trace.to_string()).ok());
    headers.extend(traceparent.map(|value| (http::HeaderName::from_static("traceparent"), value)));
}

async fn bounded_body(response: &mut Response) -> reqwest::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_BODY {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// In seconds. The date form (RFC 9110 §10.2.3) is passed over: to compare it would be to trust the
/// other side's clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// The innermost error says what happened ("connection refused"); the ones around it say only that
/// something did.
fn root_cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    innermost.to_string()
}

fn failed(error: &TokenError, elapsed: Duration) -> Event {
    let reason = error.to_string();
    Event::RequestFailed { to: Party::AuthorizationServer, reason, elapsed_micros: micros(elapsed) }
}

fn micros(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
}
