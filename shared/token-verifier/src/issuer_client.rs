use std::sync::OnceLock;

use clock::Clock;
use flow_events::{Field, Party};
use http::{StatusCode, header::ACCEPT};
use oauth_http::{HttpResponse, HttpTransport, Repeatable, TransportError, fetch_metadata};
use oauth_types::{AuthorizationServerMetadata, Issuer};
use reqwest::Client;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use url::Url;

use crate::{error::VerifyError, failure_backoff::FailureBackoff};

/// Longer responses of an authorization server are rejected.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// The authorization server, as a resource server calls it.
#[derive(Debug)]
pub(crate) struct IssuerClient {
    pub(crate) issuer: Issuer,
    pub(crate) transport: HttpTransport,
    pub(crate) clock: Clock,
    metadata: OnceLock<AuthorizationServerMetadata>,
    /// Held by the caller that fetches the metadata.
    metadata_backoff: Mutex<FailureBackoff>,
}

impl IssuerClient {
    pub(crate) fn new(issuer: Issuer, http: Client, clock: Clock) -> Self {
        // Metadata, keys and introspection: none of the requests changes anything.
        let transport = HttpTransport::new(http, Party::AuthorizationServer, MAX_BODY_BYTES)
            .repeating(Repeatable::All);
        let (metadata, metadata_backoff) = (OnceLock::new(), Mutex::default());
        Self { issuer, transport, clock, metadata, metadata_backoff }
    }

    /// Returns the metadata of the issuer (RFC 8414). It is fetched once: concurrent callers wait
    /// for one request.
    pub(crate) async fn metadata(&self) -> Result<&AuthorizationServerMetadata, VerifyError> {
        if let Some(metadata) = self.metadata.get() {
            return Ok(metadata);
        }
        let mut backoff = self.metadata_backoff.lock().await;
        if let Some(metadata) = self.metadata.get() {
            return Ok(metadata);
        }
        backoff.check(self.clock.millis())?;
        let fetched = self.fetch_metadata().await;
        backoff.record(self.clock.millis(), &fetched);
        let fetched = fetched?;
        Ok(self.metadata.get_or_init(|| fetched))
    }

    #[cfg(feature = "introspection")]
    pub(crate) fn has_metadata(&self) -> bool {
        self.metadata.get().is_some()
    }

    /// Returns the URL at which an endpoint of the metadata is reached.
    pub(crate) fn endpoint(&self, name: &str, published: Option<&str>) -> Result<Url, VerifyError> {
        let unusable = |problem: &str| {
            VerifyError::unavailable(format!("the issuer's {name} cannot be used: {problem}"), None)
        };
        self.issuer
            .resolve_endpoint(published.ok_or_else(|| unusable("it is not in the metadata"))?)
            .map_err(unusable)
    }

    /// Fetches a JSON document.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        url: Url,
        what: &str,
    ) -> Result<T, VerifyError> {
        let request = self.transport.client().get(url.clone()).header(ACCEPT, "application/json");
        let response_fields = |response: &HttpResponse| Field::json_members(response.bytes(), &[]);
        let response = self.transport.send(request, |_| Vec::new(), response_fields).await;
        parse(&response.map_err(|error| unreachable(&url, &error))?, what)
    }

    async fn fetch_metadata(&self) -> Result<AuthorizationServerMetadata, VerifyError> {
        fetch_metadata(&self.transport, &self.issuer)
            .await
            .map_err(|error| VerifyError::unavailable(error.to_string(), error.retry_after()))
    }
}

/// Parses the body of a response with status 200.
pub(crate) fn parse<T: DeserializeOwned>(
    response: &HttpResponse,
    what: &str,
) -> Result<T, VerifyError> {
    if response.status != StatusCode::OK {
        let status = response.status.as_u16();
        let reason = format!("cannot fetch {what}: the authorization server sent status {status}");
        return Err(VerifyError::unavailable(reason, response.retry_after()));
    }
    response
        .json()
        .map_err(|error| VerifyError::unavailable(format!("cannot read {what}: {error}"), None))
}

pub(crate) fn unreachable(url: &Url, error: &TransportError) -> VerifyError {
    let reason = format!("cannot reach the authorization server at {url}: {error}");
    VerifyError::unavailable(reason, None)
}
