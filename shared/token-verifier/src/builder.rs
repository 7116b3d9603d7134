use std::sync::Arc;
#[cfg(feature = "discovery")]
use std::time::Duration;

use clock::Clock;
use oauth_types::{Issuer, well_known_url};
#[cfg(feature = "discovery")]
use reqwest::{Client, redirect::Policy};

#[cfg(feature = "introspection")]
use crate::introspection::{Introspection, IntrospectionSettings};
#[cfg(feature = "discovery")]
use crate::issuer_client::IssuerClient;
use crate::{
    error_detail::ErrorDetail,
    local::{Local, LocalSettings},
    scope_claims::ScopeClaims,
    verifier::{Inner, Verifier},
};

/// An HS256 secret is at least as long as the hash (RFC 7518 §3.2).
const MIN_HS256_SECRET_BYTES: usize = 32;

/// Builds a [`Verifier`].
#[derive(Debug)]
#[must_use]
pub struct VerifierBuilder {
    issuer: String,
    resource: String,
    #[cfg(feature = "discovery")]
    internal_url: Option<String>,
    audiences: Vec<String>,
    scope_claims: ScopeClaims,
    local: Option<LocalSettings>,
    #[cfg(feature = "introspection")]
    introspection: Option<IntrospectionSettings>,
    #[cfg(feature = "discovery")]
    http: Option<Client>,
    clock: Clock,
    detail: ErrorDetail,
}

/// Why a [`Verifier`] cannot be built. Contains no setting values, because a URL may contain a
/// password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The issuer or the internal URL is invalid.
    #[error("invalid issuer or internal_url: {0}")]
    Issuer(&'static str),
    /// The resource identifier is invalid.
    #[error(
        "invalid resource identifier: {0}; an `aud` that is not a URL belongs in the audiences"
    )]
    Resource(&'static str),
    #[cfg(feature = "introspection")]
    /// The URL of the introspection endpoint is invalid.
    #[error("invalid introspection endpoint: {0}")]
    IntrospectionEndpoint(&'static str),
    /// Neither local verification nor introspection is configured.
    #[error("no verification method configured; enable local, introspection, or both")]
    NoMethodConfigured,
    /// The HS256 secret could be guessed.
    #[error(
        "the HS256 secret has fewer than {MIN_HS256_SECRET_BYTES} bytes (RFC 7518 section 3.2)"
    )]
    ShortSecret,
    #[cfg(feature = "discovery")]
    /// The HTTP client cannot be created.
    #[error("cannot initialize TLS: {0}")]
    Tls(#[source] reqwest::Error),
}

impl Verifier {
    /// Returns a builder for a verifier of access tokens of `issuer` for `resource`, the identifier
    /// of this resource server.
    pub fn builder(issuer: impl Into<String>, resource: impl Into<String>) -> VerifierBuilder {
        VerifierBuilder {
            issuer: issuer.into(),
            resource: resource.into(),
            #[cfg(feature = "discovery")]
            internal_url: None,
            audiences: Vec::new(),
            scope_claims: ScopeClaims::default(),
            local: None,
            #[cfg(feature = "introspection")]
            introspection: None,
            #[cfg(feature = "discovery")]
            http: None,
            clock: Clock::system(),
            detail: ErrorDetail::default(),
        }
    }
}

impl VerifierBuilder {
    /// Sets the URL at which the issuer is reached from here, if it is not the issuer identifier.
    /// Metadata, keys and introspection are requested below this URL.
    #[cfg(feature = "discovery")]
    pub fn internal_url(mut self, url: impl Into<String>) -> Self {
        self.internal_url = Some(url.into());
        self
    }

