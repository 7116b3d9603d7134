use std::{net::IpAddr, sync::Arc};

use aws_lc_rs::hmac;
use moka::future::Cache;
use oauth_types::caller_network;

use super::{Attempt, ClientAuthError};
use crate::secure_random::SecureRandom;

/// Cache of verified credentials and their expiry. Keys are HMACs under a per-process key, so the
/// cache holds no secrets; they cover the stored hashes, so a changed secret is verified again.
pub(super) struct VerifiedSecrets {
    cache: Cache<[u8; 32], Option<i64>>,
    memory_key: hmac::Key,
}

impl VerifiedSecrets {
    /// Creates an empty cache.
    ///
    /// # Errors
    /// Returns an error if the system random number generator fails.
    pub(super) fn new(random: &SecureRandom) -> anyhow::Result<Self> {
        let memory_key = hmac::Key::new(hmac::HMAC_SHA256, &random.bytes::<32>()?);
        Ok(Self { cache: Cache::builder().max_capacity(10_000).build(), memory_key })
    }

    /// Returns the expiry of the secret if it was verified before; the inner `None` is a secret
    /// that does not expire.
    pub(super) async fn get(&self, attempt: Attempt<'_>) -> Option<Option<i64>> {
        self.cache.get(&self.cache_key(attempt)).await
    }

    /// Returns the expiry of the secret, and verifies it if it is not in the cache. Each secret is
    /// verified once at a time, so that a hundred workers of one client start with a single check
    /// and a single permit.
    ///
    /// # Errors
    /// Returns the error of `verification`, which is not cached.
    pub(super) async fn get_or_verify(
        &self,
        attempt: Attempt<'_>,
        verification: impl Future<Output = Result<Option<i64>, ClientAuthError>>,
    ) -> Result<Option<i64>, ClientAuthError> {
        self.cache
            .try_get_with(self.cache_key(attempt), verification)
            .await
            .map_err(Arc::unwrap_or_clone)
    }

    fn cache_key(&self, attempt: Attempt<'_>) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.memory_key);
        // With the network, so that the limit of one does not decide for another.
        let network = match caller_network(attempt.address) {
            IpAddr::V4(network) => network.to_ipv6_mapped(),
            IpAddr::V6(network) => network,
        };
        let (client_id, secret) = (attempt.client_id, attempt.secret.expose());
        for part in [client_id.as_bytes(), secret.as_bytes(), &network.octets()] {
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
    use std::time::Duration;

    use oauth_types::ClientSecret;

    use super::*;
    use crate::{
        clients::authenticator::tests::{HOME, authenticator, credentials, fast, registry},
        domain::{Registry, StoredSecret, hash_password},
    };

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
    async fn concurrent_wrong_secrets_are_limited() {
        let chosen = hash_password("right", [3; 16]).unwrap();
        let registry = registry(vec![StoredSecret { hash: chosen, not_after: None }]);
        let authenticator = authenticator(10);
        let wrong = credentials("a", "wrong");
        let all = (0..100)
            .map(|_| authenticator.authenticate(&wrong, HOME, &registry, 0, Duration::ZERO));
        let results = futures_util::future::join_all(all).await;
        let is_limited = |result: &&Result<_, ClientAuthError>| {
            matches!(result, Err(ClientAuthError::RateLimited { .. }))
        };
        assert!(results.iter().filter(is_limited).count() >= 90, "the limit is 10");
    }

    #[test]
    fn networks_share_no_result() {
        let (secret, verified) =
            (ClientSecret::new("s"), VerifiedSecrets::new(&SecureRandom::system()).unwrap());
        let key = |address: &str| {
            verified.cache_key(Attempt {
                client_id: "a",
                secret: &secret,
                client: None,
                address: address.parse().unwrap(),
                now: 0,
                uptime: Duration::ZERO,
            })
        };
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_eq!(key("2001:db8::1"), key("2001:db8::2"));
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
