//! The checks of OpenID Connect Core §3.1.3.7. The library makes them; what it leaves open is
//! closed here.

use std::time::{Duration, UNIX_EPOCH};

use openidconnect::{
    AccessTokenHash, ClaimsVerificationError, ClientId, IdTokenVerifier, Nonce,
    OAuth2TokenResponse, SignatureVerificationError, TokenResponse,
    core::{CoreJsonWebKey, CoreJwsSigningAlgorithm},
};

use super::{
    OpenIdProvider,
    library::{Claims, Metadata, TokenAnswer},
};
use crate::providers::{LoginSecrets, ProviderFailure};

/// Never `none`, and never HMAC: whoever knows the client secret could then make ID tokens.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 5] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];
/// The same by their names.
pub const ID_TOKEN_ALGORITHMS: [&str; 5] = ["RS256", "PS256", "ES256", "ES384", "EdDSA"];
/// Clocks differ by so much, in seconds.
pub const LEEWAY: u32 = 60;

impl OpenIdProvider {
    /// The claims of the ID token, once all checks are passed. Unknown keys are fetched: the
    /// provider may have new ones.
    pub(super) async fn verified(
        &self,
        metadata: &std::sync::Arc<Metadata>,
        answer: &TokenAnswer,
        secrets: &LoginSecrets,
    ) -> Result<Claims, ProviderFailure> {
        match self.check(metadata, answer, secrets) {
            Err(Refused::UnknownKey) => {
                let newer = self.discovery.newer_keys(metadata).await?;
                self.check(&newer, answer, secrets).map_err(Into::into)
            }
            checked => checked.map_err(Into::into),
        }
    }

    fn check(
        &self,
        metadata: &Metadata,
        answer: &TokenAnswer,
        secrets: &LoginSecrets,
    ) -> Result<Claims, Refused> {
        let token = answer.id_token().ok_or_else(|| Refused::because("there is no ID token"))?;
        let verifier = self.verifier(metadata);
        let claims = token.claims(&verifier, &Nonce::new(secrets.nonce.expose().to_owned()))?;
        // The library leaves `azp` to its users (step 5).
        if claims.authorized_party().is_some_and(|party| party.as_str() != self.client_id) {
            return Err(Refused::because("`azp` is another client"));
        }
        if !(1..=255).contains(&claims.subject().len()) {
            return Err(Refused::because("`sub` is empty or longer than 255 characters"));
        }
        // §3.1.3.8: the access token came with this ID token, and was not put in place of another.
        if let Some(expected) = claims.access_token_hash() {
            let (alg, key) = (token.signing_alg()?, token.signing_key(&verifier)?);
            let actual = AccessTokenHash::from_token(answer.access_token(), alg, key);
            if actual.ok().as_ref() != Some(expected) {
                return Err(Refused::because("`at_hash` is another access token's"));
            }
        }
        Ok(claims.clone())
    }

    fn verifier(&self, metadata: &Metadata) -> IdTokenVerifier<'_, CoreJsonWebKey> {
        let now = self.clock.seconds();
        let at =
            |seconds: i64| UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap_or_default());
        let client_id = ClientId::new(self.client_id.clone());
        let made_later = "it was made in the future";
        // A public client's, whatever A is: the secret is no key for ID tokens.
        IdTokenVerifier::new_public_client(
            client_id,
            metadata.issuer().clone(),
            metadata.jwks().clone(),
        )
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || at(now - i64::from(LEEWAY)).into())
        .set_issue_time_verifier_fn(move |iat| {
            if iat.timestamp() > now + i64::from(LEEWAY) {
                Err(made_later.to_owned())
            } else {
                Ok(())
            }
        })
    }
}

/// Why an ID token is not believed.
enum Refused {
    UnknownKey,
    Because(String),
}

impl Refused {
    fn because(reason: &str) -> Self {
        Self::Because(reason.to_owned())
    }
}

impl From<ClaimsVerificationError> for Refused {
    fn from(error: ClaimsVerificationError) -> Self {
        match error {
            ClaimsVerificationError::SignatureVerification(error) => error.into(),
            error => Self::Because(oauth_types::printable(&error.to_string())),
        }
    }
}

impl From<SignatureVerificationError> for Refused {
    fn from(error: SignatureVerificationError) -> Self {
        match error {
            SignatureVerificationError::NoMatchingKey => Self::UnknownKey,
            error => Self::Because(oauth_types::printable(&error.to_string())),
        }
    }
}

impl From<Refused> for ProviderFailure {
    fn from(refused: Refused) -> Self {
        Self::Untrusted(match refused {
            Refused::UnknownKey => {
                "the ID token is signed with a key that the provider does not publish".to_owned()
            }
            Refused::Because(reason) => format!("ID token: {reason}"),
        })
    }
}
