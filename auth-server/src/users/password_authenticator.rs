//! Authenticates users by name and password.

use std::{net::IpAddr, sync::Arc, time::Duration};

use oauth_types::Password;

use crate::{
    domain::{User, normalize_password, typed_username},
    password_hasher::PasswordHasherPool,
    rate_limit::{Permit, RateLimiter},
    storage::{Store, StoreError},
};

/// Authenticates users by password, with rate limits by account and by address.
pub struct PasswordAuthenticator {
    account_limit: RateLimiter,
    address_limit: RateLimiter,
    password_hasher: Arc<PasswordHasherPool>,
}

/// Why a sign-in failed.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The user is unknown or disabled, or the password is wrong. The error does not reveal which.
    #[error("wrong user name or password")]
    InvalidCredentials,
    /// The client can retry after this many seconds.
    #[error("too many sign-in attempts; try again in {retry_after} s")]
    RateLimited { retry_after: u64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PasswordAuthenticator {
    pub fn new(
        account_limit: RateLimiter,
        address_limit: RateLimiter,
        password_hasher: Arc<PasswordHasherPool>,
    ) -> Self {
        Self { account_limit, address_limit, password_hasher }
    }

    /// Verifies a user name and password as they were typed, and returns the user. Rate limits
    /// count by the normalized name, so that no spelling of it gives further attempts.
    ///
    /// # Errors
    /// Returns [`SignInError`]. Neither the error nor the response time reveals whether the account
    /// exists.
    pub async fn sign_in(
        &self,
        store: &dyn Store,
        username: &str,
        password: &Password,
        address: IpAddr,
        uptime: Duration,
    ) -> Result<User, SignInError> {
        // No user has such a name or password, and whether one could exist is no secret.
        let (Ok(username), Ok(password)) = (typed_username(username), normalize_password(password))
        else {
            return Err(SignInError::InvalidCredentials);
        };
        let too_many = |retry_after| SignInError::RateLimited { retry_after };
        let of_address = self.address_limit.acquire("", address, uptime).await.map_err(too_many)?;
        let of_account = match self.account_limit.acquire(&username, address, uptime).await {
            Ok(permit) => permit,
            Err(retry_after) => {
                of_address.consume();
                return Err(too_many(retry_after));
            }
        };
        let permits = vec![of_address, of_account];
        let Some(user) = store.user_by_username(&username).await?.filter(|user| user.enabled)
        else {
            self.password_hasher.verify_dummy(password.expose(), None, permits).await;
            return Err(SignInError::InvalidCredentials);
        };
        let on_result = |found: Option<usize>| {
            if found.is_none() {
                permits.into_iter().for_each(Permit::consume);
            }
            found
        };
        let found = self
            .password_hasher
            .find(vec![user.password.clone()], password.expose(), on_result)
            .await;
        found.flatten().map(|_| user).ok_or(SignInError::InvalidCredentials)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use oauth_types::StandardClaims;

    use super::*;
    use crate::{
        domain::{Actor, hash_password},
        storage::{AuditedChange, SqliteStore},
    };

    const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn every_failed_sign_in_waits_for_a_slow_hash_in_one_queue() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("c.db")).await.unwrap());
        for username in ["alice", "gone"] {
            let user = User {
                sub: username.to_owned(),
                username: username.to_owned(),
                password: hash_password("right", [3; 16]).unwrap(),
                claims: StandardClaims::default(),
                enabled: true,
            };
            store.apply(AuditedChange::add_user(user, Actor::Cli, 1_000)).await.unwrap();
        }
        store.apply(AuditedChange::disable_user("gone", Actor::Cli, 2_000)).await.unwrap();
        for (username, password) in [("alice", "wrong"), ("nobody", "wrong"), ("gone", "right")] {
            let password_hasher = Arc::new(PasswordHasherPool::in_one_queue(false));
            let users = Arc::new(PasswordAuthenticator::new(
                RateLimiter::new("sign_in", 10, 6, None),
                RateLimiter::new("sign_in_address", 100, 3, None),
                Arc::clone(&password_hasher),
            ));
            let slots = password_hasher.fill_the_one().await;
            let asked = tokio::spawn({
                let (users, store) = (Arc::clone(&users), Arc::clone(&store));
                async move {
                    users
                        .sign_in(&*store, username, &Password::new(password), HOME, Duration::ZERO)
                        .await
                }
            });
            // Long enough for the database query and a password hash.
            let finished = async {
                while !asked.is_finished() {
                    tokio::task::yield_now().await;
                }
            };
            let in_time = tokio::time::timeout(Duration::from_secs(1), finished).await;
            assert!(in_time.is_err(), "{username} did not wait");
            drop(slots);
            assert!(
                matches!(asked.await.unwrap(), Err(SignInError::InvalidCredentials)),
                "{username}"
            );
        }
    }

    #[tokio::test]
    async fn spellings_of_a_name_and_password_are_one_and_share_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("c.db")).await.unwrap();
        let user = User {
            sub: "zoe".to_owned(),
            username: "zo\u{e9}".to_owned(),
            password: hash_password("caf\u{e9} ", [3; 16]).unwrap(),
            claims: StandardClaims::default(),
            enabled: true,
        };
        store.apply(AuditedChange::add_user(user, Actor::Cli, 1_000)).await.unwrap();
        let users = PasswordAuthenticator::new(
            RateLimiter::new("sign_in", 2, 60, None),
            RateLimiter::new("sign_in_address", 100, 3, None),
            Arc::new(PasswordHasherPool::in_one_queue(false)),
        );
        let sign_in = async |username: &str, password: &str| {
            users.sign_in(&store, username, &Password::new(password), HOME, Duration::ZERO).await
        };
        for (username, password) in [
            ("zo\u{e9}", "caf\u{e9} "),
            ("Zoe\u{301} ", "cafe\u{301} "),
            ("ZO\u{c9}", "caf\u{e9} "),
        ] {
            assert!(sign_in(username, password).await.is_ok(), "{username} {password}");
        }
        for (username, password) in [("Zoe\u{301}", "caf\u{e9}"), ("zo\u{e9}", "Caf\u{e9} ")] {
            let wrong = sign_in(username, password).await;
            assert!(matches!(wrong, Err(SignInError::InvalidCredentials)), "{username}");
        }
        let limited = sign_in("ZOe\u{301}", "caf\u{e9} ").await;
        assert!(matches!(limited, Err(SignInError::RateLimited { .. })));
    }
}
