use oauth_types::AccessToken;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    random_id::RandomId,
    sealed::{Sealing, open, seal},
    secure_random::{Entropy, NoEntropy},
};

/// What a provider gave A for a person. It stays on this server, sealed with the id of the person's
/// session.
#[derive(Clone, Debug)]
pub struct UserTokens {
    pub access_token: AccessToken,
    pub refresh_token: Option<SecretString>,
    /// Shown to the provider at logout, as a hint whose session it is.
    pub id_token: Option<SecretString>,
    /// In seconds since 1970; `None` when the provider did not say.
    pub expires_at: Option<i64>,
}

/// The plain text of what is sealed.
#[derive(Serialize, Deserialize)]
struct Plain<'a> {
    access_token: &'a str,
    refresh_token: Option<&'a str>,
    id_token: Option<&'a str>,
    expires_at: Option<i64>,
}

/// A token that ends sooner than this, in seconds, is replaced before it is shown: it could end on
/// the way.
const TOO_SHORT: i64 = 10;

impl UserTokens {
    pub fn is_fresh(&self, now: i64) -> bool {
        self.expires_at.is_none_or(|end| now + TOO_SHORT < end)
    }

    /// # Errors
    /// When the system gives no randomness.
    pub fn seal(&self, session: &RandomId, entropy: &Entropy) -> Result<Vec<u8>, NoEntropy> {
        let plain = Plain {
            access_token: self.access_token.expose(),
            refresh_token: self.refresh_token.as_ref().map(ExposeSecret::expose_secret),
            id_token: self.id_token.as_ref().map(ExposeSecret::expose_secret),
            expires_at: self.expires_at,
        };
        let plain = Zeroizing::new(serde_json::to_vec(&plain).unwrap_or_default());
        seal(session, Sealing::Tokens, &plain, entropy)
    }

    /// The tokens of a session; `None` if they were sealed for another.
    pub fn open(session: &RandomId, sealed: &[u8]) -> Option<Self> {
        let plain = open(session, Sealing::Tokens, sealed)?;
        let plain: Plain<'_> = serde_json::from_slice(&plain).ok()?;
        let secret = |text: Option<&str>| text.map(|text| SecretString::from(text.to_owned()));
        Some(Self {
            access_token: AccessToken::new(plain.access_token),
            refresh_token: secret(plain.refresh_token),
            id_token: secret(plain.id_token),
            expires_at: plain.expires_at,
        })
    }
}
