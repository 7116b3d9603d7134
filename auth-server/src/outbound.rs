//! HTTP requests of C to clients. URLs of dynamically registered clients are called only at public
//! IP addresses, to prevent server-side request forgery (SSRF).

mod client_keys;
mod public_only_resolver;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use flow_events::{Event, Field, Party, current_trace, emit};
use reqwest::{Client as Http, Request, RequestBuilder, Response};
use serde_json::Value;
use service_kit::{
    DnsResolver, HttpClientError, HttpClientSettings, http_client_with_optional_roots,
};
use url::Url;

pub use client_keys::ClientKeys;

use self::public_only_resolver::PublicOnlyResolver;
use crate::domain::{Client, validate_external_url};

/// Longest response body that C reads. Real key sets and lists of redirect URIs are shorter.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Sends requests to clients.
pub struct OutboundClient {
    trusted: Http,
    /// Resolves host names itself and connects only to public addresses.
    untrusted: Http,
    /// For tests: allows untrusted URLs at any address.
    allow_any_address: bool,
}

/// Whether C may call a URL at a private address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlTrust {
    /// Configured by the operator.
    Trusted,
    /// Provided by a dynamically registered client.
    Untrusted,
}

impl UrlTrust {
    /// Returns the trust in the URLs of a client.
    pub fn of(client: &Client) -> Self {
        if client.dynamic { Self::Untrusted } else { Self::Trusted }
    }
}

impl OutboundClient {
    /// Creates the HTTP clients.
    ///
    /// # Errors
    /// Returns an error if the configured certificates cannot be read.
    pub fn new(
        settings: &HttpClientSettings,
        allow_any_address: bool,
    ) -> Result<Self, HttpClientError> {
        let public = HttpClientSettings {
            dns_resolver: Some(DnsResolver(Arc::new(PublicOnlyResolver))),
            ..settings.clone()
        };
        let trusted = http_client_with_optional_roots(settings)?;
        let untrusted = if allow_any_address {
            trusted.clone()
        } else {
            http_client_with_optional_roots(&public)?
        };
        Ok(Self { trusted, untrusted, allow_any_address })
    }

    /// Fetches a JSON document.
    ///
    /// # Errors
    /// Returns the reason as text.
    pub async fn json(&self, url: &str, trust: UrlTrust) -> Result<Value, String> {
        let response = send(self.client(url, trust)?.get(url)).await?;
        serde_json::from_slice(&read_body(response).await?)
            .map_err(|_| "the response is not JSON".to_owned())
    }

    /// Posts a form.
    ///
    /// # Errors
    /// Returns the reason as text.
    pub async fn form(
        &self,
        url: &str,
        trust: UrlTrust,
        form: &[(&str, &str)],
    ) -> Result<(), String> {
        send(self.client(url, trust)?.post(url).form(form)).await.map(|_| ())
    }

    /// Returns the HTTP client for a URL. An IP address in the URL is never resolved, so the
    /// resolver cannot reject it; it is rejected here.
    fn client(&self, url: &str, trust: UrlTrust) -> Result<&Http, String> {
        if trust == UrlTrust::Trusted {
            return Ok(&self.trusted);
        }
        let parsed = Url::parse(url).map_err(|_| "the URL is invalid".to_owned())?;
        match validate_external_url(&parsed) {
            Err(problem) if !self.allow_any_address => Err(format!("the URL {problem}")),
            _ => Ok(&self.untrusted),
        }
    }
}

/// Sends a request without following redirects, which could lead to a forbidden address.
async fn send(request: RequestBuilder) -> Result<Response, String> {
    let (http, request) = request.build_split();
    let mut request = request.map_err(|error| reason(&error.without_url()))?;
    if let Some(value) = current_trace().and_then(|trace| trace.to_string().parse().ok()) {
        request.headers_mut().insert("traceparent", value);
    }
    emit(|| request_event(&request));
    let started = Instant::now();
    let response = http.execute(request).await.map_err(|error| reason(&error.without_url()));
    emit(|| response_event(&response, started.elapsed()));
    let response = response?;
    if response.status().is_success() {
        Ok(response)
    } else {
        Err(format!("the server responded with status {}", response.status()))
    }
}

fn request_event(request: &Request) -> Event {
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
    let mut without_query = request.url().clone();
    without_query.set_query(None);
    let (method, url) = (request.method().to_string(), without_query.to_string());
    Event::RequestSent { to: Party::Client, method, url, fields: Field::parameters(body) }
}

fn response_event(response: &Result<Response, String>, elapsed: Duration) -> Event {
    let elapsed_micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    match response {
        Ok(response) => Event::ResponseReceived {
            from: Party::Client,
            status: response.status().as_u16(),
            elapsed_micros,
            fields: Vec::new(),
        },
        Err(reason) => {
            Event::RequestFailed { to: Party::Client, reason: reason.clone(), elapsed_micros }
        }
    }
}

/// Returns the text of the innermost source, which names the cause.
fn reason(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => reason(source),
        None => error.to_string(),
    }
}

async fn read_body(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error.without_url()))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BODY_BYTES {
            return Err(format!("the response is longer than {MAX_BODY_BYTES} bytes"));
        }
    }
    Ok(body)
}
