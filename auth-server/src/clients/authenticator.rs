//! Client authentication by secret (RFC 6749 section 2.3.1).

mod guessable_secrets;
mod verified_secrets;

use std::{net::IpAddr, sync::Arc, time::Duration};

use oauth_types::ClientSecret;

use self::guessable_secrets::GuessableSecrets;
use super::{ClientCredentials, ClientProof, DocumentError, SecretRateLimits};
use crate::{
    domain::{Client, ClientAuthMethod, Registry, StoredSecret},
    password_hasher::PasswordHasherPool,
    secure_random::SecureRandom,
};

/// Authenticates clients by secret, with rate limits and a cache of verified secrets.
pub struct ClientAuthenticator {
    guessable_secrets: GuessableSecrets,
}

/// An attempt to authenticate with a secret.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    client_id: &'a str,
    secret: &'a ClientSecret,
    client: Option<&'a Arc<Client>>,
    address: IpAddr,
    now: i64,
    uptime: Duration,
}

impl<'a> Attempt<'a> {
    fn secrets_in_force(self) -> impl Iterator<Item = &'a StoredSecret> {
        let in_force =
            move |secret: &&StoredSecret| secret.not_after.is_none_or(|end| self.now < end);
        self.client.into_iter().flat_map(|client| &client.secrets).filter(in_force)
    }

    fn matches(self, stored: &StoredSecret) -> bool {
        stored.hash.matches(self.secret.expose())
    }
}

/// Why client authentication failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAuthError {
    /// The client is unknown or its secret is wrong. The two cases are not distinguished.
    InvalidCredentials,
    /// The request contains no secret, and the client is not a public client.
    MissingCredentials(String),
    /// The secret is valid but was sent with another method than the registered one.
    AuthMethodMismatch(ClientAuthMethod),
    /// Too many failures. The client may retry after this many seconds.
    RateLimited { retry_after: u64 },
    /// The client identifies itself by the URL of its metadata, and they cannot be used.
    Document(DocumentError),
}

impl From<DocumentError> for ClientAuthError {
    fn from(error: DocumentError) -> Self {
        Self::Document(error)
    }
}

impl ClientAuthenticator {
    /// Creates an authenticator with an empty cache.
    ///
    /// # Errors
    /// Returns an error if the system random number generator fails.
    pub fn new(
        limits: SecretRateLimits,
        password_hasher: Arc<PasswordHasherPool>,
        random: &SecureRandom,
    ) -> anyhow::Result<Self> {
        Ok(Self { guessable_secrets: GuessableSecrets::new(limits, password_hasher, random)? })
    }

    /// Forgets all attempts, so that no limit delays the next one.
    pub fn forget_attempts(&self) {
        self.guessable_secrets.forget_attempts();
    }

