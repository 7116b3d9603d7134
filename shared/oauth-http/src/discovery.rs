use std::time::Duration;

use flow_events::Field;
use http::{HeaderValue, StatusCode, header::ACCEPT};
use oauth_types::{AuthorizationServerMetadata, Issuer, printable};

use crate::{BodyError, HttpResponse, HttpTransport, TransportError};

/// Longer issuer names are cut off in errors.
const MAX_ISSUER_CHARS: usize = 200;

/// Why the metadata of an issuer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// No response.
    #[error("cannot fetch the metadata at {url}: {source}")]
    Transport {
        /// The URL of the metadata.
        url: String,
        /// Why there is no response.
        source: TransportError,
    },
    /// A response with a status other than 200.
    #[error("cannot fetch the metadata at {url}: status {}", response.status.as_u16())]
    Status {
        /// The URL of the metadata.
        url: String,
        /// The response.
        response: HttpResponse,
    },
    /// The response is not metadata of an authorization server (RFC 8414 §2).
    #[error("cannot read the metadata at {url}: {source}")]
    Body {
        /// The URL of the metadata.
        url: String,
        /// What is wrong with the body.
        source: BodyError,
    },
    /// The metadata names another issuer (RFC 8414 §3.3).
    #[error("the metadata at {url} is of issuer {found:?}, but {expected:?} is configured")]
    WrongIssuer {
        /// The URL of the metadata.
        url: String,
        /// The configured issuer.
        expected: String,
        /// The issuer in the metadata.
        found: String,
    },
}

impl DiscoveryError {
    /// Returns the delay that the server asks for before the next request.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { response, .. } => response.retry_after(),
            _ => None,
        }
    }
}

/// Fetches the metadata of `issuer`: at the URL of RFC 8414 §3.1 or, if that is not found, at the
/// URL of OpenID Connect Discovery §4. Servers that implement only OpenID Connect publish the same
/// members there (RFC 8414 §5).
///
/// # Errors
/// Returns an error if the metadata cannot be fetched or read, or names another issuer.
pub async fn fetch_metadata(
    transport: &HttpTransport,
    issuer: &Issuer,
) -> Result<AuthorizationServerMetadata, DiscoveryError> {
    let [oauth, openid] = issuer.metadata_urls();
    let mut url = oauth;
    let mut response = get(transport, &url).await?;
    if response.status == StatusCode::NOT_FOUND {
        url = openid;
        response = get(transport, &url).await?;
    }
    if response.status != StatusCode::OK {
        return Err(DiscoveryError::Status { url, response });
    }
    let metadata: AuthorizationServerMetadata = match response.json() {
        Ok(metadata) => metadata,
        Err(source) => return Err(DiscoveryError::Body { url, source }),
    };
    // Compared byte by byte (RFC 8414 §3.3). Otherwise one server could pass its endpoints and keys
    // off as another's, and collect the secrets that are meant for that one (mix-up, RFC 9700
    // §4.4).
    if metadata.issuer != issuer.identifier() {
        let found = printable(&metadata.issuer).chars().take(MAX_ISSUER_CHARS).collect();
        let expected = issuer.identifier().to_owned();
        return Err(DiscoveryError::WrongIssuer { url, expected, found });
    }
    Ok(metadata)
}

async fn get(transport: &HttpTransport, url: &str) -> Result<HttpResponse, DiscoveryError> {
    let request =
        transport.client().get(url).header(ACCEPT, HeaderValue::from_static("application/json"));
    let response = transport.send(request, |_| Vec::new(), response_fields).await;
    response.map_err(|source| DiscoveryError::Transport { url: url.to_owned(), source })
}

/// Keys, scopes and all other members would fill the viewer's page.
fn response_fields(response: &HttpResponse) -> Vec<Field> {
    let Ok(metadata) = response.json::<AuthorizationServerMetadata>() else { return Vec::new() };
    let endpoint = metadata.token_endpoint.as_deref().unwrap_or_default();
    vec![Field::text("issuer", &metadata.issuer), Field::text("token_endpoint", endpoint)]
}
