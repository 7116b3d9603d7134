use oauth_types::AccessToken;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    random_id::RandomId,
    sealed::{KeyPurpose, open, seal},
    secure_random::{SecureRandom, SecureRandomError},
};

/// Tokens that a provider issued to A for a user. They stay on this server, encrypted under the
/// secret of the user's session.
#[derive(Clone, Debug)]
pub struct UserTokens {
    pub access_token: AccessToken,
    pub refresh_token: Option<SecretString>,
    /// `id_token_hint` of the logout request.
    pub id_token: Option<SecretString>,
    /// Expiry of the access token as Unix time, if the provider sent `expires_in`.
    pub expires_at: Option<i64>,
}

/// Plaintext of the encrypted tokens.
#[derive(Serialize, Deserialize)]
struct TokensJson<'a> {
    access_token: &'a str,
    refresh_token: Option<&'a str>,
    id_token: Option<&'a str>,
    expires_at: Option<i64>,
}

/// Remaining lifetime, in seconds, below which an access token is refreshed before use: it could
/// expire in transit.
const MIN_REMAINING: i64 = 10;

impl UserTokens {
    /// Reports whether the access token can still be used at Unix time `now`.
    pub fn is_fresh(&self, now: i64) -> bool {
        self.expires_at.is_none_or(|end| now + MIN_REMAINING < end)
    }

    /// Encrypts the tokens under the secret of a session.
    ///
    /// # Errors
    /// Returns an error if the system random number generator fails.
    pub fn seal(
        &self,
        session_secret: &RandomId,
        random: SecureRandom,
    ) -> Result<Vec<u8>, SecureRandomError> {
        let tokens = TokensJson {
            access_token: self.access_token.expose(),
            refresh_token: self.refresh_token.as_ref().map(ExposeSecret::expose_secret),
            id_token: self.id_token.as_ref().map(ExposeSecret::expose_secret),
            expires_at: self.expires_at,
        };
        let plaintext = Zeroizing::new(serde_json::to_vec(&tokens).unwrap_or_default());
        seal(session_secret, KeyPurpose::Tokens, &plaintext, random)
    }

    /// Decrypts the tokens of a session. Returns `None` if they belong to another session.
    pub fn open(session_secret: &RandomId, sealed: &[u8]) -> Option<Self> {
        let plaintext = open(session_secret, KeyPurpose::Tokens, sealed)?;
        let tokens: TokensJson<'_> = serde_json::from_slice(&plaintext).ok()?;
        let secret = |text: Option<&str>| text.map(|text| SecretString::from(text.to_owned()));
        Some(Self {
            access_token: AccessToken::new(tokens.access_token),
            refresh_token: secret(tokens.refresh_token),
            id_token: secret(tokens.id_token),
            expires_at: tokens.expires_at,
        })
    }
}
