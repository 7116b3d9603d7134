use std::{
    error::Error,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use flow_events::{Event, Field, Party, current_trace, emit};
use http::{HeaderName, HeaderValue, Method};
use reqwest::{Client, Request, RequestBuilder, Response};
use url::Url;

use crate::HttpResponse;

/// Sends requests to one party.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: Client,
    peer: Party,
    max_body_bytes: usize,
    timeout: Option<Duration>,
    repeatable: Repeatable,
}

/// The requests that are repeated once if the peer closes the connection instead of responding,
/// which happens when it closes an idle connection at the moment in which we reuse it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeatable {
    /// None: the caller repeats what it wants to.
    Nothing,
    /// GET requests, which change nothing (RFC 9110 §9.2.1).
    Get,
    /// All requests. Only if none of them changes anything: the peer may have processed the first.
    All,
}

impl HttpTransport {
    /// Creates a transport to `peer` that reads at most `max_body_bytes` of a response. With 0 the
    /// body is not read at all.
    #[must_use]
    pub fn new(client: Client, peer: Party, max_body_bytes: usize) -> Self {
        Self { client, peer, max_body_bytes, timeout: None, repeatable: Repeatable::Nothing }
    }

    /// Sets how long a request may take, to the last byte of its response. Without it, the limits
    /// of the client and of the request apply.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Sets which requests are repeated after the peer closed a connection.
    #[must_use]
    pub fn repeating(self, repeatable: Repeatable) -> Self {
        Self { repeatable, ..self }
    }

    /// Returns the HTTP client, to build requests with.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a request and reads the response. The request joins the trace of the current flow (W3C
    /// Trace Context §3.2), and the flow sees both messages: the URL without its query, and the
    /// fields that the two functions return. They are called only if an observer is connected.
    ///
    /// # Errors
    /// Returns an error if the request is invalid or no complete response arrives. Every status is
    /// a response.
    pub async fn send(
        &self,
        request: RequestBuilder,
        request_fields: impl FnOnce(&Request) -> Vec<Field> + Send,
        response_fields: impl FnOnce(&HttpResponse) -> Vec<Field> + Send,
    ) -> Result<HttpResponse, TransportError> {
        let mut request = request.build().map_err(TransportError::new)?;
        if let Some(timeout) = self.timeout {
            *request.timeout_mut() = Some(timeout);
        }
        let trace =
            current_trace().and_then(|trace| HeaderValue::from_str(&trace.to_string()).ok());
        if let Some(trace) = trace {
            request.headers_mut().insert(HeaderName::from_static("traceparent"), trace);
        }
        emit(|| Event::RequestSent {
            to: self.peer,
            method: request.method().to_string(),
            url: without_query(request.url()),
            fields: request_fields(&request),
        });
        let started = Instant::now();
        let result = self.receive(request).await.map_err(TransportError::new);
        let elapsed_micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        emit(|| match &result {
            Ok(response) => Event::ResponseReceived {
                from: self.peer,
                status: response.status.as_u16(),
                elapsed_micros,
                fields: response_fields(response),
            },
            Err(error) => {
                Event::RequestFailed { to: self.peer, reason: error.to_string(), elapsed_micros }
            }
        });
        result
    }

    async fn receive(&self, request: Request) -> reqwest::Result<HttpResponse> {
        let mut response = self.execute(request).await?;
        let body = self.read_body(&mut response).await?;
        Ok(HttpResponse {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body,
        })
    }

    async fn execute(&self, request: Request) -> reqwest::Result<Response> {
        let repeatable = match self.repeatable {
            Repeatable::Nothing => false,
            Repeatable::Get => request.method() == Method::GET,
            Repeatable::All => true,
        };
        let again = request.try_clone().filter(|_| repeatable);
        match (self.client.execute(request).await, again) {
            (Err(error), Some(again)) if is_closed_connection(&error) => {
                self.client.execute(again).await
            }
            (result, _) => result,
        }
    }

    /// A peer must not fill our memory with an endless body.
    async fn read_body(&self, response: &mut Response) -> reqwest::Result<Option<Bytes>> {
        let mut body = BytesMut::new();
        while self.max_body_bytes > 0
            && let Some(chunk) = response.chunk().await?
        {
            if body.len() + chunk.len() > self.max_body_bytes {
                return Ok(None);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Some(body.freeze()))
    }
}

/// Why there is no response. The text holds no URL, because a query may hold a secret.
#[derive(Debug, thiserror::Error)]
#[error("{}", if self.is_timeout() { "no response in time".to_owned() } else { self.root_cause() })]
pub struct TransportError(reqwest::Error);

impl TransportError {
    fn new(error: reqwest::Error) -> Self {
        Self(error.without_url())
    }

    /// Returns whether the peer accepted the connection and did not respond in time.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.0.is_timeout() && !self.0.is_connect()
    }

    /// Returns whether no connection was established, so that the peer received nothing.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.0.is_connect()
    }

    /// Returns whether the request itself was invalid.
    #[must_use]
    pub fn is_invalid_request(&self) -> bool {
        self.0.is_builder()
    }

    /// Returns the error of the HTTP client, without its URL.
    #[must_use]
    pub fn into_inner(self) -> reqwest::Error {
        self.0
    }

    /// Returns the text of the innermost error ("connection refused"). The errors around it say
    /// only that the request failed.
    #[must_use]
    pub fn root_cause(&self) -> String {
        let mut innermost: &dyn Error = &self.0;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        innermost.to_string()
    }
}

fn is_closed_connection(error: &reqwest::Error) -> bool {
    error.is_request() && !error.is_connect() && !error.is_timeout()
}

fn without_query(url: &Url) -> String {
    if url.query().is_none() {
        return url.to_string();
    }
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}
