use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{Attempt, ClientAuthError, verified_secrets::VerifiedSecrets};
use crate::{
    clients::SecretRateLimits,
    domain::{SecretHash, StoredSecret},
    password_hasher::PasswordHasherPool,
    rate_limit::Permit,
    secure_random::SecureRandom,
};

/// Verifies secrets that could be guessed, within rate limits.
pub(super) struct GuessableSecrets {
    /// Saves the slow hash, not the rate limit.
    verified: VerifiedSecrets,
    limits: SecretRateLimits,
    password_hasher: Arc<PasswordHasherPool>,
}

impl GuessableSecrets {
    /// # Errors
    /// Returns an error if the system random number generator fails.
    pub(super) fn new(
        limits: SecretRateLimits,
        password_hasher: Arc<PasswordHasherPool>,
        random: &SecureRandom,
    ) -> anyhow::Result<Self> {
        Ok(Self { verified: VerifiedSecrets::new(random)?, limits, password_hasher })
    }

    /// Verifies a secret that could be guessed, within the rate limits. They apply to the right
    /// secret too: a limit that a correct guess passes does not limit guessing.
    pub(super) async fn verify(
        &self,
        attempt: Attempt<'_>,
        costliest_hash: Option<&SecretHash>,
    ) -> Result<(), ClientAuthError> {
        let not_after = match self.verified.get(attempt).await {
            Some(not_after) => {
                drop(self.acquire(attempt).await?);
                not_after
            }
            // Boxed, because the future is large and rarely needed; otherwise every token request
            // would reserve its size.
            None => Box::pin(self.verify_once(attempt, costliest_hash)).await?,
        };
        if not_after.is_some_and(|end| end <= attempt.now) {
            return Err(ClientAuthError::InvalidCredentials);
        }
        self.limits.record_success(attempt.client_id, attempt.address, attempt.uptime);
        Ok(())
    }

    /// Verifies a secret that is not in the cache. Attempts at the same time share one comparison.
    /// Each that fails counts.
    async fn verify_once(
        &self,
        attempt: Attempt<'_>,
        costliest_hash: Option<&SecretHash>,
    ) -> Result<Option<i64>, ClientAuthError> {
        let has_compared = AtomicBool::new(false);
        let comparison = async {
            has_compared.store(true, Ordering::Relaxed);
            self.compare(attempt, costliest_hash).await
        };
        let verified = self.verified.get_or_verify(attempt, comparison).await;
        if verified == Err(ClientAuthError::InvalidCredentials)
            && !has_compared.load(Ordering::Relaxed)
        {
            self.acquire(attempt).await?.into_iter().for_each(Permit::consume);
        }
        verified
    }

    /// Forgets all attempts.
    pub(super) fn forget_attempts(&self) {
        self.limits.clear();
    }

    async fn acquire(&self, attempt: Attempt<'_>) -> Result<Vec<Permit>, ClientAuthError> {
        self.limits
            .acquire(attempt.client_id, attempt.address, attempt.uptime)
            .await
            .map_err(|retry_after| ClientAuthError::RateLimited { retry_after })
    }

    /// Returns the expiry of the secret that matches.
    async fn compare(
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
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        clients::{
            ClientCredentials,
            authenticator::tests::{
                AWAY, HOME, authenticator, chosen, credentials, fast, plain, registry,
            },
        },
        domain::hash_password,
    };

    /// Reports whether a rejection waits for a slow hash: with every permit taken, it must not
    /// complete.
    async fn takes_a_slow_hash(secrets: Vec<StoredSecret>, presented: ClientCredentials) -> bool {
        let authenticator = Arc::new(authenticator(10));
        let permits = authenticator.guessable_secrets.password_hasher.fill().await;
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
            assert_eq!(authenticator.guessable_secrets.password_hasher.dummy_costs(), [cost]);
        }
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
        let _flood = authenticator.guessable_secrets.password_hasher.fill_dummy().await;
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
        let _full = authenticator.guessable_secrets.password_hasher.fill().await;
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
}
