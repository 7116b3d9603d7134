use std::{fmt, sync::Arc, time::Duration};

use reqwest::{Client, Method, RequestBuilder, StatusCode, redirect::Policy};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::runtime::Handle;
use url::Url;

use crate::{ControlError, Rejection};

/// Longer than an assertion can wait by default, which is 27 seconds.
const TIMEOUT: Duration = Duration::from_secs(90);

/// Calls the control API of a running server.
///
/// Clones call the same server. Each call has a connection of its own, so that tests that each have
/// a runtime can share a `Control`.
#[derive(Clone)]
pub struct Control {
    connection: Arc<Connection>,
    /// The issuer that calls are for, if it is not the one of the server's settings.
    issuer: Option<Arc<str>>,
}

struct Connection {
    url: Url,
    token: Option<String>,
    http: Client,
    /// Where requests are sent, if not in the runtime of the caller.
    runtime: Option<Handle>,
}

/// The token is not printed.
impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Control").field(&self.connection.url.as_str()).finish()
    }
}

impl Control {
    /// Returns a client for the control API at this URL, such as `http://127.0.0.1:9005`.
    ///
    /// # Errors
    /// Returns an error if the URL is not an absolute http or https URL.
    pub fn new(url: &str) -> Result<Self, ControlError> {
        Self::of(url, None, None)
    }

    /// Returns a client that presents the token of the setting `control.token`.
    ///
    /// # Errors
    /// Returns an error if the URL is not an absolute http or https URL.
    pub fn with_token(url: &str, token: impl Into<String>) -> Result<Self, ControlError> {
        Self::of(url, Some(token.into()), None)
    }

    pub(crate) fn of(
        text: &str,
        token: Option<String>,
        runtime: Option<Handle>,
    ) -> Result<Self, ControlError> {
        let invalid = |problem: String| ControlError::InvalidUrl { url: text.to_owned(), problem };
        let url: Url = text.parse().map_err(|error: url::ParseError| invalid(error.to_string()))?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(invalid("its scheme is neither http nor https".to_owned()));
        }
        let http = client(url.scheme() == "https").map_err(ControlError::NoResponse)?;
        let connection = Arc::new(Connection { url, token, http, runtime });
        Ok(Self { connection, issuer: None })
    }

    /// Returns the URL of the control API.
    #[must_use]
    pub fn control_url(&self) -> &str {
        self.connection.url.as_str().trim_end_matches('/')
    }

    /// Returns a client whose calls are for another issuer of the server, by its name or its URL.
    #[must_use]
    pub fn of_issuer(&self, issuer: &str) -> Self {
        Self { connection: Arc::clone(&self.connection), issuer: Some(issuer.into()) }
    }

    /// Sends any call, such as one that this crate has no method for. Returns the JSON of the
    /// response, or `null` for an empty one.
    ///
    /// # Errors
    /// Returns an error if the server rejects the call or does not answer.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ControlError> {
        let method: Method = method.parse().map_err(|_| ControlError::InvalidUrl {
            url: format!("{method} {path}"),
            problem: "it has no method of HTTP".to_owned(),
        })?;
        let request = self.request(method, path)?;
        self.send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ControlError> {
        self.send(self.request(Method::GET, path)?).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ControlError> {
        self.send(self.request(Method::POST, path)?.json(body)).await
    }

    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ControlError> {
        self.send(self.request(Method::PUT, path)?.json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<(), ControlError> {
        self.send(self.request(Method::DELETE, path)?).await
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, ControlError> {
        let mut url = self.connection.url.join(path).map_err(|error| ControlError::InvalidUrl {
            url: path.to_owned(),
            problem: error.to_string(),
        })?;
        if let Some(issuer) = &self.issuer {
            url.query_pairs_mut().append_pair("issuer", issuer);
        }
        let request = self.connection.http.request(method, url);
        Ok(match &self.connection.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ControlError> {
        let exchange = async {
            let response = request.send().await?;
            Ok((response.status(), response.bytes().await?))
        };
        let exchanged = match &self.connection.runtime {
            Some(runtime) => runtime.spawn(exchange).await.map_err(ControlError::Interrupted)?,
            None => exchange.await,
        };
        let (status, body) = exchanged.map_err(ControlError::NoResponse)?;
        let body = if body.is_empty() { &b"null"[..] } else { &*body };
        let invalid = |error: serde_json::Error| ControlError::InvalidResponse {
            status: status.as_u16(),
            problem: error.to_string(),
        };
        if status.is_success() {
            return serde_json::from_slice(body).map_err(invalid);
        }
        if status == StatusCode::UNPROCESSABLE_ENTITY {
            return Err(ControlError::Unmet(Box::new(
                serde_json::from_slice(body).map_err(invalid)?,
            )));
        }
        let rejection: Rejection = serde_json::from_slice(body).map_err(invalid)?;
        Err(ControlError::Rejected(Box::new(Rejection { status: status.as_u16(), ..rejection })))
    }
}

/// Connections are not reused: they end with the runtime that opened them, and a server closes idle
/// ones when its clock is moved.
fn client(has_tls: bool) -> reqwest::Result<Client> {
    let builder = Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .pool_max_idle_per_host(0)
        .timeout(TIMEOUT);
    // Loading the certificates of the system takes longer than a call.
    if has_tls { builder.build() } else { builder.tls_certs_only([]).build() }
}
