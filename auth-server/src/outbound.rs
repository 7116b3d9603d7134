//! HTTP requests of C to clients. All of them pass one guard, which
//! `docs/reference/outbound-requests.md` describes. It prevents that clients make C call internal
//! services (SSRF), flood a third party, or exhaust C's memory or connections.

mod client_keys;
mod error;
mod guarded_resolver;
mod recent_failures;

use std::{net::IpAddr, sync::Arc};

use clock::Clock;
use flow_events::{Field, Party};
use oauth_http::{
    DnsResolver, HttpClientError, HttpClientSettings, HttpResponse, HttpTransport, Repeatable,
    http_client_with_optional_roots,
};
use reqwest::{Body, Client as Http, Request, RequestBuilder};
use serde_json::Value;
use url::{Host, Url};

pub use client_keys::ClientKeys;
pub use error::OutboundError;

use self::{
    guarded_resolver::{AddressError, AddressLimit, GuardedResolver},
    recent_failures::RecentFailures,
};
use crate::{
    domain::{Client, validate_external_url},
    rate_limit::RateLimiter,
};

/// Longest response body that C reads. Real key sets and lists of redirect URIs are shorter.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Sends requests to clients.
pub struct OutboundClient {
    trusted: HttpTransport,
    untrusted: HttpTransport,
    /// For tests: allows untrusted URLs at any address.
    allow_any_address: bool,
    address_limit: Arc<AddressLimit>,
    failures: RecentFailures,
    clock: Clock,
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
    /// Creates the HTTP clients. `limiter` limits the connections to one address on behalf of
    /// dynamically registered clients.
    ///
    /// # Errors
    /// Returns an error if the configured certificates cannot be read.
    pub fn new(
        settings: &HttpClientSettings,
        allow_any_address: bool,
        limiter: RateLimiter,
        clock: Clock,
    ) -> Result<Self, HttpClientError> {
        let address_limit = Arc::new(AddressLimit { limiter, clock: clock.clone() });
        let resolver = GuardedResolver { allow_any_address, limit: Arc::clone(&address_limit) };
        let untrusted = HttpClientSettings {
            dns_resolver: Some(DnsResolver(Arc::new(resolver))),
            // Each request resolves its host, so that each one is checked and counted.
            reuse_connections: false,
            ..settings.clone()
        };
        Ok(Self {
            trusted: transport(http_client_with_optional_roots(settings)?),
            untrusted: transport(http_client_with_optional_roots(&untrusted)?),
            allow_any_address,
            address_limit,
            failures: RecentFailures::new(),
            clock,
        })
    }

    /// Fetches a JSON document.
    ///
    /// # Errors
    /// Returns an error if the guard rejects the request, or if the call failed now or within the
    /// last seconds.
    pub async fn json(&self, url: &str, trust: UrlTrust) -> Result<Value, OutboundError> {
        self.guarded(url, trust, async |transport| {
            Ok(send(transport, transport.client().get(url)).await?.json()?)
        })
        .await
    }

    /// Posts a form.
    ///
    /// # Errors
    /// Returns an error if the guard rejects the request, or if the call failed now or within the
    /// last seconds.
    pub async fn form(
        &self,
        url: &str,
        trust: UrlTrust,
        form: &[(&str, &str)],
    ) -> Result<(), OutboundError> {
        self.guarded(url, trust, async |transport| {
            let request = transport.client().post(url).form(form);
            send(transport, request).await.map(|_| ())
        })
        .await
    }

    async fn guarded<T>(
        &self,
        url: &str,
        trust: UrlTrust,
        call: impl AsyncFnOnce(&HttpTransport) -> Result<T, OutboundError>,
    ) -> Result<T, OutboundError> {
        let transport = match trust {
            UrlTrust::Trusted => &self.trusted,
            UrlTrust::Untrusted => {
                self.check_url(url)?;
                &self.untrusted
            }
        };
        if let Some(error) = self.failures.of(url, trust, self.clock.uptime()) {
            return Err(error);
        }
        if trust == UrlTrust::Untrusted {
            self.count_literal_address(url).await?;
        }
        let result = call(transport).await;
        self.failures.record(url, trust, self.clock.uptime(), &result);
        result
    }

    /// Rejects URLs that are not https, and IP addresses: they are never resolved, so the resolver
    /// cannot reject them.
    fn check_url(&self, url: &str) -> Result<(), OutboundError> {
        let parsed = Url::parse(url).map_err(|_| OutboundError::InvalidUrl("is invalid"))?;
        match validate_external_url(&parsed) {
            Err(problem) if !self.allow_any_address => Err(OutboundError::InvalidUrl(problem)),
            _ => Ok(()),
        }
    }

    /// Counts a connection to an IP address in the URL, which tests allow. The resolver counts the
    /// connections to names.
    async fn count_literal_address(&self, url: &str) -> Result<(), OutboundError> {
        let parsed = Url::parse(url).map_err(|_| OutboundError::InvalidUrl("is invalid"))?;
        let address = match parsed.host() {
            Some(Host::Ipv4(v4)) => IpAddr::V4(v4),
            Some(Host::Ipv6(v6)) => IpAddr::V6(v6),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        match self.address_limit.count(address).await {
            Err(AddressError::RateLimited(seconds)) => Err(OutboundError::RateLimited(seconds)),
            _ => Ok(()),
        }
    }
}

fn transport(client: Http) -> HttpTransport {
    HttpTransport::new(client, Party::Client, MAX_BODY_BYTES).repeating(Repeatable::Get)
}

/// Sends a request. A redirect is an error, because it could lead to a forbidden address.
async fn send(
    transport: &HttpTransport,
    request: RequestBuilder,
) -> Result<HttpResponse, OutboundError> {
    let response = transport.send(request, request_fields, |_| Vec::new()).await?;
    if response.status.is_success() {
        Ok(response)
    } else {
        Err(OutboundError::Status(response.status))
    }
}

fn request_fields(request: &Request) -> Vec<Field> {
    Field::parameters(request.body().and_then(Body::as_bytes).unwrap_or_default())
}

#[cfg(test)]
mod tests;
