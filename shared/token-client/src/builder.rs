use std::{sync::Arc, time::Duration};

use clock::Clock;
use oauth_types::{ClientAuthMethod, ClientSecret, Issuer};
use reqwest::{Client, redirect::Policy};
use tokio::sync::OnceCell;

use crate::{
    client::{Inner, TokenClient},
    client_auth::ClientAuth,
    token_target::TokenCells,
    transport::HttpTransport,
};

/// Sets up a [`TokenClient`].
#[derive(Debug)]
#[must_use]
pub struct TokenClientBuilder {
    issuer: String,
    internal_url: Option<String>,
    token_endpoint: Option<String>,
    auth: ClientAuth,
    http: Option<Client>,
    clock: Clock,
    timeout: Duration,
    default_ttl: Duration,
}

/// Why there is no client. No value is shown: a URL may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The issuer or the internal URL cannot be used.
    #[error("the issuer or its internal_url is not usable: {0}")]
    Issuer(&'static str),
    /// The token endpoint cannot be used.
    #[error("the token_endpoint is not usable: {0}")]
    TokenEndpoint(&'static str),
    /// The HTTP client cannot be made.
    #[error("cannot prepare TLS: {0}")]
    Tls(#[source] reqwest::Error),
}

impl TokenClientBuilder {
    pub(crate) fn new(issuer: String, client_id: String, secret: ClientSecret) -> Self {
        Self {
            issuer,
            internal_url: None,
            token_endpoint: None,
            auth: ClientAuth { client_id, secret, method: ClientAuthMethod::default() },
            http: None,
            clock: Clock::system(),
            timeout: Duration::from_secs(5),
            default_ttl: Duration::from_secs(60),
        }
    }

    /// Where the issuer is reached from here, if not at its own name: its endpoints are looked for
    /// below this URL.
    pub fn internal_url(mut self, url: impl Into<String>) -> Self {
        self.internal_url = Some(url.into());
        self
    }

    /// Where tokens are asked for. Without it, the issuer's metadata says so.
    pub fn token_endpoint(mut self, url: impl Into<String>) -> Self {
        self.token_endpoint = Some(url.into());
        self
    }

    /// How the client proves who it is.
    pub fn auth_method(mut self, method: ClientAuthMethod) -> Self {
        self.auth.method = method;
        self
    }

    /// The HTTP client, with the certificate authorities to believe. It must not follow redirects:
    /// one with status 307 would carry the secret to another host.
    pub fn http_client(mut self, http: Client) -> Self {
        self.http = Some(http);
        self
    }

    /// What time it is.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How long one request may take, to the last byte of its answer. 5 seconds unless set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long a token is used that does not tell its life. 60 seconds unless set.
    pub fn default_ttl(mut self, life: Duration) -> Self {
        self.default_ttl = life;
        self
    }

    /// The client. Nothing is sent before the first token is asked for.
    ///
    /// # Errors
    /// [`BuildError`] when a URL is not usable, or TLS cannot be prepared.
    pub fn build(self) -> Result<TokenClient, BuildError> {
        let endpoint =
            self.token_endpoint.as_deref().map(oauth_types::parse_endpoint_url).transpose();
        let http = self.http.map_or_else(without_redirects, Ok)?;
        Ok(TokenClient(Arc::new(Inner {
            issuer: Issuer::new(self.issuer, self.internal_url.as_deref())
                .map_err(BuildError::Issuer)?,
            endpoint: OnceCell::new_with(endpoint.map_err(BuildError::TokenEndpoint)?),
            transport: HttpTransport { http, timeout: self.timeout },
            auth: self.auth,
            clock: self.clock,
            default_ttl: self.default_ttl,
            cells: TokenCells::default(),
        })))
    }
}

fn without_redirects() -> Result<Client, BuildError> {
    Client::builder().redirect(Policy::none()).build().map_err(BuildError::Tls)
}
