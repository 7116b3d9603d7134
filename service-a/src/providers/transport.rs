//! HTTP requests to providers.

use flow_events::{Field, FieldValue, Party};
use http::{HeaderMap, HeaderValue, header};
use oauth_http::{HttpResponse, HttpTransport, Repeatable};
use oauth_types::{AccessToken, Issuer, parse_endpoint_url};
use reqwest::Body;
use url::Url;

use super::{ProviderError, ProviderRequest};

/// Maximum length of a response body of a provider, in bytes.
const MAX_BODY: usize = 256 * 1024;

type ClaimNames = fn(&[u8]) -> Option<Field>;

#[derive(Debug)]
pub(super) struct Transport {
    http: HttpTransport,
    /// Resolves endpoints of the metadata to the internal URL. Without it, the URLs of the settings
    /// are used unchanged.
    issuer: Option<Issuer>,
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum TransportError {
    #[error("no response in time")]
    TimedOut,
    #[error("unreachable: {0}")]
    Unreachable(String),
    #[error("invalid endpoint URL: {0}")]
    InvalidUrl(&'static str),
    #[error("response longer than 256 KiB")]
    TooLong,
}

impl TransportError {
    /// Adds the kind of request that failed.
    pub(super) fn during(&self, request: ProviderRequest) -> ProviderError {
        match self {
            Self::TimedOut => ProviderError::TimedOut(request),
            Self::Unreachable(reason) => ProviderError::Unreachable(request, reason.clone()),
            Self::InvalidUrl(_) | Self::TooLong => {
                ProviderError::InvalidResponse(request, self.to_string())
            }
        }
    }
}

impl Transport {
    pub(super) fn new(http: reqwest::Client, issuer: Option<Issuer>) -> Self {
        let http = HttpTransport::new(http, Party::AuthorizationServer, MAX_BODY);
        Self { http: http.repeating(Repeatable::Get), issuer }
    }

    /// Sends a GET request, with the access token if there is one, and reads the response.
    pub(super) async fn get(
        &self,
        url: &str,
        access_token: Option<&AccessToken>,
        kind: ProviderRequest,
    ) -> Result<HttpResponse, ProviderError> {
        let mut request = http::Request::get(url).header(header::ACCEPT, "application/json");
        if let Some(token) = access_token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.expose()));
        }
        let request = request.body(Vec::new()).map_err(|_| {
            ProviderError::InvalidResponse(kind, "the request URL or token is invalid".to_owned())
        })?;
        let claims =
            (kind == ProviderRequest::UserInfo).then_some(Field::claim_names as ClaimNames);
        self.exchange(request, claims).await.map_err(|error| error.during(kind))
    }

    /// Sends a request and reads the response.
    pub(super) async fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<HttpResponse, TransportError> {
        self.exchange(request, None).await
    }

    /// Sends a request. `claims` names the claims of the response in its event.
    async fn exchange(
        &self,
        request: http::Request<Vec<u8>>,
        claims: Option<ClaimNames>,
    ) -> Result<HttpResponse, TransportError> {
        let (parts, body) = request.into_parts();
        let endpoint = parts.uri.to_string();
        let url = match &self.issuer {
            Some(issuer) => issuer.resolve_endpoint(&endpoint),
            None => parse_endpoint_url(&endpoint),
        };
        let url = url.map_err(TransportError::InvalidUrl)?;
        let secrets = secret_parameters(&url, &body);
        let request_fields = |request: &reqwest::Request| {
            let body = request.body().and_then(Body::as_bytes).unwrap_or_default();
            event_fields(request.headers(), request.url(), body)
        };
        let response_fields = |response: &HttpResponse| {
            let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
            let names = claims.and_then(|claims| claims(response.bytes()));
            Field::json_members(response.bytes(), &secrets).into_iter().chain(names).collect()
        };
        let request =
            self.http.client().request(parts.method, url).headers(parts.headers).body(body);
        let received = self.http.send(request, request_fields, response_fields).await?;
        if received.body.is_none() {
            return Err(TransportError::TooLong);
        }
        Ok(received)
    }
}

impl From<oauth_http::TransportError> for TransportError {
    fn from(error: oauth_http::TransportError) -> Self {
        if error.is_timeout() { Self::TimedOut } else { Self::Unreachable(error.root_cause()) }
    }
}

/// Returns headers and parameters as event fields, which cannot contain secrets.
fn event_fields(headers: &HeaderMap, url: &Url, body: &[u8]) -> Vec<Field> {
    let authorization =
        headers.get(header::AUTHORIZATION).and_then(|value: &HeaderValue| value.to_str().ok());
    let authorization = authorization.map(|value| match value.strip_prefix("Bearer ") {
        Some(token) => Field::token("authorization", &AccessToken::new(token)).in_header(),
        None => Field::secret("authorization").in_header(),
    });
    let query = Field::parameters(url.query().unwrap_or_default().as_bytes())
        .into_iter()
        .map(Field::in_query);
    authorization.into_iter().chain(query).chain(Field::parameters(body)).collect()
}

/// Returns the secrets and tokens among the parameters, to be removed from the response. Shorter
/// values protect nothing and occur in any text.
fn secret_parameters(url: &Url, body: &[u8]) -> Vec<String> {
    const MIN_LENGTH: usize = 6;
    let pairs = url.query_pairs().chain(form_urlencoded::parse(body));
    let is_secret = |name: &str, value: &str| {
        value.len() >= MIN_LENGTH
            && !matches!(Field::parameter(name, value).value, FieldValue::Text(_))
    };
    pairs
        .filter(|(name, value)| is_secret(name, value))
        .map(|(_, value)| value.into_owned())
        .collect()
}
