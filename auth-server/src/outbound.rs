//! HTTP requests of C to clients. URLs of dynamically registered clients are called only at public
//! IP addresses, to prevent server-side request forgery (SSRF).

mod client_keys;
mod public_only_resolver;

use std::sync::Arc;

use flow_events::{Field, Party};
use oauth_http::{
    DnsResolver, HttpClientError, HttpClientSettings, HttpResponse, HttpTransport,
    http_client_with_optional_roots,
};
use reqwest::{Body, Request, RequestBuilder};
use serde_json::Value;
use url::Url;

pub use client_keys::ClientKeys;

use self::public_only_resolver::PublicOnlyResolver;
use crate::domain::{Client, validate_external_url};

/// Longest response body that C reads. Real key sets and lists of redirect URIs are shorter.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Sends requests to clients.
pub struct OutboundClient {
    trusted: HttpTransport,
    /// Resolves host names itself and connects only to public addresses.
    untrusted: HttpTransport,
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
        let transport = |client| HttpTransport::new(client, Party::Client, MAX_BODY_BYTES);
        Ok(Self { trusted: transport(trusted), untrusted: transport(untrusted), allow_any_address })
    }

    /// Fetches a JSON document.
    ///
    /// # Errors
    /// Returns the reason as text.
    pub async fn json(&self, url: &str, trust: UrlTrust) -> Result<Value, String> {
        let transport = self.transport(url, trust)?;
        let response = send(transport, transport.client().get(url)).await?;
        response.json().map_err(|error| error.to_string())
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
        let transport = self.transport(url, trust)?;
        send(transport, transport.client().post(url).form(form)).await.map(|_| ())
    }

    /// Returns the transport for a URL. An IP address in the URL is never resolved, so the
    /// resolver cannot reject it; it is rejected here.
    fn transport(&self, url: &str, trust: UrlTrust) -> Result<&HttpTransport, String> {
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

/// Sends a request. A redirect is an error, because it could lead to a forbidden address.
async fn send(transport: &HttpTransport, request: RequestBuilder) -> Result<HttpResponse, String> {
    let response = transport
        .send(request, request_fields, |_| Vec::new())
        .await
        .map_err(|error| error.to_string())?;
    if response.status.is_success() {
        Ok(response)
    } else {
        Err(format!("the server responded with status {}", response.status))
    }
}

fn request_fields(request: &Request) -> Vec<Field> {
    Field::parameters(request.body().and_then(Body::as_bytes).unwrap_or_default())
}
