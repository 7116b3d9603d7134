use std::sync::Arc;

use clock::Clock;
use oauth_types::{AccessToken, ProtectedResourceMetadata};
use url::Url;

#[cfg(feature = "introspection")]
use crate::introspection::Introspection;
use crate::{
    error::VerifyError, error_detail::ErrorDetail, local::Local, verified_token::VerifiedToken,
};

/// Where the metadata of a resource without a path is served (RFC 9728 §3).
const METADATA_PATH: &str = "/.well-known/oauth-protected-resource";

/// Longer tokens are rejected before they cost work.
const MAX_TOKEN_BYTES: usize = 16 * 1_024;

/// Verifies access tokens. Clones share keys and caches.
#[derive(Clone, Debug)]
pub struct Verifier(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) local: Option<Local>,
    #[cfg(feature = "introspection")]
    pub(crate) introspection: Option<Introspection>,
    /// The issuer identifier.
    pub(crate) issuer: String,
    pub(crate) clock: Clock,
    pub(crate) resource: String,
    /// The accepted values of `aud`.
    pub(crate) audiences: Vec<String>,
    pub(crate) metadata_url: String,
    pub(crate) detail: ErrorDetail,
}

impl Verifier {
    /// Verifies a token and returns its claims. The scope is left to the caller.
    ///
    /// # Errors
    /// Returns [`VerifyError::Invalid`] if the token violates a rule, and
    /// [`VerifyError::Unavailable`] if it cannot be verified now.
    pub async fn verify(&self, token: &AccessToken) -> Result<Arc<VerifiedToken>, VerifyError> {
        if token.expose().len() > MAX_TOKEN_BYTES {
            return Err(VerifyError::malformed(format!(
                "the access token is longer than {MAX_TOKEN_BYTES} bytes"
            )));
        }
        let Inner { local, audiences, issuer, clock, .. } = &*self.0;
        #[cfg(feature = "introspection")]
        if let Some(introspection) = &self.0.introspection
            && (local.is_none() || !looks_like_jwt(token))
        {
            return introspection.verify(token, audiences).await;
        }
        match local {
            Some(local) => local.verify(token, issuer, audiences, clock.millis()).await,
            None => Err(VerifyError::unavailable("no verification method is configured", None)),
        }
    }

    /// Fetches what the first verification needs: the metadata of the issuer and, for local
    /// verification, its keys.
    ///
    /// # Errors
    /// Returns [`VerifyError::Unavailable`] if the issuer cannot be reached. Call it again later.
    pub async fn warm_up(&self) -> Result<(), VerifyError> {
        if let Some(local) = &self.0.local {
            local.warm_up().await?;
        }
        #[cfg(feature = "introspection")]
        if let Some(introspection) = &self.0.introspection {
            introspection.warm_up().await?;
        }
        Ok(())
    }

    /// Replaces the keys for local verification with those of a JWK set (RFC 7517 §5). With the
    /// feature `discovery` this is not needed: the keys are then fetched from the issuer, and again
    /// when they are old.
    ///
    /// # Errors
    /// Returns [`VerifyError::Unavailable`] if the text is not a JWK set with a usable key, or has
    /// a private key, or if local verification is not enabled.
    pub fn set_keys(&self, jwks: &str) -> Result<(), VerifyError> {
        let local =
            self.0.local.as_ref().ok_or_else(|| {
                VerifyError::unavailable("local verification is not enabled", None)
            })?;
        local.set_keys(jwks)
    }

    /// Returns whether [`warm_up`](Self::warm_up) has succeeded or is not needed.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        #[cfg(feature = "introspection")]
        if !self.0.introspection.as_ref().is_none_or(Introspection::is_ready) {
            return false;
        }
        self.0.local.as_ref().is_none_or(Local::is_ready)
    }

    /// Returns how much error responses explain.
    #[must_use]
    pub fn detail(&self) -> ErrorDetail {
        self.0.detail
    }

    /// Returns the path at which clients look for the metadata of a resource with a path (RFC 9728
    /// §3.1), or `None` if that is `/.well-known/oauth-protected-resource`.
    #[must_use]
    pub fn metadata_path(&self) -> Option<String> {
        let path = Url::parse(&self.0.metadata_url).ok()?.path().to_owned();
        (path != METADATA_PATH).then_some(path)
    }

    /// Returns the metadata of the resource server (RFC 9728), to be served at
    /// `/.well-known/oauth-protected-resource` and at [`metadata_path`](Self::metadata_path).
    #[must_use]
    pub fn protected_resource_metadata<'a>(
        &self,
        scopes: impl IntoIterator<Item = &'a str>,
    ) -> ProtectedResourceMetadata {
        ProtectedResourceMetadata {
            resource: self.0.resource.clone(),
            authorization_servers: vec![self.0.issuer.clone()],
            scopes_supported: scopes.into_iter().map(str::to_owned).collect(),
            bearer_methods_supported: vec!["header".to_owned()],
        }
    }
}

#[cfg(feature = "introspection")]
fn looks_like_jwt(token: &AccessToken) -> bool {
    token.expose().bytes().filter(|byte| *byte == b'.').count() == 2
}
