use std::sync::Arc;

use clock::Clock;
use oauth_types::{AccessToken, AccessTokenClaims};

use super::decode_signed_access_token;
use crate::{
    clients::Clients,
    domain::{OPAQUE_TOKEN_PREFIX, TokenHash},
    keys::KeyManager,
    storage::{Store, StoreError},
};

/// Looks up access tokens that this server issued.
pub struct IssuedTokens {
    pub issuer: String,
    pub keys: Arc<KeyManager>,
    pub clients: Arc<Clients>,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
}

impl IssuedTokens {
    /// Returns the claims of a token that this server issued, active or not.
    ///
    /// # Errors
    /// Returns an error if the database cannot be read.
    pub async fn find_claims(
        &self,
        token: &AccessToken,
    ) -> Result<Option<AccessTokenClaims>, StoreError> {
        if token.expose().starts_with(OPAQUE_TOKEN_PREFIX) {
            let found = self.store.opaque_token(&TokenHash::of(token)).await?;
            return Ok(found.map(|token| token.claims));
        }
        let registry = self.clients.registry.current();
        Ok(decode_signed_access_token(token, &self.keys.ring(), &registry))
    }

    /// Reports whether a token is active: issued here, valid at this time, not revoked, and its
    /// client enabled.
    ///
    /// # Errors
    /// Returns an error if the database cannot be read.
    pub async fn is_active(&self, claims: &AccessTokenClaims) -> Result<bool, StoreError> {
        let now = self.clock.seconds();
        let is_valid_now = now < claims.exp && claims.nbf.is_none_or(|start| start <= now);
        Ok(claims.iss == self.issuer
            && is_valid_now
            && !self.store.is_revoked(&claims.jti).await?
            && self.clients.is_token_client_active(claims, &*self.store).await?)
    }
}