    /// Authenticates a client. `now` is in seconds since 1970, `uptime` is a time of a clock that
    /// never goes back.
    ///
    /// # Errors
    /// Returns [`ClientAuthError`]. Neither the error nor its timing distinguishes an unknown
    /// client from a wrong secret.
    pub async fn authenticate(
        &self,
        presented: &ClientCredentials,
        address: IpAddr,
        registry: &Registry,
        now: i64,
        uptime: Duration,
    ) -> Result<Arc<Client>, ClientAuthError> {
        let client = registry.client(&presented.client_id);
        if let Some(client) = client.filter(|client| registry.is_unregistered(&client.client_id)) {
            return Ok(Arc::clone(client));
        }
        let (attempt, method) = match &presented.proof {
            ClientProof::Secret(secret, method) => {
                let client_id = &presented.client_id;
                (Attempt { client_id, secret, client, address, now, uptime }, *method)
            }
            ClientProof::None(missing) => {
                let public = client.filter(|client| client.is_public());
                return public
                    .cloned()
                    .ok_or_else(|| ClientAuthError::MissingCredentials(missing.clone()));
            }
        };
        // A generated secret cannot be guessed, so it needs no limit: failures of others never
        // delay it.
        let mut generated = attempt.secrets_in_force().filter(|secret| secret.hash.is_generated());
        if !generated.any(|secret| attempt.matches(secret)) {
            self.guessable_secrets.verify(attempt, registry.costliest_hash()).await?;
        }
        let client = client.ok_or(ClientAuthError::InvalidCredentials)?;
        // Checked only after the secret, so that a caller without it does not learn that the client
        // exists (RFC 7591 §2).
        match client.auth_method().filter(|registered| *registered != method) {
            Some(registered) => Err(ClientAuthError::AuthMethodMismatch(registered)),
            None => Ok(Arc::clone(client)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{SecretHash, UserLoginConfig, hash_password},
        rate_limit::RateLimiter,
    };

    pub(super) const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    pub(super) const AWAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    pub(super) fn authenticator(burst: u32) -> ClientAuthenticator {
        let random = SecureRandom::seeded(1);
        let password_hasher = Arc::new(PasswordHasherPool::new(false));
        let limits = SecretRateLimits::new(
            RateLimiter::new("client_auth", burst, 10, None),
            RateLimiter::new("client_auth_address", 3, 10, None),
            RateLimiter::new("client_auth_known_network", 2 * burst, 10, None),
        );
        ClientAuthenticator::new(limits, password_hasher, &random).unwrap()
    }

    pub(super) fn registry(secrets: Vec<StoredSecret>) -> Registry {
        let client = Client { secrets, ..Client::without_access("a") };
        Registry::new([client], Vec::new())
    }

    pub(super) fn fast(secret: &str, not_after: Option<i64>) -> StoredSecret {
        StoredSecret { hash: SecretHash::sha256(&ClientSecret::new(secret)), not_after }
    }

    pub(super) fn credentials(client_id: &str, secret: &str) -> ClientCredentials {
        ClientCredentials {
            client_id: client_id.to_owned(),
            proof: ClientProof::Secret(ClientSecret::new(secret), ClientAuthMethod::Basic),
        }
    }

    pub(super) fn plain(secret: &str) -> StoredSecret {
        let hash = SecretHash::keyed(&ClientSecret::new(secret), [1; 32]);
        StoredSecret { hash, not_after: None }
    }

    pub(super) fn chosen(secret: &str) -> StoredSecret {
        StoredSecret { hash: hash_password(secret, [3; 16]).unwrap(), not_after: None }
    }

    #[tokio::test]
    async fn auth_method_mismatch_is_reported_only_with_the_right_secret() {
        let mut client = Client::clone(registry(vec![fast("right", None)]).client("a").unwrap());
        client.login = Some(UserLoginConfig {
            token_endpoint_auth_method: Some(ClientAuthMethod::Post),
            ..UserLoginConfig::default()
        });
        let registry = Registry::new([client], Vec::new());
        let authenticator = authenticator(10);
        let ask = async |secret, method| {
            let presented = ClientCredentials {
                proof: ClientProof::Secret(ClientSecret::new(secret), method),
                ..credentials("a", "")
            };
            authenticator.authenticate(&presented, HOME, &registry, 0, Duration::ZERO).await
        };
        assert!(ask("right", ClientAuthMethod::Post).await.is_ok());
        let other = ClientAuthError::AuthMethodMismatch(ClientAuthMethod::Post);
        assert_eq!(ask("right", ClientAuthMethod::Basic).await.unwrap_err(), other);
        for method in [ClientAuthMethod::Basic, ClientAuthMethod::Post] {
            assert_eq!(
                ask("wrong", method).await.unwrap_err(),
                ClientAuthError::InvalidCredentials
            );
        }
    }

    #[tokio::test]
    async fn generated_secret_is_accepted_despite_failures_of_others() {
        let registry = registry(vec![fast("generated", None), plain("plain")]);
        let authenticator = authenticator(1);
        let ask = async |secret| {
            let presented = credentials("a", secret);
            authenticator.authenticate(&presented, HOME, &registry, 0, Duration::ZERO).await
        };
        assert_eq!(ask("1").await.unwrap_err(), ClientAuthError::InvalidCredentials);
        assert_eq!(ask("2").await.unwrap_err(), ClientAuthError::RateLimited { retry_after: 10 });
        assert!(ask("generated").await.is_ok());
    }
}
