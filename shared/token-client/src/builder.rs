use std::{sync::Arc, time::Duration};

use clock::Clock;
use flow_events::Party;
use oauth_http::{ClientCredentials, HttpTransport};
use oauth_types::{ClientAuthMethod, ClientSecret, Issuer};
use reqwest::{Client, redirect::Policy};
use tokio::sync::OnceCell;

use crate::{
    client::{Inner, TokenClient},
    token_cells::TokenCells,
};

/// Longer responses of an authorization server are rejected.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Builds a [`TokenClient`].
#[derive(Debug)]
#[must_use]
pub struct TokenClientBuilder {
    issuer: String,
    internal_url: Option<String>,
    token_endpoint: Option<String>,
    credentials: ClientCredentials,
    http: Option<Client>,
    clock: Clock,
    timeout: Duration,
    default_ttl: Duration,
}

/// Why a [`TokenClient`] cannot be built. Contains no setting values, because a URL may contain a
/// password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The issuer or the internal URL is invalid.
    #[error("invalid issuer or internal_url: {0}")]
    Issuer(&'static str),
    /// The token endpoint is invalid.
    #[error("invalid token_endpoint: {0}")]
    TokenEndpoint(&'static str),
    /// The HTTP client cannot be created.
    #[error("cannot initialize TLS: {0}")]
    Tls(#[source] reqwest::Error),
}

impl TokenClient {
    /// Returns a builder for a client of `issuer` that is registered there as `client_id`.
    pub fn builder(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: ClientSecret,
    ) -> TokenClientBuilder {
        TokenClientBuilder::new(issuer.into(), client_id.into(), Some(client_secret))
    }

    /// Returns a builder for a public client (RFC 6749 §2.1): a program that cannot keep a secret,
    /// for example on a user's device. It has no client credentials grant.
    pub fn public_builder(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
    ) -> TokenClientBuilder {
        TokenClientBuilder::new(issuer.into(), client_id.into(), None)
    }
}

impl TokenClientBuilder {
    fn new(issuer: String, client_id: String, client_secret: Option<ClientSecret>) -> Self {
        let method = ClientAuthMethod::default();
        Self {
            issuer,
            internal_url: None,
            token_endpoint: None,
            credentials: ClientCredentials { client_id, client_secret, method },
            http: None,
            clock: Clock::system(),
            timeout: Duration::from_secs(5),
            default_ttl: Duration::from_secs(60),
        }
    }

    /// Sets the URL at which the issuer is reached from here, if it is not the issuer identifier.
    /// Metadata and endpoints are requested below this URL.
    pub fn internal_url(mut self, url: impl Into<String>) -> Self {
        self.internal_url = Some(url.into());
        self
    }

    /// Sets the token endpoint. Without it, the metadata of the issuer names it.
    pub fn token_endpoint(mut self, url: impl Into<String>) -> Self {
        self.token_endpoint = Some(url.into());
        self
    }

    /// Sets how the client authenticates. The default is `client_secret_post`.
    pub fn auth_method(mut self, method: ClientAuthMethod) -> Self {
        self.credentials.method = method;
        self
    }

    /// Sets the HTTP client, with the certificate authorities to trust. It must not follow
    /// redirects: one with status 307 would carry the secret to another host.
    pub fn http_client(mut self, http: Client) -> Self {
        self.http = Some(http);
        self
    }

    /// Sets the source of the current time.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets how long one request may take, to the last byte of its response. The default is 5
    /// seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long a token without `expires_in` is used. The default is 60 seconds.
    pub fn default_ttl(mut self, ttl: Duration) -> Self {
        self.default_ttl = ttl;
        self
    }

    /// Builds the client. It sends no request before the first call of [`TokenClient::token`].
    ///
    /// # Errors
    /// Returns a [`BuildError`] if a URL is invalid or TLS cannot be initialized.
    pub fn build(self) -> Result<TokenClient, BuildError> {
        let endpoint =
            self.token_endpoint.as_deref().map(oauth_types::parse_endpoint_url).transpose();
        let http = self.http.map_or_else(without_redirects, Ok)?;
        Ok(TokenClient(Arc::new(Inner {
            issuer: Issuer::new(self.issuer, self.internal_url.as_deref())
                .map_err(BuildError::Issuer)?,
            token_endpoint: OnceCell::new_with(endpoint.map_err(BuildError::TokenEndpoint)?),
            transport: HttpTransport::new(http, Party::AuthorizationServer, MAX_BODY_BYTES)
                .with_timeout(self.timeout),
            timeout: self.timeout,
            credentials: self.credentials,
            clock: self.clock,
            default_ttl: self.default_ttl,
            cells: TokenCells::default(),
        })))
    }
}

fn without_redirects() -> Result<Client, BuildError> {
    Client::builder().redirect(Policy::none()).build().map_err(BuildError::Tls)
}
