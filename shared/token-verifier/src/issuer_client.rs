use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use clock::Clock;
use flow_events::{Event, Field, Party, current_trace, emit};
use http::{StatusCode, header};
use http_body_util::{BodyExt, Limited};
use oauth_types::{AuthorizationServerMetadata, Issuer};
use reqwest::{Client, Request, RequestBuilder};
use tokio::sync::Mutex;
use url::Url;

use crate::{VerifyError, failure_backoff::FailureBackoff};

/// No answer of an authorization server is longer; one that is could fill our memory.
const MAX_BODY: usize = 256 * 1024;

/// The authorization server, as a resource server talks to it.
#[derive(Debug)]
pub(crate) struct IssuerClient {
    pub(crate) issuer: Issuer,
    pub(crate) http: Client,
    pub(crate) clock: Clock,
    metadata: OnceLock<AuthorizationServerMetadata>,
    /// Held by whoever asks for the metadata.
    asking: Mutex<FailureBackoff>,
}

/// What came back, whatever it says.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
}

impl IssuerClient {
    pub(crate) fn new(issuer: Issuer, http: Client, clock: Clock) -> Self {
        Self { issuer, http, clock, metadata: OnceLock::new(), asking: Mutex::default() }
    }

    /// What the issuer says of itself (RFC 8414), asked for once, by one, however many wait.
    pub(crate) async fn metadata(&self) -> Result<&AuthorizationServerMetadata, VerifyError> {
        if let Some(known) = self.metadata.get() {
            return Ok(known);
        }
        let mut pause = self.asking.lock().await;
        if let Some(known) = self.metadata.get() {
            return Ok(known);
        }
        pause.check(self.clock.millis())?;
        let fetched = self.fetch_metadata().await;
        pause.note(self.clock.millis(), &fetched);
        let fetched = fetched?;
        Ok(self.metadata.get_or_init(|| fetched))
    }

    pub(crate) fn is_known(&self) -> bool {
        self.metadata.get().is_some()
    }

    /// The way to an endpoint that the metadata names.
    pub(crate) fn resolve_endpoint(
        &self,
        name: &str,
        published: Option<&str>,
    ) -> Result<Url, VerifyError> {
        let unusable = |reason: &str| {
            VerifyError::unavailable(format!("the issuer's {name} cannot be used: {reason}"), None)
        };
        self.issuer
            .resolve_endpoint(published.ok_or_else(|| unusable("its metadata names none"))?)
            .map_err(unusable)
    }

    async fn fetch_metadata(&self) -> Result<AuthorizationServerMetadata, VerifyError> {
        let [oauth, openid] = self.issuer.metadata_urls();
        let mut answer = self.get(&oauth).await?;
        // Servers that know OpenID Connect alone publish the same members under its own name (RFC
        // 8414 §5).
        if answer.status == StatusCode::NOT_FOUND {
            answer = self.get(&openid).await?;
        }
        let metadata: AuthorizationServerMetadata = answer.json("the issuer's metadata")?;
        // Compared to the byte (RFC 8414 §3.3): another issuer's keys must not count as this one's.
        if metadata.issuer != self.issuer.identifier() {
            return Err(VerifyError::unavailable(
                format!(
                    "the metadata is of issuer {:?}, but {:?} is configured",
                    metadata.issuer,
                    self.issuer.identifier()
                ),
                None,
            ));
        }
        Ok(metadata)
    }

    pub(crate) async fn get(&self, url: &str) -> Result<Answer, VerifyError> {
        self.send(self.http.get(url).header(header::ACCEPT, "application/json"), Vec::new(), &[])
            .await
    }

    /// Send a request: traced, told, and read within bounds. An answer that repeats what is
    /// `hidden` in it is not told.
    pub(crate) async fn send(
        &self,
        request: RequestBuilder,
        fields: Vec<Field>,
        hidden: &[&str],
    ) -> Result<Answer, VerifyError> {
        let mut request =
            request.build().map_err(|error| unreachable("it", &error.without_url()))?;
        if let Some(value) = current_trace().and_then(|trace| trace.to_string().parse().ok()) {
            request.headers_mut().insert("traceparent", value);
        }
        let (method, url) = (request.method().to_string(), request.url().to_string());
        emit(|| Event::RequestSent { to: Party::AuthorizationServer, method, url, fields });
        let started = Instant::now();
        let result = self.receive(request).await;
        let elapsed_micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        emit(|| match &result {
            Ok(answer) => Event::ResponseReceived {
                from: Party::AuthorizationServer,
                status: answer.status.as_u16(),
                elapsed_micros,
                fields: Field::json_members(&answer.body, hidden),
            },
            Err(error) => Event::RequestFailed {
                to: Party::AuthorizationServer,
                reason: error.to_string(),
                elapsed_micros,
            },
        });
        result
    }

    async fn receive(&self, request: Request) -> Result<Answer, VerifyError> {
        let url = request.url().to_string();
        let failed = |error: reqwest::Error| unreachable(&url, &error.without_url());
        let response = self.http.execute(request).await.map_err(failed)?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let body = Limited::new(reqwest::Body::from(response), MAX_BODY).collect().await.map_err(
            |_| {
                VerifyError::unavailable(
                    format!("{url} broke its answer off, or it is longer than {MAX_BODY} bytes"),
                    None,
                )
            },
        )?;
        Ok(Answer {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            body: body.to_bytes().to_vec(),
        })
    }
}

impl Answer {
    /// The body of a good answer. The parser's own words are dropped: they quote what they could
    /// not read.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(
        &self,
        what: &str,
    ) -> Result<T, VerifyError> {
        if self.status != StatusCode::OK {
            let reason = format!(
                "{what} could not be had: the authorization server answered {}",
                self.status.as_u16()
            );
            return Err(VerifyError::unavailable(reason, self.retry_after));
        }
        serde_json::from_slice(&self.body).map_err(|_| {
            VerifyError::unavailable(
                format!("{what} could not be had: the answer cannot be read"),
                None,
            )
        })
    }
}

fn unreachable(url: &str, error: &reqwest::Error) -> VerifyError {
    let what = if error.is_timeout() { "did not answer in time" } else { "cannot be reached" };
    VerifyError::unavailable(format!("the authorization server at {url} {what}"), None)
}
