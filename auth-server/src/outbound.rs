//! What C asks of others: the house's own clients where they stand, and strangers in the open
//! internet alone (SSRF).

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

/// Longer answers are nobody's keys, and nobody's list of redirect URIs.
const ANSWER_BYTES: usize = 64 * 1024;

/// Calls to clients.
pub struct OutboundClient {
    house: Http,
    /// Looks names up by itself, and calls their public addresses alone.
    outside: Http,
    /// For tests: strangers may name any address.
    anywhere: bool,
}

/// Whose word it is that a URL be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlTrust {
    /// The operator's.
    Trusted,
    /// That of a client that has registered itself.
    Untrusted,
}

impl UrlTrust {
    /// Whose word the URLs of a client are.
    pub fn of(client: &Client) -> Self {
        if client.dynamic { Self::Untrusted } else { Self::Trusted }
    }
}

impl OutboundClient {
    /// # Errors
    /// When the certificates of the settings cannot be read.
    pub fn new(settings: &HttpClientSettings, anywhere: bool) -> Result<Self, HttpClientError> {
        let public = HttpClientSettings {
            dns_resolver: Some(DnsResolver(Arc::new(PublicOnlyResolver))),
            ..settings.clone()
        };
        let house = http_client_with_optional_roots(settings)?;
        let outside =
            if anywhere { house.clone() } else { http_client_with_optional_roots(&public)? };
        Ok(Self { house, outside, anywhere })
    }

    /// Fetch a JSON document.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub async fn json(&self, url: &str, named: UrlTrust) -> Result<Value, String> {
        let answer = send(self.client(url, named)?.get(url)).await?;
        serde_json::from_slice(&short_body(answer).await?)
            .map_err(|_| "what is there is no JSON".to_owned())
    }

    /// Post a form.
    ///
    /// # Errors
    /// Why it did not arrive, in words.
    pub async fn form(
        &self,
        url: &str,
        named: UrlTrust,
        form: &[(&str, &str)],
    ) -> Result<(), String> {
        send(self.client(url, named)?.post(url).form(form)).await.map(|_| ())
    }

    /// An address in the place of a name is never looked up, so it is refused here.
    fn client(&self, url: &str, named: UrlTrust) -> Result<&Http, String> {
        if named == UrlTrust::Trusted {
            return Ok(&self.house);
        }
        let parsed = Url::parse(url).map_err(|_| "it is no URL".to_owned())?;
        match validate_external_url(&parsed) {
            Err(problem) if !self.anywhere => Err(format!("it {problem}")),
            _ => Ok(&self.outside),
        }
    }
}

/// No redirect is followed: it could lead to where the first address may not.
async fn send(request: RequestBuilder) -> Result<Response, String> {
    let (http, request) = request.build_split();
    let mut request = request.map_err(|error| reason(&error.without_url()))?;
    if let Some(value) = current_trace().and_then(|trace| trace.to_string().parse().ok()) {
        request.headers_mut().insert("traceparent", value);
    }
    emit(|| sent(&request));
    let started = Instant::now();
    let answer = http.execute(request).await.map_err(|error| reason(&error.without_url()));
    emit(|| came_of_it(&answer, started.elapsed()));
    let answer = answer?;
    if answer.status().is_success() {
        Ok(answer)
    } else {
        Err(format!("it answered {}", answer.status()))
    }
}

fn sent(request: &Request) -> Event {
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
    let mut bare = request.url().clone();
    bare.set_query(None);
    let (method, url) = (request.method().to_string(), bare.to_string());
    Event::RequestSent { to: Party::Client, method, url, fields: Field::parameters(body) }
}

fn came_of_it(answer: &Result<Response, String>, elapsed: Duration) -> Event {
    let elapsed_micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    match answer {
        Ok(answer) => Event::ResponseReceived {
            from: Party::Client,
            status: answer.status().as_u16(),
            elapsed_micros,
            fields: Vec::new(),
        },
        Err(reason) => {
            Event::RequestFailed { to: Party::Client, reason: reason.clone(), elapsed_micros }
        }
    }
}

/// The error and what it came of: the last of them says what was wrong.
fn reason(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => reason(source),
        None => error.to_string(),
    }
}

async fn short_body(mut answer: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| reason(&error.without_url()))? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES {
            return Err("it answered with more than is read".to_owned());
        }
    }
    Ok(body)
}