    /// Sets the accepted values of `aud`, for an issuer that does not put the resource identifier
    /// there. They need not be URLs. The default is the resource identifier.
    pub fn audiences(mut self, audiences: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.audiences = audiences.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the claims that may hold the scope. The first that a token has is used, as text, list
    /// or object. The default is `scope`, then `scp`.
    pub fn scope_claims(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scope_claims.claims = names.into_iter().map(Into::into).collect();
        self
    }

    /// Gives a scope of the issuer the name that handlers require. The token then has both.
    pub fn scope_name(mut self, of_issuer: impl Into<String>, required: impl Into<String>) -> Self {
        self.scope_claims.names.push((of_issuer.into(), required.into()));
        self
    }

    /// Enables local verification of JWTs. Together with introspection, JWTs are verified locally
    /// and all other tokens by introspection.
    pub fn local(mut self, settings: LocalSettings) -> Self {
        self.local = Some(settings);
        self
    }

    /// Enables introspection.
    #[cfg(feature = "introspection")]
    pub fn introspection(mut self, settings: IntrospectionSettings) -> Self {
        self.introspection = Some(settings);
        self
    }

    /// Sets the HTTP client, with its timeouts and the certificate authorities to trust. It must
    /// not follow redirects. The default has a timeout of 5 seconds.
    #[cfg(feature = "discovery")]
    pub fn http_client(mut self, http: Client) -> Self {
        self.http = Some(http);
        self
    }

    /// Sets the source of the current time.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets how much error responses explain. The default is [`ErrorDetail::Terse`].
    pub fn detail(mut self, detail: ErrorDetail) -> Self {
        self.detail = detail;
        self
    }

    /// Builds the verifier. It sends no request before [`Verifier::warm_up`] or the first token.
    ///
    /// # Errors
    /// Returns a [`BuildError`] that names the invalid setting.
    pub fn build(self) -> Result<Verifier, BuildError> {
        oauth_types::parse_endpoint_url(&self.resource).map_err(BuildError::Resource)?;
        let has_method = self.local.is_some();
        #[cfg(feature = "introspection")]
        let has_method = has_method || self.introspection.is_some();
        if !has_method {
            return Err(BuildError::NoMethodConfigured);
        }
        let hs256_secret = self.local.as_ref().and_then(|local| local.hs256_secret.as_ref());
        if hs256_secret.is_some_and(|secret| secret.expose().len() < MIN_HS256_SECRET_BYTES) {
            return Err(BuildError::ShortSecret);
        }
        #[cfg(feature = "discovery")]
        let internal_url = self.internal_url.as_deref();
        #[cfg(not(feature = "discovery"))]
        let internal_url = None;
        let issuer = Issuer::new(self.issuer, internal_url).map_err(BuildError::Issuer)?;
        let identifier = issuer.identifier().to_owned();
        #[cfg(feature = "discovery")]
        let issuer_client = {
            let http = self.http.map_or_else(default_client, Ok)?;
            Arc::new(IssuerClient::new(issuer, http, self.clock.clone()))
        };
        let local = self.local.map(|settings| {
            Local::new(
                settings,
                self.scope_claims.clone(),
                self.clock.clone(),
                #[cfg(feature = "discovery")]
                Arc::clone(&issuer_client),
            )
        });
        #[cfg(feature = "introspection")]
        let introspection = self
            .introspection
            .map(|settings| {
                Introspection::new(settings, self.scope_claims, Arc::clone(&issuer_client))
            })
            .transpose()
            .map_err(BuildError::IntrospectionEndpoint)?;
        let mut audiences = self.audiences;
        if audiences.is_empty() {
            audiences.push(self.resource.clone());
        }
        Ok(Verifier(Arc::new(Inner {
            local,
            #[cfg(feature = "introspection")]
            introspection,
            metadata_url: well_known_url(&self.resource, "oauth-protected-resource"),
            resource: self.resource,
            audiences,
            issuer: identifier,
            clock: self.clock,
            detail: self.detail,
        })))
    }
}

#[cfg(feature = "discovery")]
fn default_client() -> Result<Client, BuildError> {
    let builder = Client::builder().timeout(Duration::from_secs(5)).redirect(Policy::none());
    builder.build().map_err(BuildError::Tls)
}
