use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use clock::Clock;
use moka::{Expiry, sync::Cache};
use oauth_types::printable;
use tokio::sync::Mutex;

use crate::{
    domain::{
        Client, RegistrationPolicy, Resource, UserLoginConfig, client_of_document,
        validate_client_id_url,
    },
    outbound::{OutboundClient, OutboundError, UrlTrust},
    rate_limit::{Permit, RateLimiter},
};

/// Bounds of the time for which a document is used without fetching it again. The user needs some
/// of it to sign in.
const MIN_AGE: Duration = Duration::from_secs(60);
const MAX_AGE: Duration = Duration::from_secs(3_600);
/// The time for a document whose response does not say one.
const DEFAULT_AGE: Duration = Duration::from_secs(300);
/// Time after which a failed or unusable document is fetched again.
const FAILURE_AGE: Duration = Duration::from_secs(10);
/// Maximum size of all cached clients, as the length of their documents.
const MAX_CACHED_BYTES: u64 = 8 * 1024 * 1024;
/// Size of a cache entry besides its URL and client, or its origin.
const ENTRY_BYTES: usize = 512;
/// Maximum size of all remembered origins.
const MAX_ORIGIN_BYTES: u64 = 1024 * 1024;
/// Maximum length of the reason why a document cannot be used, which may quote the document.
const MAX_REASON_CHARS: usize = 200;

/// The clients that identify themselves by the URL of their metadata
/// (draft-ietf-oauth-client-id-metadata-document). They are not stored.
pub struct MetadataDocuments {
    outbound: Arc<OutboundClient>,
    policy: RegistrationPolicy,
    /// Limits the documents fetched for one address.
    limit: RateLimiter,
    cache: Cache<String, Arc<Entry>>,
    /// Origins of the clients' pages, each with the uptime until which it may read responses. A
    /// preflight request names no client, so no document can be fetched for it.
    page_origins: Cache<String, Duration>,
    clock: Clock,
}

#[derive(Default)]
struct Entry {
    /// Length of the document, or of the reason why it cannot be used.
    bytes: AtomicU32,
    /// Whether the document was fetched and can be used.
    usable: AtomicBool,
    found: Mutex<Option<Found>>,
}

/// Removes failures, and entries whose document was never fetched, when they no longer count.
/// Anyone can cause them. Usable documents stay until they are replaced, because
/// [`MetadataDocuments::cached`] returns them later too.
struct FailureExpiry;

impl Expiry<String, Arc<Entry>> for FailureExpiry {
    fn expire_after_create(&self, _: &String, entry: &Arc<Entry>, _: Instant) -> Option<Duration> {
        entry.lifetime()
    }

    fn expire_after_update(
        &self,
        _: &String,
        entry: &Arc<Entry>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        entry.lifetime()
    }
}

impl Entry {
    fn weight(&self, url: &str) -> u32 {
        let fixed = u32::try_from(ENTRY_BYTES + url.len()).unwrap_or(u32::MAX);
        // A client holds its metadata parsed, which takes a multiple of the document.
        fixed.saturating_add(self.bytes.load(Ordering::Relaxed).saturating_mul(2))
    }

    fn lifetime(&self) -> Option<Duration> {
        (!self.usable.load(Ordering::Relaxed)).then_some(FAILURE_AGE)
    }
}

#[derive(Clone)]
struct Found {
    /// Uptime until which it is used.
    until: Duration,
    client: Result<Arc<Client>, DocumentError>,
}

/// Why the metadata document of a client cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    #[error("the client_id cannot be the URL of a metadata document: it {0}")]
    InvalidUrl(&'static str),
    #[error("the metadata document of the client cannot be fetched: {0}")]
    Unavailable(OutboundError),
    #[error("the metadata document of the client cannot be used: {0}")]
    Invalid(String),
    #[error("too many metadata documents of clients were fetched; try again in {0} s")]
    RateLimited(u64),
}

impl DocumentError {
    /// Returns the reason for the log, which names the cause of a failed connection.
    fn log_reason(&self) -> String {
        match self {
            Self::Unavailable(error) => error.log_reason(),
            other => other.to_string(),
        }
    }

    /// Returns the seconds after which the document may be usable, if that takes no change of it.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::RateLimited(seconds) | Self::Unavailable(OutboundError::RateLimited(seconds)) => {
                Some(*seconds)
            }
            Self::Unavailable(error) => error.is_temporary().then_some(FAILURE_AGE.as_secs()),
            Self::InvalidUrl(_) | Self::Invalid(_) => None,
        }
    }
}

impl MetadataDocuments {
    /// Forgets all documents and attempts.
    pub fn clear(&self) {
        self.limit.clear();
        self.cache.invalidate_all();
        self.page_origins.invalidate_all();
    }

    pub fn new(
        outbound: Arc<OutboundClient>,
        policy: RegistrationPolicy,
        limit: RateLimiter,
        clock: Clock,
    ) -> Self {
        let weight = |url: &String, entry: &Arc<Entry>| entry.weight(url);
        let cache = Cache::builder()
            .weigher(weight)
            .expire_after(FailureExpiry)
            .max_capacity(MAX_CACHED_BYTES)
            .build();
        let origin_weight = |origin: &String, _: &Duration| {
            u32::try_from(ENTRY_BYTES + origin.len()).unwrap_or(u32::MAX)
        };
        let page_origins =
            Cache::builder().weigher(origin_weight).max_capacity(MAX_ORIGIN_BYTES).build();
        Self { outbound, policy, limit, cache, page_origins, clock }
    }

