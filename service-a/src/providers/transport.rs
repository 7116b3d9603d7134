//! HTTP requests to providers, with trace context, events, a timeout and a size limit, and without
//! redirects.

use std::{
    error::Error,
    future::Future,
    pin::Pin,
    time::{Duration, Instant},
};

use flow_events::{Event, Field, FieldValue, Party, current_trace, emit};
use http::{HeaderMap, HeaderValue, header};
use oauth_types::{AccessToken, Issuer, parse_endpoint_url};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use url::Url;

use super::{ProviderError, ProviderRequest};

/// Longest response body of a provider, in bytes. Bounds memory.
const MAX_BODY: usize = 256 * 1024;

#[derive(Debug)]
pub(super) struct Transport {
    pub(super) http: reqwest::Client,
    /// Resolves endpoints of the metadata to the internal URL. Without it, the URLs of the settings
    /// are used unchanged.
    pub(super) issuer: Option<Issuer>,
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

/// Lets the OpenID Connect library use this transport.
impl<'c> AsyncHttpClient<'c> for Transport {
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

impl Transport {
    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let (parts, body) = request.into_parts();
        let endpoint = parts.uri.to_string();
        let url = match &self.issuer {
            Some(issuer) => issuer.resolve_endpoint(&endpoint),
            None => parse_endpoint_url(&endpoint),
        };
        let url = url.map_err(TransportError::InvalidUrl)?;
        let secrets = secret_parameters(&url, &body);
        emit(|| Event::RequestSent {
            to: Party::AuthorizationServer,
            method: parts.method.to_string(),
            url: without_query(&url),
            fields: event_fields(&parts.headers, &url, &body),
        });
        let mut request = self.http.request(parts.method, url).headers(parts.headers).body(body);
        if let Some(trace) = current_trace() {
            request = request.header("traceparent", trace.to_string());
        }
        let started = Instant::now();
        let response = receive(request).await;
        emit_response(&response, started.elapsed(), &secrets);
        response
    }
}

async fn receive(request: reqwest::RequestBuilder) -> Result<HttpResponse, TransportError> {
    let mut received = request.send().await.map_err(transport_error)?;
    let mut response = HttpResponse::new(Vec::new());
    *response.status_mut() = received.status();
    response.headers_mut().clone_from(received.headers());
    while let Some(chunk) = received.chunk().await.map_err(transport_error)? {
        if response.body().len() + chunk.len() > MAX_BODY {
            return Err(TransportError::TooLong);
        }
        response.body_mut().extend_from_slice(&chunk);
    }
    Ok(response)
}

/// Keeps the innermost error, and drops the URL, because WeChat's contains the client secret.
fn transport_error(error: reqwest::Error) -> TransportError {
    if error.is_timeout() && !error.is_connect() {
        return TransportError::TimedOut;
    }
    let error = error.without_url();
    let mut innermost: &dyn Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    TransportError::Unreachable(innermost.to_string())
}

fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
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

fn emit_response(
    response: &Result<HttpResponse, TransportError>,
    elapsed: Duration,
    secrets: &[String],
) {
    let elapsed_micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    emit(|| match response {
        Ok(response) => Event::ResponseReceived {
            from: Party::AuthorizationServer,
            status: response.status().as_u16(),
            elapsed_micros,
            fields: Field::json_members(
                response.body(),
                &secrets.iter().map(String::as_str).collect::<Vec<_>>(),
            ),
        },
        Err(error) => Event::RequestFailed {
            to: Party::AuthorizationServer,
            reason: error.to_string(),
            elapsed_micros,
        },
    });
}
