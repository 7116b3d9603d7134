use std::{net::IpAddr, sync::Arc};

use aws_lc_rs::hmac;
use moka::future::Cache;
use oauth_types::ClientSecret;

use super::{ClientCredentials, ClientProof};
use crate::rate_limit::RateLimiter;
use crate::{
    domain::{Client, ClientAuthMethod, Registry, SecretHash, StoredSecret},
    password_hasher::PasswordHasherPool,
    secure_random::SecureRandom,
};

/// Authenticates clients by secret, with rate limits and a cache of verified secrets.
pub struct ClientAuthenticator {
    /// Cache of verified credentials and their expiry. Keys are HMACs under a per-process key, so
    /// the cache holds no secrets; they cover the stored hashes, so a changed secret is verified
    /// again. Entries have no time limit: a client that authenticates every half hour must not
    /// queue behind the guesses of others each time.
    verified_cache: Cache<[u8; 32], Option<i64>>,
    memory_key: hmac::Key,
    limit: RateLimiter,
    /// Per-address limit across all client ids. Bounds guessing with made-up ids.
    per_address_limit: Arc<RateLimiter>,
    password_hasher: Arc<PasswordHasherPool>,
}

/// A client id and the secret presented with it.
#[derive(Clone, Copy)]
struct PresentedSecret<'a> {
    client_id: &'a str,
    secret: &'a ClientSecret,
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
        limit: RateLimiter,
        per_address_limit: RateLimiter,
        password_hasher: Arc<PasswordHasherPool>,
        entropy: &SecureRandom,
    ) -> anyhow::Result<Self> {
        let memory_key = hmac::Key::new(hmac::HMAC_SHA256, &entropy.bytes::<32>()?);
        Ok(Self {
            verified_cache: Cache::builder().max_capacity(10_000).build(),
            memory_key,
            limit,
            per_address_limit: Arc::new(per_address_limit),
            password_hasher,
        })
    }

    /// Authenticates a client.
    ///
    /// # Errors
    /// Returns [`ClientAuthError`]. Neither the error nor its timing distinguishes an unknown
    /// client from a wrong secret.
    pub async fn authenticate(
        &self,
        presented: &ClientCredentials,
        address: IpAddr,
        registry: &Registry,
        now_millis: i64,
    ) -> Result<Arc<Client>, ClientAuthError> {
        let client = registry.client(&presented.client_id);
        let (secret_presented, method) = match &presented.proof {
            ClientProof::Secret(secret, method) => {
                (PresentedSecret { client_id: &presented.client_id, secret }, *method)
            }
            ClientProof::None(missing) => {
                let public = client.filter(|client| client.is_public());
                return public
                    .cloned()
                    .ok_or_else(|| ClientAuthError::MissingCredentials(missing.clone()));
            }
        };
        let cache_key = self.cache_key(secret_presented, client);
        let not_after = match self.verified_cache.get(&cache_key).await {
            Some(not_after) => not_after,
            None => {
                self.verify_once(
                    cache_key,
                    secret_presented,
                    client,
                    registry.costliest_hash(),
                    address,
                    now_millis,
                )
                .await?
            }
        };
        if not_after.is_some_and(|end| end <= now_millis.div_euclid(1_000)) {
            return Err(ClientAuthError::InvalidCredentials);
        }
        let client = client.ok_or(ClientAuthError::InvalidCredentials)?;
        // Checked only after the secret, so that a caller without it does not learn that the client
        // exists (RFC 7591 §2).
        match client.auth_method().filter(|registered| *registered != method) {
            Some(registered) => Err(ClientAuthError::AuthMethodMismatch(registered)),
            None => Ok(Arc::clone(client)),
        }
    }

    /// Verifies each credential once at a time, so that a hundred workers of one client start with
    /// a single check.
    async fn verify_once(
        &self,
        cache_key: [u8; 32],
        presented: PresentedSecret<'_>,
        client: Option<&Arc<Client>>,
        costliest_hash: Option<&SecretHash>,
        address: IpAddr,
        now_millis: i64,
    ) -> Result<Option<i64>, ClientAuthError> {
        let verification = self.verify(presented, client, costliest_hash, address, now_millis);
        // Boxed, because the future is large and rarely needed. Otherwise every token request would
        // reserve its size.
        Box::pin(self.verified_cache.try_get_with(cache_key, verification))
            .await
            .map_err(Arc::unwrap_or_clone)
    }

    async fn verify(
        &self,
        presented: PresentedSecret<'_>,
        client: Option<&Arc<Client>>,
        costliest_hash: Option<&SecretHash>,
        address: IpAddr,
        now_millis: i64,
    ) -> Result<Option<i64>, ClientAuthError> {
        let now = now_millis.div_euclid(1_000);
        let in_force = |secret: &&StoredSecret| secret.not_after.is_none_or(|end| now < end);
        let secrets = client.iter().flat_map(|client| &client.secrets).filter(in_force);
        let (slow, fast): (Vec<&StoredSecret>, Vec<_>) =
            secrets.partition(|secret| secret.hash.is_slow());
        // Fast hashes are checked before any rate limit, so that failures of others never delay a
        // valid secret.
        if let Some(right) =
            fast.iter().find(|secret| secret.hash.matches(presented.secret.expose()))
        {
            return Ok(right.not_after);
        }
        let rate_limited = |retry_after| ClientAuthError::RateLimited { retry_after };
        let client_permit =
            self.limit.acquire(presented.client_id, address, now_millis).map_err(rate_limited)?;
        // Known and unknown clients get the same error and consume the same permits. A permit
        // consumed by only one of them would reveal on the next attempt whether the client exists.
        let per_address_limit = Arc::clone(&self.per_address_limit);
        let acquire_for_address =
            move || per_address_limit.acquire("", address, now_millis).map_err(rate_limited);
        if slow.is_empty() {
            let permits = match acquire_for_address() {
                Ok(address_permit) => vec![client_permit, address_permit],
                Err(error) => {
                    client_permit.consume();
                    return Err(error);
                }
            };
            self.password_hasher
                .verify_dummy(presented.secret.expose(), costliest_hash, permits)
                .await;
            return Err(ClientAuthError::InvalidCredentials);
        }
        let hashes = slow.iter().map(|secret| secret.hash.clone()).collect();
        let on_result = move |found: Option<usize>| match found {
            Some(right) => Ok(right),
            None => {
                client_permit.consume();
                acquire_for_address()?.consume();
                Err(ClientAuthError::InvalidCredentials)
            }
        };
        let found = self.password_hasher.find(hashes, presented.secret.expose(), on_result).await;
        found.unwrap_or(Err(ClientAuthError::InvalidCredentials)).map(|right| slow[right].not_after)
    }

    fn cache_key(&self, presented: PresentedSecret<'_>, client: Option<&Arc<Client>>) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.memory_key);
        for part in [presented.client_id.as_bytes(), presented.secret.expose().as_bytes()] {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        for secret in client.iter().flat_map(|client| &client.secrets) {
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
    use crate::domain::{TokenFormat, UserLoginConfig, hash_password};

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const AWAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn authenticator(burst: u32) -> ClientAuthenticator {
        let entropy = SecureRandom::seeded(1);
        let password_hasher = Arc::new(PasswordHasherPool::new(false));
        let (limit, per_address_limit) = (RateLimiter::new(burst, 10), RateLimiter::new(3, 10));
        ClientAuthenticator::new(limit, per_address_limit, password_hasher, &entropy).unwrap()
    }

    fn registry(secrets: Vec<StoredSecret>) -> Registry {
        let client = Client {
            client_id: "a".to_owned(),
            secrets,
            scopes: "read".parse().unwrap(),
            resources: Vec::new(),
            introspection_audiences: Vec::new(),
            token_exchange: Vec::new(),
            token_format: TokenFormat::Jwt,
            login: None,
            dynamic: false,
            approved: true,
            created_at: 0,
            enabled: true,
        };
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
                authenticator.authenticate(&presented, HOME, &registry(secrets), 100_000).await
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
            authenticator.authenticate(&presented, HOME, &registry, 0).await
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
    async fn verified_secret_is_accepted_while_others_guess() {
        let registry = registry(vec![fast("right", None)]);
        let authenticator = authenticator(2);
        assert!(
            authenticator
                .authenticate(&credentials("a", "right"), HOME, &registry, 0)
                .await
                .is_ok()
        );
        for guess in ["1", "2"] {
            assert_eq!(
                authenticator
                    .authenticate(&credentials("a", guess), HOME, &registry, 0)
                    .await
                    .unwrap_err(),
                ClientAuthError::InvalidCredentials
            );
        }
        let limited = authenticator
            .authenticate(&credentials("a", "3"), HOME, &registry, 0)
            .await
            .unwrap_err();
        assert_eq!(limited, ClientAuthError::RateLimited { retry_after: 10 });
        // From the same address, because the secret was verified before; from another address,
        // because it has its own bucket.
        assert!(
            authenticator
                .authenticate(&credentials("a", "right"), HOME, &registry, 0)
                .await
                .is_ok()
        );
        assert!(
            authenticator
                .authenticate(&credentials("a", "right"), AWAY, &registry, 0)
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn generated_and_plain_secrets_are_accepted_despite_failures_of_others() {
        let keyed = StoredSecret {
            hash: SecretHash::keyed(&ClientSecret::new("plain"), [1; 32]),
            not_after: None,
        };
        let registry = registry(vec![fast("made", None), keyed]);
        let authenticator = authenticator(1);
        let ask = async |secret| {
            authenticator.authenticate(&credentials("a", secret), HOME, &registry, 0).await
        };
        assert_eq!(ask("1").await.unwrap_err(), ClientAuthError::InvalidCredentials);
        assert_eq!(ask("2").await.unwrap_err(), ClientAuthError::RateLimited { retry_after: 10 });
        assert!(ask("made").await.is_ok() && ask("plain").await.is_ok());
    }

    #[tokio::test]
    async fn unknown_client_ids_do_not_delay_a_right_secret() {
        let chosen = hash_password("right", [3; 16]).unwrap();
        let registry = registry(vec![StoredSecret { hash: chosen, not_after: None }]);
        let authenticator = authenticator(10);
        let _flood = authenticator.password_hasher.fill_dummy().await;
        assert!(
            authenticator
                .authenticate(&credentials("a", "right"), HOME, &registry, 0)
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
                .authenticate(&credentials(name, "guess"), address, &registry, 0)
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
                .authenticate(&credentials("a", "right"), HOME, &registry, 0)
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
                    .authenticate(&credentials(name, "guess"), HOME, &registry, 0)
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
    async fn verified_chosen_secret_stays_cached_despite_failures_of_others() {
        let chosen = hash_password("right", [3; 16]).unwrap();
        let registry = registry(vec![StoredSecret { hash: chosen, not_after: None }]);
        let authenticator = authenticator(1);
        let ask = async |secret| {
            authenticator.authenticate(&credentials("a", secret), HOME, &registry, 0).await
        };
        assert!(ask("right").await.is_ok());
        assert_eq!(ask("1").await.unwrap_err(), ClientAuthError::InvalidCredentials);
        assert_eq!(ask("2").await.unwrap_err(), ClientAuthError::RateLimited { retry_after: 10 });
        assert!(ask("right").await.is_ok());
        // Tests cannot advance the clock of the cache, so they check its policy: nothing expires by
        // time.
        let policy = authenticator.verified_cache.policy();
        assert_eq!((policy.time_to_live(), policy.time_to_idle()), (None, None));
        assert!(policy.max_capacity().is_some());
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
                .authenticate(&credentials("unknown", "guess"), HOME, &registry, 0)
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
        let all = (0..100).map(|_| authenticator.authenticate(&right, HOME, &registry, 0));
        assert!(futures_util::future::join_all(all).await.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn secret_expires_even_if_it_was_verified_before() {
        let registry = registry(vec![fast("new", None), fast("old", Some(100))]);
        let authenticator = authenticator(10);
        assert!(
            authenticator
                .authenticate(&credentials("a", "old"), HOME, &registry, 99_000)
                .await
                .is_ok()
        );
        let late =
            authenticator.authenticate(&credentials("a", "old"), HOME, &registry, 100_000).await;
        assert_eq!(late.unwrap_err(), ClientAuthError::InvalidCredentials);
        assert!(
            authenticator
                .authenticate(&credentials("a", "new"), HOME, &registry, 100_000)
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn changed_secret_is_verified_again() {
        let authenticator = authenticator(10);
        let before = registry(vec![fast("old", None)]);
        assert!(
            authenticator.authenticate(&credentials("a", "old"), HOME, &before, 0).await.is_ok()
        );
        let after = registry(vec![fast("new", None)]);
        assert!(
            authenticator.authenticate(&credentials("a", "old"), HOME, &after, 0).await.is_err()
        );
        assert!(
            authenticator
                .authenticate(&credentials("a", "old"), HOME, &Registry::default(), 0)
                .await
                .is_err()
        );
    }
}