    /// Returns the client whose metadata is at this URL. Fetches the document on behalf of
    /// `address` if it is not cached. The client's pages may read responses for an hour.
    ///
    /// # Errors
    /// Returns an error if the URL or the document cannot be used. A failure is cached briefly.
    pub async fn client(
        &self,
        client_id: &str,
        resources: &[Resource],
        address: Option<IpAddr>,
    ) -> Result<Arc<Client>, DocumentError> {
        let client = self.cached_or_fetched(client_id, resources, address).await?;
        let until = self.clock.uptime() + MAX_AGE;
        for origin in client.login.iter().flat_map(UserLoginConfig::page_origins) {
            self.page_origins.insert(origin, until);
        }
        Ok(client)
    }

    /// Returns whether a client that was used within an hour has pages of this origin.
    pub fn has_page_origin(&self, origin: &str) -> bool {
        self.page_origins.get(origin).is_some_and(|until| self.clock.uptime() < until)
    }

    async fn cached_or_fetched(
        &self,
        client_id: &str,
        resources: &[Resource],
        address: Option<IpAddr>,
    ) -> Result<Arc<Client>, DocumentError> {
        validate_client_id_url(client_id, self.policy.allow_private_urls)
            .map_err(DocumentError::InvalidUrl)?;
        if resources.iter().any(|resource| resource.is_confusable_with(client_id)) {
            return Err(DocumentError::InvalidUrl(
                "is the identifier of a resource with typ = \"JWT\", whose access tokens could be taken for its ID tokens",
            ));
        }
        let entry = self.cache.get_with_by_ref(client_id, Arc::default);
        // Concurrent callers wait for this one request.
        let mut found = entry.found.lock().await;
        let now = self.clock.uptime();
        if let Some(found) = found.as_ref().filter(|found| now < found.until) {
            return found.client.clone();
        }
        if let Some(address) = address {
            let permit = self.limit.acquire("", address, now).await;
            permit.map(Permit::consume).map_err(DocumentError::RateLimited)?;
        }
        let fetched = self.fetch(client_id, resources).await;
        let (client, age, bytes) = match fetched {
            Ok((client, age, bytes)) => (Ok(Arc::new(client)), age, bytes),
            Err(error) => {
                tracing::info!(
                    error = error.log_reason(),
                    "failed to use a client ID metadata document"
                );
                let bytes = u32::try_from(error.to_string().len()).unwrap_or(u32::MAX);
                (Err(error), FAILURE_AGE, bytes)
            }
        };
        *found = Some(Found { until: self.clock.uptime() + age, client: client.clone() });
        entry.bytes.store(bytes, Ordering::Relaxed);
        entry.usable.store(client.is_ok(), Ordering::Relaxed);
        // The cache weighs an entry when it is inserted.
        self.cache.insert(client_id.to_owned(), Arc::clone(&entry));
        client
    }

    async fn fetch(
        &self,
        client_id: &str,
        resources: &[Resource],
    ) -> Result<(Client, Duration, u32), DocumentError> {
        let fetched = self.outbound.document(client_id, UrlTrust::Untrusted).await;
        let (document, max_age) = fetched.map_err(DocumentError::Unavailable)?;
        let bytes = u32::try_from(document.to_string().len()).unwrap_or(u32::MAX);
        let policy = self.policy.with_open_resources(resources);
        let client =
            client_of_document(client_id, document, &policy).map_err(|reason| invalid(&reason))?;
        Ok((client, max_age.unwrap_or(DEFAULT_AGE).clamp(MIN_AGE, MAX_AGE), bytes))
    }

    /// Returns the client if its document is cached, also after the time to fetch it again.
    pub fn cached(&self, client_id: &str) -> Option<Arc<Client>> {
        let entry = self.cache.get(client_id)?;
        let found = entry.found.try_lock().ok()?;
        found.as_ref()?.client.clone().ok()
    }
}

fn invalid(reason: &str) -> DocumentError {
    DocumentError::Invalid(printable(reason).chars().take(MAX_REASON_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_counts_its_text_and_does_not_stay() {
        let entry = Entry { bytes: AtomicU32::new(1_000), ..Entry::default() };
        assert!(entry.weight("https://app.example/c") >= 2_000);
        let (url, now) = (String::new(), Instant::now());
        let entry = Arc::new(entry);
        assert_eq!(FailureExpiry.expire_after_create(&url, &entry, now), Some(FAILURE_AGE));
        entry.usable.store(true, Ordering::Relaxed);
        assert_eq!(FailureExpiry.expire_after_update(&url, &entry, now, None), None);
    }

    #[test]
    fn reason_that_quotes_the_document_is_cut() {
        let DocumentError::Invalid(reason) = invalid(&format!("scope: {}\n", "x".repeat(60_000)))
        else {
            panic!("the document is invalid")
        };
        assert!(reason.starts_with("scope: x") && reason.len() <= MAX_REASON_CHARS);
    }
}
