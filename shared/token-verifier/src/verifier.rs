use std::sync::Arc;

use oauth_types::{AccessToken, ProtectedResourceMetadata};

use crate::{
    ErrorDetail, VerifiedToken, VerifierBuilder, VerifyError, introspection::Introspection,
    issuer_client::IssuerClient, local::Local,
};

/// No honest token is longer; a longer one costs work before it is refused.
const MAX_TOKEN: usize = 16 * 1_024;

/// Finds out whether tokens are good. Clones share keys and memory.
#[derive(Clone, Debug)]
pub struct Verifier(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) local: Option<Local>,
    pub(crate) introspection: Option<Introspection>,
    pub(crate) issuer_client: Arc<IssuerClient>,
    pub(crate) resource: String,
    pub(crate) metadata_url: String,
    pub(crate) detail: ErrorDetail,
}

impl Verifier {
    /// A verifier for tokens of `issuer` that are meant for `resource`, the server's own
    /// identifier.
    pub fn builder(issuer: impl Into<String>, resource: impl Into<String>) -> VerifierBuilder {
        VerifierBuilder::new(issuer.into(), resource.into())
    }

    /// Is this token good?
    ///
    /// # Errors
    /// [`VerifyError::Invalid`] when it is not, [`VerifyError::Unavailable`] when that cannot be
    /// found out now.
    pub async fn verify(&self, token: &AccessToken) -> Result<Arc<VerifiedToken>, VerifyError> {
        if token.expose().len() > MAX_TOKEN {
            return Err(VerifyError::malformed(format!(
                "the access token is longer than {MAX_TOKEN} bytes"
            )));
        }
        let Inner { local, introspection, resource, issuer_client, .. } = &*self.0;
        let (issuer, now) = (issuer_client.issuer.identifier(), issuer_client.clock.millis());
        match (local, introspection) {
            (Some(local), None) => local.verify(token, issuer, resource, now).await,
            (Some(local), Some(_)) if looks_like_a_jwt(token) => {
                local.verify(token, issuer, resource, now).await
            }
            (_, Some(introspection)) => introspection.verify(token, resource).await,
            (None, None) => {
                Err(VerifyError::unavailable("no way to check tokens is configured", None))
            }
        }
    }

    /// Get what is needed before the first token: the issuer's metadata, and its keys if tokens are
    /// checked here.
    ///
    /// # Errors
    /// [`VerifyError::Unavailable`] when the issuer cannot be reached; it can be tried again.
    pub async fn warm_up(&self) -> Result<(), VerifyError> {
        if let Some(local) = &self.0.local {
            local.warm_up().await?;
        }
        if let Some(introspection) = &self.0.introspection {
            introspection.warm_up().await?;
        }
        Ok(())
    }

    /// Could a token be found good right now?
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.local.as_ref().is_none_or(Local::is_ready)
            && self.0.introspection.as_ref().is_none_or(Introspection::is_ready)
    }

    /// What the resource server says of itself (RFC 9728), to be served at
    /// `/.well-known/oauth-protected-resource`.
    #[must_use]
    pub fn protected_resource_metadata<'a>(
        &self,
        scopes: impl IntoIterator<Item = &'a str>,
    ) -> ProtectedResourceMetadata {
        ProtectedResourceMetadata {
            resource: self.0.resource.clone(),
            authorization_servers: vec![self.0.issuer_client.issuer.identifier().to_owned()],
            scopes_supported: scopes.into_iter().map(str::to_owned).collect(),
            bearer_methods_supported: vec!["header".to_owned()],
        }
    }
}

fn looks_like_a_jwt(token: &AccessToken) -> bool {
    token.expose().bytes().filter(|byte| *byte == b'.').count() == 2
}
