//! One call of B, from the pass to the answer.

mod error;
mod transport;
mod urls;

use std::time::Duration;

use axum::{
    body::Bytes,
    response::{IntoResponse, Response},
};
use backon::{ExponentialBuilder, Retryable};
use flow_events::Field;
use http::{Method, StatusCode, header};
use oauth_types::{AccessToken, ClientSecret, Scope, basic, printable};
use serde::{Deserialize, de::IgnoredAny};
use token_client::{TokenClient, TokenError, TokenTarget};
use tokio::time::{Instant, timeout_at};

use self::transport::Exchange;
pub use self::{error::Failure, urls::Addresses};
use crate::settings::Target;

/// Longer reasons help nobody and fill logs.
const MAX_WORDS: usize = 200;

/// Calls B in A's own name.
pub struct BClient {
    pub tokens: TokenClient,
    pub http: reqwest::Client,
    pub scope: Scope,
    pub addresses: Addresses,
    /// How long B may take for one answer.
    pub call_timeout: Duration,
    /// How long a whole call may take, with what is tried again in it.
    pub patience: Duration,
}

/// What is asked of which B.
pub struct Call<'a> {
    pub target: &'a Target,
    pub method: Method,
    pub path: &'static str,
    pub body: Option<Bytes>,
}

/// What A would show to B itself, in the old way.
pub struct Legacy {
    pub client_id: String,
    pub secret: ClientSecret,
}

/// How the secret goes to B, in the document's two unsafe examples.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegacyWay {
    /// `POST /api/do_something` with `Authorization: Basic base64(username:password)`
    #[default]
    Basic,
    /// `GET /api?access_key=xxx&secret=yyy`
    Query,
}

/// What B answered, to be handed on.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Bytes,
}

/// How B refuses: with the codes of RFC 6750 §3.1, or any others.
#[derive(Deserialize)]
struct Refusal {
    error: Option<String>,
    error_description: Option<String>,
}

