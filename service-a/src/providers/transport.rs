//! The one way by which requests go to a provider: with a time limit, without redirects, told, and
//! read within bounds.

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

use super::{ProviderFailure, Step};

/// No answer of a provider is longer; one that is could fill our memory.
const MAX_BODY: usize = 256 * 1024;

#[derive(Debug)]
pub(super) struct Wire {
    pub(super) http: reqwest::Client,
    /// Tells the way to what the provider publishes under its own name; without one, addresses are
    /// as the settings have them.
    pub(super) issuer: Option<Issuer>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("it did not answer in time")]
    TimedOut,
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it names an address that cannot be used: {0}")]
    Address(&'static str),
    #[error("its answer is longer than 256 KiB")]
    TooLong,
}

impl WireError {
    pub(super) fn at(&self, step: Step) -> ProviderFailure {
        match self {
            Self::TimedOut => ProviderFailure::TimedOut(step),
            Self::Unreachable(reason) => ProviderFailure::Unreachable(step, reason.clone()),
            Self::Address(_) | Self::TooLong => ProviderFailure::Unusable(step, self.to_string()),
        }
    }
}

/// The bridge between the OpenID Connect library and this house's HTTP client.
impl<'c> AsyncHttpClient<'c> for Wire {
    type Error = WireError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, WireError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

impl Wire {
    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, WireError> {
        let (parts, body) = request.into_parts();
        let published = parts.uri.to_string();
        let url = match &self.issuer {
            Some(issuer) => issuer.resolve_endpoint(&published),
            None => parse_endpoint_url(&published),
        };
        let url = url.map_err(WireError::Address)?;
        let fields = shown(&parts.headers, &url, &body);
        let hidden = hidden(&url, &body);
        let (method, bare) = (parts.method.to_string(), without_query(&url));
        emit(|| Event::RequestSent { to: Party::AuthorizationServer, method, url: bare, fields });
        let mut request = self.http.request(parts.method, url).headers(parts.headers).body(body);
        if let Some(trace) = current_trace() {
            request = request.header("traceparent", trace.to_string());
        }
        let started = Instant::now();
        let answer = receive(request).await;
        tell(&answer, started.elapsed(), &hidden);
        answer
    }
}

async fn receive(request: reqwest::RequestBuilder) -> Result<HttpResponse, WireError> {
    let mut response = request.send().await.map_err(no_answer)?;
    let mut answer = HttpResponse::new(Vec::new());
    (*answer.status_mut(), *answer.headers_mut()) = (response.status(), response.headers().clone());
    while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
        if answer.body().len() + chunk.len() > MAX_BODY {
            return Err(WireError::TooLong);
        }
        answer.body_mut().extend_from_slice(&chunk);
    }
    Ok(answer)
}

/// The innermost error says what happened; the URL is dropped, because WeChat's holds the secret.
fn no_answer(error: reqwest::Error) -> WireError {
    if error.is_timeout() && !error.is_connect() {
        return WireError::TimedOut;
    }
    let error = error.without_url();
    let mut innermost: &dyn Error = &error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    WireError::Unreachable(innermost.to_string())
}

fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

/// What a request carries, as far as it may be told.
fn shown(headers: &HeaderMap, url: &Url, body: &[u8]) -> Vec<Field> {
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

/// The secrets and tokens that a request carries. What is shorter guards nothing, and would be
/// found everywhere.
fn hidden(url: &Url, body: &[u8]) -> Vec<String> {
    const SHORTEST: usize = 6;
    let pairs = url.query_pairs().chain(form_urlencoded::parse(body));
    let is_hidden = |name: &str, value: &str| {
        value.len() >= SHORTEST
            && !matches!(Field::parameter(name, value).value, FieldValue::Text(_))
    };
    pairs
        .filter(|(name, value)| is_hidden(name, value))
        .map(|(_, value)| value.into_owned())
        .collect()
}

fn tell(answer: &Result<HttpResponse, WireError>, elapsed: Duration, hidden: &[String]) {
    let elapsed_micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    emit(|| match answer {
        Ok(answer) => Event::ResponseReceived {
            from: Party::AuthorizationServer,
            status: answer.status().as_u16(),
            elapsed_micros,
            fields: Field::json_members(
                answer.body(),
                &hidden.iter().map(String::as_str).collect::<Vec<_>>(),
            ),
        },
        Err(error) => Event::RequestFailed {
            to: Party::AuthorizationServer,
            reason: error.to_string(),
            elapsed_micros,
        },
    });
}
