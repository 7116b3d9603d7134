//! The client of B: obtains an access token, calls B and returns its response.

mod error;
mod transport;
mod url_cache;

use std::time::Duration;

use axum::{
    body::Bytes,
    response::{IntoResponse, Response},
};
use backon::{ExponentialBuilder, Retryable};
use flow_events::{Field, Party};
use http::{Method, StatusCode, header};
use oauth_http::HttpTransport;
use oauth_types::{AccessToken, ClientSecret, Scope, basic, printable};
use serde::{Deserialize, de::IgnoredAny};
use token_client::{TokenClient, TokenError, TokenTarget};
use tokio::time::{Instant, timeout_at};

use self::transport::AttemptError;
pub use self::{
    error::{CallError, CallStep},
    url_cache::UrlCache,
};
use crate::settings::Target;

/// Maximum length of an error text of B that A logs and returns, in characters.
const MAX_ERROR_TEXT: usize = 200;

/// Calls B, in A's own name or in the name of a user.
pub struct BClient {
    pub tokens: TokenClient,
    pub transport: HttpTransport,
    /// Scope of the access tokens that A requests.
    pub scope: Scope,
    pub urls: UrlCache,
    /// Timeout of one request to B.
    pub call_timeout: Duration,
    /// Timeout of a whole call, including the token request and retries.
    pub total_timeout: Duration,
}

/// A request to B.
pub struct BRequest<'a> {
    pub target: &'a Target,
    pub method: Method,
    pub path: &'static str,
    pub body: Option<Bytes>,
}

/// Client id and secret that A sends to B in the legacy demo.
pub struct LegacyCredentials {
    pub client_id: String,
    pub secret: ClientSecret,
}

/// Where the legacy demo puts the secret: in a header or in the query.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegacyVariant {
    /// `POST /api/do_something` with `Authorization: Basic base64(username:password)`
    #[default]
    Basic,
    /// `GET /api?access_key=xxx&secret=yyy`
    Query,
}

/// A response of B. As a response of A, it forwards status and body.
#[derive(Debug)]
pub struct BResponse {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Bytes,
}

/// Error response of B (RFC 6750 §3.1).
#[derive(Deserialize)]
struct ErrorBody {
    error: Option<String>,
    error_description: Option<String>,
}

impl BClient {
    /// Creates the transport to B over an HTTP client.
    pub fn transport(http: reqwest::Client) -> HttpTransport {
        HttpTransport::new(http, Party::ResourceServer, transport::MAX_BODY)
    }

    /// Calls B with an access token for A itself.
    ///
    /// If B responds with 401, requests a new access token and calls once more. That is safe for
    /// every method, because B rejected the first request before it did anything.
    ///
    /// # Errors
    /// Returns an error if C issues no token, or B responds with an error or not in time.
    pub async fn call(&self, request: &BRequest<'_>) -> Result<BResponse, CallError> {
        let (token_target, deadline) = (self.token_target(request.target), self.deadline());
        let token = before(deadline, self.tokens.token(&token_target)).await?;
        let response = self.send(request, &token.access_token, deadline).await?;
        if response.status != StatusCode::UNAUTHORIZED {
            return response.into_result();
        }
        tracing::info!(
            token = %token.access_token.fingerprint(),
            "B rejected the access token; retrying with a new one"
        );
        self.tokens.invalidate(&token_target, &token);
        let token = before(deadline, self.tokens.token(&token_target)).await?;
        self.send(request, &token.access_token, deadline).await?.into_result()
    }

    /// Makes the next call to this B request a new access token.
    pub fn forget_token(&self, target: &Target) {
        self.tokens.forget(&self.token_target(target));
    }

    /// Calls B with an access token of a user. Returns `None` if B rejects the token.
    ///
    /// # Errors
    /// Returns an error if B responds with another error or not in time.
    pub async fn call_with_user_token(
        &self,
        request: &BRequest<'_>,
        token: &AccessToken,
    ) -> Result<Option<BResponse>, CallError> {
        self.call_before(self.deadline(), request, token).await
    }

    /// Exchanges the user's access token for one that names A as the actor (RFC 8693), and calls B
    /// with it. Returns `None` if C rejects the user's token, or B the new one.
    ///
    /// # Errors
    /// Returns an error if C or B responds with another error or not in time.
    pub async fn call_on_behalf_of(
        &self,
        request: &BRequest<'_>,
        subject_token: &AccessToken,
    ) -> Result<Option<BResponse>, CallError> {
        let (token_target, deadline) = (self.token_target(request.target), self.deadline());
        let exchange = async {
            match self.tokens.exchange_token(subject_token, &token_target).await {
                Err(
                    error @ (TokenError::ErrorResponse { .. }
                    | TokenError::OtherErrorResponse { .. }),
                ) => {
                    tracing::info!(%error, "C rejected the token exchange");
                    Ok(None)
                }
                other => other.map(Some),
            }
        };
        match before(deadline, exchange).await? {
            Some(token) => self.call_before(deadline, request, &token).await,
            None => Ok(None),
        }
    }

