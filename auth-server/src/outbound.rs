//! HTTP requests of C to clients. All of them pass one guard, which
//! `docs/reference/outbound-requests.md` describes. It prevents clients from making C call
//! internal services (SSRF), flooding a third party, or exhausting C's memory or connections.

mod client_keys;
mod error;
mod guarded_resolver;
mod recent_failures;

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use clock::Clock;
use flow_events::{Field, Party};
use oauth_http::{
    DnsResolver, HttpClientError, HttpClientSettings, HttpResponse, HttpTransport, Repeatable,
    http_client_with_optional_roots,
};
use reqwest::{
    Body, Client as Http, Request, RequestBuilder, StatusCode,
    header::{ACCEPT, CACHE_CONTROL, HeaderMap},
};
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

/// Maximum length of a response body that C reads, in bytes. Real key sets and lists of redirect
/// URIs are shorter.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Sends requests to clients.
pub struct OutboundClient {
    trusted: LazyTransport,
    untrusted: LazyTransport,
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
    /// Creates the HTTP clients. Those with the certificates of the system are built when they are
    /// first used. `limiter` limits the connections to one address on behalf of dynamically
    /// registered clients.
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
        let mut untrusted = settings.clone();
        untrusted.dns_resolver = Some(DnsResolver(Arc::new(resolver)));
        // Each request resolves its host, so that each one is checked and counted.
        untrusted.reuse_connections = false;
        let (trusted, untrusted) =
            (LazyTransport::new(settings.clone()), LazyTransport::new(untrusted));
        if settings.ca_file.is_some() {
            trusted.get()?;
            untrusted.get()?;
        }
        Ok(Self {
            trusted,
            untrusted,
            allow_any_address,
            address_limit,
            failures: RecentFailures::new(),
            clock,
        })
    }

    /// Forgets all calls, so that no limit or failure prevents the next one.
    pub fn forget_calls(&self) {
        self.address_limit.limiter.clear();
        self.failures.clear();
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

    /// Fetches a JSON document that can be cached. Returns it with the time that its server names.
    /// Only status 200 is accepted, because no other one returns the document.
    ///
    /// # Errors
    /// Returns an error if the guard rejects the request, or if the call failed now or within the
    /// last seconds.
    pub async fn document(
        &self,
        url: &str,
        trust: UrlTrust,
    ) -> Result<(Value, Option<Duration>), OutboundError> {
        self.guarded(url, trust, async |transport| {
            let request = transport.client().get(url).header(ACCEPT, "application/json");
            let response = send(transport, request).await?;
            if response.status != StatusCode::OK {
                return Err(OutboundError::Status(response.status));
            }
            Ok((response.json()?, cache_time(&response.headers)))
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

    /// Posts a form once, whatever earlier calls of the URL led to, and returns the status.
    ///
    /// # Errors
    /// Returns an error if the guard rejects the request, or if there is no response.
    pub async fn form_status(
        &self,
        url: &str,
        trust: UrlTrust,
        form: &[(&str, &str)],
    ) -> Result<StatusCode, OutboundError> {
        let transport = self.transport(url, trust)?;
        if trust == UrlTrust::Untrusted {
            self.count_literal_address(url).await?;
        }
        let transport =
            transport.get().map_err(|error| OutboundError::Unreachable(error.to_string()))?;
        match send(transport, transport.client().post(url).form(form)).await {
            Ok(response) => Ok(response.status),
            Err(OutboundError::Status(status)) => Ok(status),
            Err(error) => Err(error),
        }
    }

    /// Returns the transport for a URL, if it may be called.
    fn transport(&self, url: &str, trust: UrlTrust) -> Result<&LazyTransport, OutboundError> {
        match trust {
            UrlTrust::Trusted => Ok(&self.trusted),
            UrlTrust::Untrusted => {
                self.check_url(url)?;
                Ok(&self.untrusted)
            }
        }
    }

    async fn guarded<T>(
        &self,
        url: &str,
        trust: UrlTrust,
        call: impl AsyncFnOnce(&HttpTransport) -> Result<T, OutboundError>,
    ) -> Result<T, OutboundError> {
        let transport = self.transport(url, trust)?;
        if let Some(error) = self.failures.of(url, trust, self.clock.uptime()) {
            return Err(error);
        }
        if trust == UrlTrust::Untrusted {
            self.count_literal_address(url).await?;
        }
        let result = match transport.get() {
            Ok(transport) => call(transport).await,
            Err(error) => Err(OutboundError::Unreachable(error.to_string())),
        };
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

/// An HTTP client that is built when it is first used: loading the certificates of the system takes
/// longer than the rest of a start, and many servers call no client.
struct LazyTransport {
    settings: HttpClientSettings,
    built: OnceLock<HttpTransport>,
}

impl LazyTransport {
    fn new(settings: HttpClientSettings) -> Self {
        Self { settings, built: OnceLock::new() }
    }

    fn get(&self) -> Result<&HttpTransport, HttpClientError> {
        match self.built.get() {
            Some(transport) => Ok(transport),
            None => {
                let client = http_client_with_optional_roots(&self.settings)?;
                Ok(self.built.get_or_init(|| transport(client)))
            }
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

/// Returns the time for which a response may be cached (RFC 9111 §5.2.2), if it says one.
fn cache_time(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut time = None;
    for directive in values.flat_map(|value| value.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match &*name.trim().to_ascii_lowercase() {
            "no-store" | "no-cache" => return Some(Duration::ZERO),
            "max-age" => {
                time = value.trim().trim_matches('"').parse().ok().map(Duration::from_secs);
            }
            _ => {}
        }
    }
    time
}

fn request_fields(request: &Request) -> Vec<Field> {
    Field::parameters(request.body().and_then(Body::as_bytes).unwrap_or_default())
}

#[cfg(test)]
mod tests;
