use std::{net::IpAddr, sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use moka::future::Cache;
use oauth_types::ClientSecret;

use super::{ClientCredentials, ClientProof, SecretRateLimits};
use crate::{
    domain::{Client, ClientAuthMethod, Registry, SecretHash, StoredSecret},
    password_hasher::PasswordHasherPool,
    rate_limit::Permit,
    secure_random::SecureRandom,
};

/// Authenticates clients by secret, with rate limits and a cache of verified secrets.
pub struct ClientAuthenticator {
    /// Cache of verified credentials and their expiry. Keys are HMACs under a per-process key, so
    /// the cache holds no secrets; they cover the stored hashes, so a changed secret is verified
    /// again. It saves the slow hash, not the rate limit.
    verified_cache: Cache<[u8; 32], Option<i64>>,
    memory_key: hmac::Key,
    limits: SecretRateLimits,
    password_hasher: Arc<PasswordHasherPool>,
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
}

impl ClientAuthenticator {
    /// Creates an authenticator with an empty cache.
    ///
    /// # Errors
    /// Returns an error if the system random number generator fails.
    pub fn new(
        limits: SecretRateLimits,
        password_hasher: Arc<PasswordHasherPool>,
        entropy: &SecureRandom,
    ) -> anyhow::Result<Self> {
        let memory_key = hmac::Key::new(hmac::HMAC_SHA256, &entropy.bytes::<32>()?);
        let verified_cache = Cache::builder().max_capacity(10_000).build();
        Ok(Self { verified_cache, memory_key, limits, password_hasher })
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
            self.verify_guessable(attempt, registry.costliest_hash()).await?;
        }
        let client = client.ok_or(ClientAuthError::InvalidCredentials)?;
        // Checked only after the secret, so that a caller without it does not learn that the client
        // exists (RFC 7591 §2).
        match client.auth_method().filter(|registered| *registered != method) {
            Some(registered) => Err(ClientAuthError::AuthMethodMismatch(registered)),
            None => Ok(Arc::clone(client)),
        }
    }

    /// Verifies a secret that could be guessed, within the rate limits. They apply to the right
    /// secret too: a limit that a correct guess passes does not limit guessing.
    async fn verify_guessable(
        &self,
        attempt: Attempt<'_>,
        costliest_hash: Option<&SecretHash>,
    ) -> Result<(), ClientAuthError> {
        let cache_key = self.cache_key(attempt);
        let not_after = match self.verified_cache.get(&cache_key).await {
            Some(not_after) => {
                drop(self.acquire(attempt).await?);
                not_after
            }
            // Each secret is verified once at a time, so that a hundred workers of one client start
            // with a single check and a single permit. Boxed, because the future is large and
            // rarely needed; otherwise every token request would reserve its size.
            None => {
                let verification = self.verify(attempt, costliest_hash);
                Box::pin(self.verified_cache.try_get_with(cache_key, verification))
                    .await
                    .map_err(Arc::unwrap_or_clone)?
            }
        };
        if not_after.is_some_and(|end| end <= attempt.now) {
            return Err(ClientAuthError::InvalidCredentials);
        }
        self.limits.record_success(attempt.client_id, attempt.address, attempt.uptime);
        Ok(())
    }

    async fn acquire(&self, attempt: Attempt<'_>) -> Result<Vec<Permit>, ClientAuthError> {
        self.limits
            .acquire(attempt.client_id, attempt.address, attempt.uptime)
            .await
            .map_err(|retry_after| ClientAuthError::RateLimited { retry_after })
    }

    /// Returns the expiry of the secret that matches.
    async fn verify(
        &self,
        attempt: Attempt<'_>,
        costliest_hash: Option<&SecretHash>,
    ) -> Result<Option<i64>, ClientAuthError> {
        let permits = self.acquire(attempt).await?;
        let secret = attempt.secret.expose();
        let (slow, fast): (Vec<&StoredSecret>, Vec<_>) =
            attempt.secrets_in_force().partition(|secret| secret.hash.is_slow());
        if let Some(matching) = fast.into_iter().find(|secret| attempt.matches(secret)) {
            return Ok(matching.not_after);
        }
        if slow.is_empty() {
            self.password_hasher.verify_dummy(secret, costliest_hash, permits).await;
            return Err(ClientAuthError::InvalidCredentials);
        }
        let hashes = slow.iter().map(|secret| secret.hash.clone()).collect();
        let on_result = move |found: Option<usize>| {
            if found.is_none() {
                permits.into_iter().for_each(Permit::consume);
            }
            found
        };
        let found = self.password_hasher.find(hashes, secret, on_result).await.flatten();
        found.map(|index| slow[index].not_after).ok_or(ClientAuthError::InvalidCredentials)
    }

    fn cache_key(&self, attempt: Attempt<'_>) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.memory_key);
        for part in [attempt.client_id.as_bytes(), attempt.secret.expose().as_bytes()] {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        for secret in attempt.client.iter().flat_map(|client| &client.secrets) {
            context.update(secret.hash.cache_key());
            context.update(&secret.not_after.unwrap_or_default().to_be_bytes());
        }
        let mut cache_key = [0; 32];
        cache_key.copy_from_slice(context.sign().as_ref());
        cache_key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{UserLoginConfig, hash_password},
        rate_limit::RateLimiter,
    };

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const AWAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn authenticator(burst: u32) -> ClientAuthenticator {
        let entropy = SecureRandom::seeded(1);
        let password_hasher = Arc::new(PasswordHasherPool::new(false));
        let limits = SecretRateLimits::new(
            RateLimiter::new("client_auth", burst, 10, None),
            RateLimiter::new("client_auth_address", 3, 10, None),
            RateLimiter::new("client_auth_known_network", 2 * burst, 10, None),
        );
        ClientAuthenticator::new(limits, password_hasher, &entropy).unwrap()
    }

    fn registry(secrets: Vec<StoredSecret>) -> Registry {
        let client = Client { secrets, ..Client::without_access("a") };
        Registry::new([client], Vec::new())
    }

    fn fast(secret: &str, not_after: Option<i64>) -> StoredSecret {
        StoredSecret { hash: SecretHash::sha256(&ClientSecret::new(secret)), not_after }
    }

    fn credentials(client_id: &str, secret: &str) -> ClientCredentials {
        ClientCredentials {
            client_id: client_id.to_owned(),
            proof: ClientProof::Secret(ClientSecret::new(secret), ClientAuthMethod::Basic),
        }
    }

    /// Reports whether a rejection waits for a slow hash: with every permit taken, it must not
    /// complete.
    async fn takes_a_slow_hash(secrets: Vec<StoredSecret>, presented: ClientCredentials) -> bool {
        let authenticator = Arc::new(authenticator(10));
        let permits = authenticator.password_hasher.fill().await;
        let attempt = tokio::spawn({
            let authenticator = Arc::clone(&authenticator);
            async move {
                authenticator
                    .authenticate(&presented, HOME, &registry(secrets), 100, Duration::ZERO)
                    .await
            }
        });
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let waits = !attempt.is_finished();
        drop(permits);
        assert_eq!(attempt.await.unwrap().unwrap_err(), ClientAuthError::InvalidCredentials);
        waits
    }

    #[tokio::test]
    async fn every_failed_authentication_computes_a_slow_hash() {
        let slow = |not_after| {
            let hash = hash_password("chosen", [3; 16]).unwrap();
            StoredSecret { hash, not_after }
        };
        assert!(
            takes_a_slow_hash(vec![fast("right", None)], credentials("x", "wrong")).await,
            "unknown"
        );
        assert!(
            takes_a_slow_hash(vec![fast("right", None)], credentials("a", "wrong")).await,
            "wrong"
        );
        assert!(
            takes_a_slow_hash(vec![slow(None)], credentials("a", "wrong")).await,
            "wrong, for a chosen secret"
        );
        assert!(
            takes_a_slow_hash(vec![fast("new", None), slow(Some(50))], credentials("a", "wrong"))
                .await,
            "expired"
        );
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

    fn plain(secret: &str) -> StoredSecret {
        let hash = SecretHash::keyed(&ClientSecret::new(secret), [1; 32]);
        StoredSecret { hash, not_after: None }
    }

    fn chosen(secret: &str) -> StoredSecret {
        StoredSecret { hash: hash_password(secret, [3; 16]).unwrap(), not_after: None }
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

    #[tokio::test]
    async fn right_guess_after_the_limit_is_rejected_even_if_it_was_verified_before() {
        for secret in [plain("right"), chosen("right")] {
            let registry = registry(vec![secret]);
            let authenticator = authenticator(2);
            let ask = async |secret: &str, address, uptime| {
                let presented = credentials("a", secret);
                authenticator.authenticate(&presented, address, &registry, 0, uptime).await
            };
            let limited = ClientAuthError::RateLimited { retry_after: 10 };
            let start = Duration::from_secs(100);
            ask("right", HOME, start).await.unwrap();
            for guess in ["1", "2"] {
                let error = ask(guess, AWAY, start).await.unwrap_err();
                assert_eq!(error, ClientAuthError::InvalidCredentials);
            }
            assert_eq!(ask("right", AWAY, start).await.unwrap_err(), limited);
            assert!(ask("right", HOME, start).await.is_ok(), "another network has its own limit");
            let later = start + Duration::from_secs(10);
            assert!(ask("right", AWAY, later).await.is_ok(), "a permit is available again");
        }
    }

    #[tokio::test]
    async fn network_of_a_recent_success_has_a_larger_but_finite_limit() {
        let registry = registry(vec![plain("right")]);
        let authenticator = authenticator(2);
        let ask = async |secret: &str, uptime| {
            let presented = credentials("a", secret);
            authenticator.authenticate(&presented, HOME, &registry, 0, uptime).await
        };
        let start = Duration::from_secs(100);
        ask("right", start).await.unwrap();
        for guess in ["1", "2", "3"] {
            let error = ask(guess, start).await.unwrap_err();
            assert_eq!(error, ClientAuthError::InvalidCredentials);
        }
        assert!(ask("right", start).await.is_ok(), "one permit is left");
        ask("4", start).await.unwrap_err();
        let limited = ClientAuthError::RateLimited { retry_after: 10 };
        assert_eq!(ask("right", start).await.unwrap_err(), limited);
        let next_day = start + Duration::from_secs(24 * 3_600);
        for guess in ["5", "6"] {
            let error = ask(guess, next_day).await.unwrap_err();
            assert_eq!(error, ClientAuthError::InvalidCredentials);
        }
        assert_eq!(ask("right", next_day).await.unwrap_err(), limited, "no longer known");
    }

    #[tokio::test]
    async fn unknown_client_ids_do_not_delay_a_right_secret() {
        let chosen = hash_password("right", [3; 16]).unwrap();
        let registry = registry(vec![StoredSecret { hash: chosen, not_after: None }]);
        let authenticator = authenticator(10);
        let _flood = authenticator.password_hasher.fill_dummy().await;
        assert!(
            authenticator
                .authenticate(&credentials("a", "right"), HOME, &registry, 0, Duration::ZERO)
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn too_many_client_ids_from_an_address_are_limited_before_hashing() {
        let registry = registry(vec![fast("right", None)]);
        let authenticator = authenticator(10);
        let ask = async |name: &str, address| {
            authenticator
                .authenticate(&credentials(name, "guess"), address, &registry, 0, Duration::ZERO)
                .await
                .unwrap_err()
        };
        for name in ["x", "y", "z"] {
            assert_eq!(ask(name, HOME).await, ClientAuthError::InvalidCredentials);
        }
        let _full = authenticator.password_hasher.fill().await;
        for name in ["unknown", "a"] {
            assert_eq!(
                ask(name, HOME).await,
                ClientAuthError::RateLimited { retry_after: 10 },
                "{name}"
            );
        }
        assert!(
            authenticator
                .authenticate(&credentials("a", "right"), HOME, &registry, 0, Duration::ZERO)
                .await
                .is_ok()
        );
        drop(_full);
        assert_eq!(
            ask("w", AWAY).await,
            ClientAuthError::InvalidCredentials,
            "the limit is per address"
        );
    }

    #[tokio::test]
    async fn last_permit_of_an_address_does_not_reveal_existing_clients() {
        for candidate in ["a", "nobody"] {
            let registry = registry(vec![fast("right", None)]);
            let authenticator = authenticator(10);
            let ask = async |name: &str| {
                authenticator
                    .authenticate(&credentials(name, "guess"), HOME, &registry, 0, Duration::ZERO)
                    .await
                    .unwrap_err()
            };
            for name in ["x", "y", candidate] {
                assert_eq!(ask(name).await, ClientAuthError::InvalidCredentials);
            }
            assert_eq!(
                ask("z").await,
                ClientAuthError::RateLimited { retry_after: 10 },
                "after {candidate}"
            );
        }
    }

    #[tokio::test]
    async fn unknown_client_id_costs_as_much_as_the_costliest_secret() {
        // Eight times the iterations of the dummy hash.
        let params = argon2::Params::new(19_456, 16, 1, None).unwrap();
        let hasher =
            argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        let phc =
            argon2::PasswordHasher::hash_password_with_salt(&hasher, b"right", &[3; 16]).unwrap();
        let costly = StoredSecret { hash: SecretHash::Argon2id(phc.to_string()), not_after: None };
        let cheap =
            StoredSecret { hash: hash_password("right", [3; 16]).unwrap(), not_after: None };
        let (default_cost, highest_cost) = (cheap.hash.cost(), costly.hash.cost());
        assert_eq!(highest_cost, 8 * default_cost);
        for (secrets, cost) in [
            (vec![fast("generated", None)], default_cost),
            (vec![cheap, fast("generated", None), costly], highest_cost),
        ] {
            let (registry, authenticator) = (registry(secrets), authenticator(10));
            let result = authenticator
                .authenticate(&credentials("unknown", "guess"), HOME, &registry, 0, Duration::ZERO)
                .await;
            assert_eq!(result.unwrap_err(), ClientAuthError::InvalidCredentials);
            assert_eq!(authenticator.password_hasher.dummy_costs(), [cost]);
        }
    }

    #[tokio::test]
    async fn concurrent_right_secrets_consume_no_permit() {
        let chosen = hash_password("right", [3; 16]).unwrap();
        let registry = registry(vec![StoredSecret { hash: chosen, not_after: None }]);
        let authenticator = authenticator(1);
        let right = credentials("a", "right");
        let all = (0..100)
            .map(|_| authenticator.authenticate(&right, HOME, &registry, 0, Duration::ZERO));
        assert!(futures_util::future::join_all(all).await.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn secret_expires_even_if_it_was_verified_before() {
        let registry = registry(vec![fast("new", None), fast("old", Some(100))]);
        let authenticator = authenticator(10);
        assert!(
            authenticator
                .authenticate(&credentials("a", "old"), HOME, &registry, 99, Duration::ZERO)
                .await
                .is_ok()
        );
        let late = authenticator
            .authenticate(&credentials("a", "old"), HOME, &registry, 100, Duration::ZERO)
            .await;
        assert_eq!(late.unwrap_err(), ClientAuthError::InvalidCredentials);
        assert!(
            authenticator
                .authenticate(&credentials("a", "new"), HOME, &registry, 100, Duration::ZERO)
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn changed_secret_is_verified_again() {
        let authenticator = authenticator(10);
        let before = registry(vec![fast("old", None)]);
        assert!(
            authenticator
                .authenticate(&credentials("a", "old"), HOME, &before, 0, Duration::ZERO)
                .await
                .is_ok()
        );
        let after = registry(vec![fast("new", None)]);
        assert!(
            authenticator
                .authenticate(&credentials("a", "old"), HOME, &after, 0, Duration::ZERO)
                .await
                .is_err()
        );
        assert!(
            authenticator
                .authenticate(
                    &credentials("a", "old"),
                    HOME,
                    &Registry::default(),
                    0,
                    Duration::ZERO
                )
                .await
                .is_err()
        );
    }
}
