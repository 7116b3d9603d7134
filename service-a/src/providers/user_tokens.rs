use std::{borrow::Cow, collections::BTreeMap};

use oauth_types::AccessToken;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    random_id::RandomId,
    sealed::{KeyPurpose, SealError, open, seal},
    secure_random::SecureRandom,
};

/// Tokens that a provider issued to A for a user. They stay on this server, encrypted under the
/// secret of the user's session.
#[derive(Clone, Debug)]
pub struct UserTokens {
    /// For the provider itself, which reads the profile with it.
    pub userinfo: UserAccessToken,
    /// For other resources, by identifier. An access token has one audience, so that one resource
    /// server cannot use it at another (RFC 9700 §2.3).
    pub resources: BTreeMap<String, UserAccessToken>,
    pub refresh_token: Option<SecretString>,
    /// `id_token_hint` of the logout request.
    pub id_token: Option<SecretString>,
}

/// An access token of a user.
#[derive(Clone, Debug)]
pub struct UserAccessToken {
    pub access_token: AccessToken,
    /// Expiry as Unix time, if the provider sent `expires_in`.
    pub expires_at: Option<i64>,
}

/// What an access token of a user is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenAudience {
    /// The provider itself.
    UserInfo,
    /// A resource, by its identifier (RFC 8707).
    Resource(String),
}

/// Plaintext of the encrypted tokens.
#[derive(Serialize, Deserialize)]
struct TokensJson<'a> {
    #[serde(borrow)]
    userinfo: TokenJson<'a>,
    #[serde(borrow)]
    resources: BTreeMap<Cow<'a, str>, TokenJson<'a>>,
    refresh_token: Option<&'a str>,
    id_token: Option<&'a str>,
}

/// Plaintext of an access token, and its expiry.
#[derive(Serialize, Deserialize)]
struct TokenJson<'a>(&'a str, Option<i64>);

/// Remaining lifetime, in seconds, below which an access token is refreshed before use: it could
/// expire in transit.
const MIN_REMAINING: i64 = 10;

impl UserAccessToken {
    /// Reports whether the access token can still be used at Unix time `now`.
    pub fn is_fresh(&self, now: i64) -> bool {
        self.expires_at.is_none_or(|end| now + MIN_REMAINING < end)
    }

    fn as_json(&self) -> TokenJson<'_> {
        TokenJson(self.access_token.expose(), self.expires_at)
    }
}

impl From<TokenJson<'_>> for UserAccessToken {
    fn from(TokenJson(access_token, expires_at): TokenJson<'_>) -> Self {
        Self { access_token: AccessToken::new(access_token), expires_at }
    }
}

impl UserTokens {
    /// Returns the access token for an audience, if one was issued.
    pub fn token_for(&self, audience: &TokenAudience) -> Option<&UserAccessToken> {
        match audience {
            TokenAudience::UserInfo => Some(&self.userinfo),
            TokenAudience::Resource(identifier) => self.resources.get(identifier),
        }
    }

    /// Replaces the access token for an audience.
    pub fn set_token_for(&mut self, audience: &TokenAudience, token: UserAccessToken) {
        match audience {
            TokenAudience::UserInfo => self.userinfo = token,
            TokenAudience::Resource(identifier) => {
                self.resources.insert(identifier.clone(), token);
            }
        }
    }

    /// Encrypts the tokens under the secret of a session.
    ///
    /// # Errors
    /// Returns an error if the system random number generator fails.
    pub fn seal(
        &self,
        session_secret: &RandomId,
        random: SecureRandom,
    ) -> Result<Vec<u8>, SealError> {
        let tokens = TokensJson {
            userinfo: self.userinfo.as_json(),
            resources: self
                .resources
                .iter()
                .map(|(identifier, token)| (Cow::Borrowed(identifier.as_str()), token.as_json()))
                .collect(),
            refresh_token: self.refresh_token.as_ref().map(ExposeSecret::expose_secret),
            id_token: self.id_token.as_ref().map(ExposeSecret::expose_secret),
        };
        seal(session_secret, KeyPurpose::Tokens, &tokens, random)
    }

    /// Decrypts the tokens of a session. Returns `None` if they belong to another session.
    pub fn open(session_secret: &RandomId, sealed: &[u8]) -> Option<Self> {
        let plaintext = open(session_secret, KeyPurpose::Tokens, sealed)?;
        let tokens: TokensJson<'_> = serde_json::from_slice(&plaintext).ok()?;
        let secret = |text: Option<&str>| text.map(|text| SecretString::from(text.to_owned()));
        Some(Self {
            userinfo: tokens.userinfo.into(),
            resources: tokens
                .resources
                .into_iter()
                .map(|(identifier, token)| (identifier.into_owned(), token.into()))
                .collect(),
            refresh_token: secret(tokens.refresh_token),
            id_token: secret(tokens.id_token),
        })
    }
}