impl BClient {
    /// Get a pass, call B, and hand on its answer. A pass that B does not take is dropped, and the
    /// call made once more with a new one: B refused before it did anything, so that is safe for
    /// every method.
    pub async fn call(&self, call: &Call<'_>) -> Result<Answer, Failure> {
        let (need, until) = (self.need(call.target), Instant::now() + self.patience);
        let pass = in_time(until, self.tokens.token(&need)).await?;
        let answer = self.send(call, &pass.access_token, until).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return answer.or_failure();
        }
        tracing::info!(token = %pass.access_token.fingerprint(), "B does not take the pass; A gets a new one and calls once more");
        self.tokens.invalidate(&need, &pass);
        let pass = in_time(until, self.tokens.token(&need)).await?;
        self.send(call, &pass.access_token, until).await?.or_failure()
    }

    /// The same with the pass of a person, in whose name A calls then. `None` when B does not take
    /// it.
    pub async fn call_as(
        &self,
        call: &Call<'_>,
        pass: &AccessToken,
    ) -> Result<Option<Answer>, Failure> {
        self.call_until(Instant::now() + self.patience, call, pass).await
    }

    async fn call_until(
        &self,
        until: Instant,
        call: &Call<'_>,
        pass: &AccessToken,
    ) -> Result<Option<Answer>, Failure> {
        let answer = self.send(call, pass, until).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            Ok(None)
        } else {
            answer.or_failure().map(Some)
        }
    }

    /// The same with a pass for which the person's is exchanged, and which says that A acts for
    /// them. `None` when theirs is not in force any more, too.
    pub async fn call_acting_for(
        &self,
        call: &Call<'_>,
        subject: &AccessToken,
    ) -> Result<Option<Answer>, Failure> {
        let (need, until) = (self.need(call.target), Instant::now() + self.patience);
        let exchanged = async {
            match self.tokens.exchange_token(subject, &need).await {
                Err(TokenError::ErrorResponse { error, .. }) => {
                    tracing::info!(%error, "C does not exchange a person's pass");
                    Ok(None)
                }
                other => other.map(Some),
            }
        };
        match in_time(until, exchanged).await? {
            Some(pass) => self.call_until(until, call, &pass).await,
            None => Ok(None),
        }
    }

    /// The document's old way, in its two examples: B sees the secret itself.
    pub async fn call_with_secret(
        &self,
        target: &Target,
        way: LegacyWay,
        legacy: &Legacy,
    ) -> Result<Answer, Failure> {
        let authorization = basic::format(&legacy.client_id, &legacy.secret);
        let (shown, request, fields) = match way {
            LegacyWay::Basic => {
                let url = self.addresses.of(target, "/api/do_something")?;
                let request =
                    self.http.post(url.clone()).header(header::AUTHORIZATION, &authorization);
                (url, request, vec![Field::secret("authorization").in_header()])
            }
            LegacyWay::Query => {
                let url = self.addresses.of(target, "/api")?;
                let pairs =
                    [("access_key", legacy.client_id.as_str()), ("secret", legacy.secret.expose())];
                let request = self.http.get(url.clone()).query(&pairs);
                (
                    url,
                    request,
                    vec![
                        Field::secret("access_key").in_query(),
                        Field::secret("secret").in_query(),
                    ],
                )
            }
        };
        let hidden = [legacy.secret.expose(), authorization.trim_start_matches("Basic ")];
        let request = request.timeout(self.call_timeout.min(self.patience));
        let exchange = Exchange {
            http: &self.http,
            shown: shown.as_str(),
            fields: &|| fields.clone(),
            hidden: &hidden,
        };
        exchange.send(request).await?.or_failure()
    }

    fn need(&self, target: &Target) -> TokenTarget {
        TokenTarget { scope: self.scope.clone(), resource: Some(target.resource.clone()) }
    }

    async fn send(
        &self,
        call: &Call<'_>,
        pass: &AccessToken,
        until: Instant,
    ) -> Result<Answer, Failure> {
        let url = self.addresses.of(call.target, call.path)?;
        let attempt = || async {
            let left = until.saturating_duration_since(Instant::now());
            let request = self
                .http
                .request(call.method.clone(), url.clone())
                .timeout(left.min(self.call_timeout));
            let mut request = request.bearer_auth(pass.expose());
            if let Some(body) = &call.body {
                request =
                    request.header(header::CONTENT_TYPE, "application/json").body(body.clone());
            }
            let fields = || vec![Field::token("authorization", pass).in_header()];
            let hidden = [pass.expose()];
            Exchange { http: &self.http, shown: url.as_str(), fields: &fields, hidden: &hidden }
                .send(request)
                .await
        };
        // A connection that never came about carried nothing to B; any other failure may have, and
        // only reading twice is harmless.
        let again = |failure: &transport::NoAnswer| {
            let harmless = failure.before_sending || (failure.passing && call.method.is_safe());
            harmless && Instant::now() < until
        };
        Ok(attempt.retry(backoff()).when(again).await?)
    }
}

impl Answer {
    /// What B did is handed on; that it would not or could not is A's failure towards its own
    /// caller.
    fn or_failure(self) -> Result<Self, Failure> {
        let reason = match self.status.is_success() {
            true if serde_json::from_slice::<IgnoredAny>(&self.body).is_ok() => return Ok(self),
            // Handed on, a page of somebody else's would be shown by browsers as one of A's.
            true => format!(
                "B answered with status {} and a body that is not JSON",
                self.status.as_u16()
            ),
            false => format!("B answered with status {}{}", self.status.as_u16(), self.own_words()),
        };
        let status = match self.status {
            StatusCode::GATEWAY_TIMEOUT => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
        };
        Err(Failure::of_b(status, reason).retry_after(self.retry_after))
    }

    /// B's words, to be shown to a person.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// B's reason, in plain characters: it goes into A's log.
    fn own_words(&self) -> String {
        let Ok(Refusal { error, error_description }) = serde_json::from_slice(&self.body) else {
            return String::new();
        };
        let said = [error, error_description].into_iter().flatten().map(|text| format!(": {text}"));
        printable(&said.collect::<String>()).chars().take(MAX_WORDS).collect()
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.status, [(header::CONTENT_TYPE, "application/json")], self.body).into_response()
    }
}

/// A pass, or that it came too late: A's caller is told which step it was, before its request ends
/// for its length.
async fn in_time<T, E: Into<Failure>>(
    until: Instant,
    pass: impl Future<Output = Result<T, E>>,
) -> Result<T, Failure> {
    timeout_at(until, pass).await.map_err(|_| Failure::no_pass_in_time())?.map_err(Into::into)
}

fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_times(2)
        .with_jitter()
}
