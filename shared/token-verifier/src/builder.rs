use std::{sync::Arc, time::Duration};

use clock::Clock;
use oauth_types::{Issuer, well_known_url};
use reqwest::{Client, redirect::Policy};

use crate::{
    ErrorDetail, IntrospectionSettings, LocalSettings, Verifier, introspection::Introspection,
    issuer_client::IssuerClient, local::Local, verifier::Inner,
};

/// RFC 7518 §3.2: an HS256 secret is at least as long as the hash.
const HS256_SECRET_BYTES: usize = 32;

/// Sets up a [`Verifier`].
#[derive(Debug)]
#[must_use]
pub struct VerifierBuilder {
    issuer: String,
    resource: String,
    internal_url: Option<String>,
    local: Option<LocalSettings>,
    introspection: Option<IntrospectionSettings>,
    http: Option<Client>,
    clock: Clock,
    detail: ErrorDetail,
}

/// Why there is no verifier. No value is shown: a URL may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The issuer or the internal URL cannot be used.
    #[error("the issuer or its internal_url is not usable: {0}")]
    Issuer(&'static str),
    /// The resource identifier cannot be used.
    #[error("the resource identifier is not usable: {0}")]
    Resource(&'static str),
    /// Neither local nor introspection was asked for.
    #[error("no way to check tokens was chosen: local, introspection, or both")]
    NoMethodConfigured,
    /// The shared secret could be guessed.
    #[error("the HS256 secret has fewer than {HS256_SECRET_BYTES} bytes (RFC 7518 section 3.2)")]
    ShortSecret,
    /// The HTTP client cannot be made.
    #[error("cannot prepare TLS: {0}")]
    Tls(#[source] reqwest::Error),
}

impl VerifierBuilder {
    pub(crate) fn new(issuer: String, resource: String) -> Self {
        Self {
            issuer,
            resource,
            internal_url: None,
            local: None,
            introspection: None,
            http: None,
            clock: Clock::system(),
            detail: ErrorDetail::default(),
        }
    }

    /// Where the issuer is reached from here, if not at its own name: its endpoints are looked for
    /// below this URL.
    pub fn internal_url(mut self, url: impl Into<String>) -> Self {
        self.internal_url = Some(url.into());
        self
    }

    /// Check JWTs here. Together with [`introspection`](Self::introspection): JWTs here, all others
    /// by asking.
    pub fn local(mut self, settings: LocalSettings) -> Self {
        self.local = Some(settings);
        self
    }

    /// Ask the issuer about tokens.
    pub fn introspection(mut self, settings: IntrospectionSettings) -> Self {
        self.introspection = Some(settings);
        self
    }

    /// The HTTP client, with its time limits and the certificate authorities to believe. It must
    /// not follow redirects.
    pub fn http_client(mut self, http: Client) -> Self {
        self.http = Some(http);
        self
    }

    /// What time it is.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How much a refusal explains. [`ErrorDetail::Terse`] unless set.
    pub fn detail(mut self, detail: ErrorDetail) -> Self {
        self.detail = detail;
        self
    }

    /// The verifier. Nothing is sent before [`Verifier::warm_up`] or the first token.
    ///
    /// # Errors
    /// [`BuildError`] naming what cannot be used.
    pub fn build(self) -> Result<Verifier, BuildError> {
        oauth_types::parse_endpoint_url(&self.resource).map_err(BuildError::Resource)?;
        if self.local.is_none() && self.introspection.is_none() {
            return Err(BuildError::NoMethodConfigured);
        }
        let shared = self.local.as_ref().and_then(|local| local.hs256_secret.as_ref());
        if shared.is_some_and(|secret| secret.expose().len() < HS256_SECRET_BYTES) {
            return Err(BuildError::ShortSecret);
        }
        let issuer =
            Issuer::new(self.issuer, self.internal_url.as_deref()).map_err(BuildError::Issuer)?;
        let http = self.http.map_or_else(default_client, Ok)?;
        let issuer_client = Arc::new(IssuerClient::new(issuer, http, self.clock));
        Ok(Verifier(Arc::new(Inner {
            local: self.local.map(|settings| Local::new(settings, Arc::clone(&issuer_client))),
            introspection: self
                .introspection
                .map(|settings| Introspection::new(settings, Arc::clone(&issuer_client))),
            metadata_url: well_known_url(&self.resource, "oauth-protected-resource"),
            resource: self.resource,
            issuer_client,
            detail: self.detail,
        })))
    }
}

fn default_client() -> Result<Client, BuildError> {
    let builder = Client::builder().timeout(Duration::from_secs(5)).redirect(Policy::none());
    builder.build().map_err(BuildError::Tls)
}
