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
        Ok(decode_signed_access_token(token, &self.keys.ring()))
    }

    /// Reports whether a token is active: issued here, not expired, not revoked, and its client
    /// enabled.
    ///
    /// # Errors
    /// Returns an error if the database cannot be read.
    pub async fn is_active(&self, claims: &AccessTokenClaims) -> Result<bool, StoreError> {
        let unexpired = claims.iss == self.issuer && self.clock.seconds() < claims.exp;
        Ok(unexpired
            && !self.store.is_revoked(&claims.jti).await?
            && self.clients.registry.is_token_client_active(claims, &*self.store).await?)
    }
}
