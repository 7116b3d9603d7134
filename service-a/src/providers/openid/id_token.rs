//! ID token validation (OpenID Connect Core §3.1.3.7): the library's checks, and those that it
//! leaves to its users.

use std::time::{Duration, UNIX_EPOCH};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth_types::NumericDate;
use openidconnect::{
    AccessTokenHash, ClaimsVerificationError, ClientId, IdTokenVerifier, Nonce,
    OAuth2TokenResponse, SignatureVerificationError, TokenResponse,
    core::{CoreJsonWebKey, CoreJwsSigningAlgorithm},
};
use serde_json::{Map, Value};

use super::{
    OpenIdProvider,
    library::{IdTokenClaims, Metadata, OpenIdTokenResponse},
};
use crate::providers::{LoginSecrets, ProviderError};

/// Neither `none` nor HMAC: anyone who knows the client secret could create HMAC-signed ID tokens.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 5] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];
/// The JWS names of the same algorithms.
pub const ID_TOKEN_ALGORITHMS: [&str; 5] = ["RS256", "PS256", "ES256", "ES384", "EdDSA"];
/// Accepted clock difference, in seconds.
pub const CLOCK_SKEW: u32 = 60;

impl OpenIdProvider {
    /// Verifies the ID token and returns its claims. Fetches the keys once if the signing key is
    /// unknown, because the provider may have rotated them.
    pub(super) async fn verify_id_token(
        &self,
        metadata: &std::sync::Arc<Metadata>,
        response: &OpenIdTokenResponse,
        secrets: &LoginSecrets,
    ) -> Result<IdTokenClaims, ProviderError> {
        match self.check(metadata, response, secrets) {
            Err(IdTokenError::UnknownKey) => {
                let refreshed = self.discovery.refresh_keys(metadata).await?;
                self.check(&refreshed, response, secrets).map_err(Into::into)
            }
            result => result.map_err(Into::into),
        }
    }

    fn check(
        &self,
        metadata: &Metadata,
        response: &OpenIdTokenResponse,
        secrets: &LoginSecrets,
    ) -> Result<IdTokenClaims, IdTokenError> {
        let token = response
            .id_token()
            .ok_or_else(|| IdTokenError::invalid("missing from the token response"))?;
        let verifier = self.verifier(metadata);
        let claims = token.claims(&verifier, &Nonce::new(secrets.nonce.expose().to_owned()))?;
        check_times(&token.to_string(), self.clock.seconds())?;
        // Step 5; the library does not check `azp`.
        if claims.authorized_party().is_some_and(|party| party.as_str() != self.client_id) {
            return Err(IdTokenError::invalid("`azp` is not this client"));
        }
        if !(1..=255).contains(&claims.subject().len()) {
            return Err(IdTokenError::invalid("`sub` is empty or longer than 255 characters"));
        }
        // §3.1.3.8: detects an access token substituted for the one issued with this ID token.
        if let Some(expected) = claims.access_token_hash() {
            let (alg, key) = (token.signing_alg()?, token.signing_key(&verifier)?);
            let actual = AccessTokenHash::from_token(response.access_token(), alg, key);
            if actual.ok().as_ref() != Some(expected) {
                return Err(IdTokenError::invalid("`at_hash` does not match the access token"));
            }
        }
        Ok(claims.clone())
    }

    fn verifier(&self, metadata: &Metadata) -> IdTokenVerifier<'_, CoreJsonWebKey> {
        let now = self.clock.seconds();
        let at =
            |seconds: i64| UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap_or_default());
        let client_id = ClientId::new(self.client_id.clone());
        let issued_in_future = "`iat` is in the future";
        // As for a public client, so that the client secret is never a verification key.
        IdTokenVerifier::new_public_client(
            client_id,
            metadata.issuer().clone(),
            metadata.jwks().clone(),
        )
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || at(now - i64::from(CLOCK_SKEW)).into())
        .set_issue_time_verifier_fn(move |iat| {
            if iat.timestamp() > now + i64::from(CLOCK_SKEW) {
                Err(issued_in_future.to_owned())
            } else {
                Ok(())
            }
        })
    }
}

/// Checks the times as in every other JWT: the library rounds `iat`, ignores `nbf` and accepts
/// values out of range. The signature of `token` is verified already.
fn check_times(token: &str, now: i64) -> Result<(), IdTokenError> {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap_or_default());
    let claims: Map<String, Value> = payload
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok())
        .ok_or_else(|| IdTokenError::invalid("the claims cannot be read"))?;
    let time = |name: &str| match claims.get(name) {
        Some(value) => NumericDate::from_json(value)
            .map(|date| Some(date.rounded_up()))
            .ok_or_else(|| IdTokenError::invalid(&format!("`{name}` is not a NumericDate"))),
        None => Ok(None),
    };
    let (exp, iat, nbf) = (time("exp")?, time("iat")?, time("nbf")?);
    time("auth_time")?;
    let skew = i64::from(CLOCK_SKEW);
    if exp.is_none_or(|exp| exp <= now - skew) {
        return Err(IdTokenError::invalid("it has expired"));
    }
    if iat.is_none_or(|iat| iat > now + skew) {
        return Err(IdTokenError::invalid("`iat` is in the future"));
    }
    if nbf.is_some_and(|nbf| nbf > now + skew) {
        return Err(IdTokenError::invalid("it is not valid yet (`nbf`)"));
    }
    Ok(())
}

/// Why an ID token is invalid.
enum IdTokenError {
    UnknownKey,
    Invalid(String),
}

impl IdTokenError {
    fn invalid(reason: &str) -> Self {
        Self::Invalid(reason.to_owned())
    }
}

impl From<ClaimsVerificationError> for IdTokenError {
    fn from(error: ClaimsVerificationError) -> Self {
        match error {
            ClaimsVerificationError::SignatureVerification(error) => error.into(),
            error => Self::Invalid(oauth_types::printable(&error.to_string())),
        }
    }
}

impl From<SignatureVerificationError> for IdTokenError {
    fn from(error: SignatureVerificationError) -> Self {
        match error {
            SignatureVerificationError::NoMatchingKey => Self::UnknownKey,
            error => Self::Invalid(oauth_types::printable(&error.to_string())),
        }
    }
}

impl From<IdTokenError> for ProviderError {
    fn from(error: IdTokenError) -> Self {
        Self::Untrusted(match error {
            IdTokenError::UnknownKey => {
                "ID token: the provider does not publish the signing key".to_owned()
            }
            IdTokenError::Invalid(reason) => format!("ID token: {reason}"),
        })
    }
}
