//! Is this the user? By name and password.

use std::{net::IpAddr, sync::Arc};

use oauth_types::Password;

use crate::{
    domain::User,
    password_hasher::SlowHashes,
    rate_limit::{FailureLimit, Place},
    settings::{RateLimit, RateLimitSettings},
    storage::{Store, StoreError},
};

/// Finds out whether a person is who they say they are.
pub struct SignIn {
    account_limit: FailureLimit,
    address_limit: FailureLimit,
    slow_hashes: Arc<SlowHashes>,
}

/// Why a person was not let in.
#[derive(Debug, thiserror::Error)]
pub enum NotSignedIn {
    /// Unknown, wrong or disabled: which of them is not said.
    #[error("the user name or the password is wrong")]
    Wrong,
    /// After so many seconds another attempt is heard.
    #[error("there were too many attempts; try again in {retry_after} s")]
    TooMany { retry_after: u64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Longer ones are nobody's, and would keep the hasher busy.
const MAX_LENGTH: usize = 1_024;

impl SignIn {
    pub fn new(limits: &RateLimitSettings, slow_hashes: Arc<SlowHashes>) -> Self {
        let limit = |limit: RateLimit| FailureLimit::new(limit.burst, limit.refill_seconds);
        Self {
            account_limit: limit(limits.sign_in),
            address_limit: limit(limits.sign_in_address),
            slow_hashes,
        }
    }

    /// Let the person in, or not.
    ///
    /// # Errors
    /// [`NotSignedIn`]; answer and time do not tell whether there is such an account.
    pub async fn sign_in(
        &self,
        store: &dyn Store,
        username: &str,
        password: &Password,
        address: IpAddr,
        now_millis: i64,
    ) -> Result<User, NotSignedIn> {
        if username.len() > MAX_LENGTH || password.expose().len() > MAX_LENGTH {
            return Err(NotSignedIn::Wrong);
        }
        let too_many = |retry_after| NotSignedIn::TooMany { retry_after };
        let of_address = self.address_limit.charge("", address, now_millis).map_err(too_many)?;
        let of_account = match self.account_limit.charge(username, address, now_millis) {
            Ok(place) => place,
            Err(retry_after) => {
                of_address.keep();
                return Err(too_many(retry_after));
            }
        };
        let taken = vec![of_address, of_account];
        let Some(user) = store.user_by_username(username).await?.filter(|user| user.enabled) else {
            self.slow_hashes.find_nothing(password.expose(), None, taken).await;
            return Err(NotSignedIn::Wrong);
        };
        let settle = |found: Option<usize>| {
            if found.is_none() {
                taken.into_iter().for_each(Place::keep);
            }
            found
        };
        let found =
            self.slow_hashes.find(vec![user.password.clone()], password.expose(), settle).await;
        found.flatten().map(|_| user).ok_or(NotSignedIn::Wrong)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use oauth_types::StandardClaims;

    use super::*;
    use crate::{
        Entropy,
        domain::{Actor, hash_password},
        storage::{AuditedChange, SqliteStore},
    };

    const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn every_refusal_waits_in_one_queue_for_a_slow_hash_so_that_time_does_not_tell_who_exists()
     {
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
            let slow_hashes =
                Arc::new(SlowHashes::new(&Entropy::seeded(1)).unwrap().in_one_queue());
            let users =
                Arc::new(SignIn::new(&RateLimitSettings::default(), Arc::clone(&slow_hashes)));
            let places = slow_hashes.fill_the_one().await;
            let asked = tokio::spawn({
                let (users, store) = (Arc::clone(&users), Arc::clone(&store));
                async move {
                    users.sign_in(&*store, username, &Password::new(password), HOME, 100_000).await
                }
            });
            // Long enough for the database, and for a hash as well.
            let finished = async {
                while !asked.is_finished() {
                    tokio::task::yield_now().await;
                }
            };
            let in_time = tokio::time::timeout(std::time::Duration::from_secs(1), finished).await;
            assert!(in_time.is_err(), "{username} did not wait");
            drop(places);
            assert!(matches!(asked.await.unwrap(), Err(NotSignedIn::Wrong)), "{username}");
        }
    }
}