    /// Sends A's secret to B, for the legacy demo.
    ///
    /// # Errors
    /// Returns an error if B responds with an error or not in time.
    pub async fn call_with_secret(
        &self,
        target: &Target,
        variant: LegacyVariant,
        credentials: &LegacyCredentials,
    ) -> Result<BResponse, CallError> {
        let LegacyCredentials { client_id, secret } = credentials;
        let authorization = basic::format(client_id, secret);
        let (url, request, fields) = match variant {
            LegacyVariant::Basic => {
                let url = self.urls.get(target, "/api/do_something")?;
                let request = self
                    .transport
                    .client()
                    .post(url.clone())
                    .header(header::AUTHORIZATION, &authorization);
                (url, request, vec![Field::secret("authorization").in_header()])
            }
            LegacyVariant::Query => {
                let url = self.urls.get(target, "/api")?;
                let query = [("access_key", client_id.as_str()), ("secret", secret.expose())];
                let request = self.transport.client().get(url.clone()).query(&query);
                let fields = ["access_key", "secret"].map(|name| Field::secret(name).in_query());
                (url, request, fields.into())
            }
        };
        let secrets = [secret.expose(), authorization.trim_start_matches("Basic ")];
        let request = request.timeout(self.call_timeout.min(self.total_timeout));
        transport::send(&self.transport, request, url.as_str(), || fields, &secrets)
            .await?
            .into_result()
    }

    fn token_target(&self, target: &Target) -> TokenTarget {
        TokenTarget { scope: self.scope.clone(), resource: Some(target.resource.clone()) }
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.total_timeout
    }

    /// Returns `None` if B responds with 401.
    async fn call_before(
        &self,
        deadline: Instant,
        request: &BRequest<'_>,
        token: &AccessToken,
    ) -> Result<Option<BResponse>, CallError> {
        let response = self.send(request, token, deadline).await?;
        if response.status == StatusCode::UNAUTHORIZED {
            Ok(None)
        } else {
            response.into_result().map(Some)
        }
    }

    /// Sends the request, with retries.
    async fn send(
        &self,
        request: &BRequest<'_>,
        token: &AccessToken,
        deadline: Instant,
    ) -> Result<BResponse, CallError> {
        let url = self.urls.get(request.target, request.path)?;
        let attempt = || async {
            let remaining = deadline.saturating_duration_since(Instant::now());
            let mut builder = self
                .transport
                .client()
                .request(request.method.clone(), url.clone())
                .timeout(remaining.min(self.call_timeout))
                .bearer_auth(token.expose());
            if let Some(body) = &request.body {
                builder =
                    builder.header(header::CONTENT_TYPE, "application/json").body(body.clone());
            }
            let fields = || vec![Field::token("authorization", token).in_header()];
            let secrets = [token.expose()];
            transport::send(&self.transport, builder, url.as_str(), fields, &secrets).await
        };
        // B received nothing if the connection failed. After any other error it may have processed
        // the request, and only safe methods can be repeated.
        let retryable = |error: &AttemptError| {
            let harmless = error.not_sent || (error.transient && request.method.is_safe());
            harmless && Instant::now() < deadline
        };
        Ok(attempt.retry(backoff()).when(retryable).await?)
    }
}

impl BResponse {
    /// Converts an error status of B into an error of A as a gateway.
    fn into_result(self) -> Result<Self, CallError> {
        let status = self.status.as_u16();
        let reason = match self.status.is_success() {
            true if serde_json::from_slice::<IgnoredAny>(&self.body).is_ok() => return Ok(self),
            // A must not serve another server's HTML as its own.
            true => format!("B responded with status {status} and a body that is not JSON"),
            false => format!("B responded with status {status}{}", self.error_text()),
        };
        let status = match self.status {
            StatusCode::GATEWAY_TIMEOUT => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
        };
        Err(CallError::calling_b(status, reason).with_retry_after(self.retry_after))
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns error code and description, in printable characters because A logs them.
    fn error_text(&self) -> String {
        let Ok(ErrorBody { error, error_description }) = serde_json::from_slice(&self.body) else {
            return String::new();
        };
        let parts = [error, error_description].into_iter().flatten();
        let text = parts.map(|part| format!(": {part}")).collect::<String>();
        printable(&text).chars().take(MAX_ERROR_TEXT).collect()
    }
}

impl IntoResponse for BResponse {
    fn into_response(self) -> Response {
        (self.status, [(header::CONTENT_TYPE, "application/json")], self.body).into_response()
    }
}

/// Bounds a token request by the deadline of the call, so that the error names this step and
/// reaches the caller before its own request times out.
async fn before<T, E: Into<CallError>>(
    deadline: Instant,
    token: impl Future<Output = Result<T, E>>,
) -> Result<T, CallError> {
    timeout_at(deadline, token).await.map_err(|_| CallError::token_timed_out())?.map_err(Into::into)
}

fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_times(2)
        .with_jitter()
}
