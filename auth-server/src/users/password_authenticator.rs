//! Authenticates users by name and password.

use std::{net::IpAddr, sync::Arc, time::Duration};

use oauth_types::Password;

use super::KnownDevices;
use crate::{
    domain::{User, normalize_password, typed_username},
    password_hasher::PasswordHasherPool,
    rate_limit::{Permit, RateLimiter},
    storage::{Store, StoreError},
};

/// Authenticates users by password, with rate limits by account, by address and by known device.
pub struct PasswordAuthenticator {
    limits: SignInLimits,
    known_devices: KnownDevices,
    password_hasher: Arc<PasswordHasherPool>,
}

/// Rate limits of failed sign-ins.
pub struct SignInLimits {
    /// By account and network.
    pub account: RateLimiter,
    /// By network, over all accounts.
    pub address: RateLimiter,
    /// By user and known device, instead of the others. Guesses from other browsers cannot use it
    /// up.
    pub known_device: RateLimiter,
}

/// A user name and password as they were typed, and where they came from.
#[derive(Clone, Copy)]
pub struct SignInAttempt<'a> {
    pub username: &'a str,
    pub password: &'a Password,
    /// Empty if the browser sent none.
    pub device_cookie: &'a str,
    pub address: IpAddr,
    /// In seconds since 1970.
    pub now: i64,
    /// Time of a clock that never goes back.
    pub uptime: Duration,
}

/// Why a sign-in failed.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The user is unknown or disabled, or the password is wrong. The error does not reveal which.
    #[error("wrong user name or password")]
    InvalidCredentials {
        /// The user of this name, for the audit log only.
        sub: Option<String>,
    },
    /// The client can retry after this many seconds.
    #[error("too many sign-in attempts; try again in {retry_after} s")]
    RateLimited { retry_after: u64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PasswordAuthenticator {
    pub fn new(
        limits: SignInLimits,
        known_devices: KnownDevices,
        password_hasher: Arc<PasswordHasherPool>,
    ) -> Self {
        Self { limits, known_devices, password_hasher }
    }

    /// Forgets all attempts, so that no limit delays the next one.
    pub fn forget_attempts(&self) {
        for limit in [&self.limits.account, &self.limits.address, &self.limits.known_device] {
            limit.clear();
        }
    }

    /// Returns the cookie of a browser in which `user` has signed in. `device` is random.
    pub fn device_cookie(&self, cookie: &str, user: &User, device: [u8; 16], now: i64) -> String {
        self.known_devices.issue(cookie, user, device, now)
    }

    /// Verifies a user name and password, and returns the user. Rate limits count by the normalized
    /// name, so that no spelling of it gives further attempts.
    ///
    /// # Errors
    /// Returns [`SignInError`]. Neither the error nor the response time reveals whether the account
    /// exists.
    pub async fn sign_in(
        &self,
        store: &dyn Store,
        attempt: SignInAttempt<'_>,
    ) -> Result<User, SignInError> {
        // No user has such a name or password, and whether one could exist is not a secret.
        let (Ok(username), Ok(password)) =
            (typed_username(attempt.username), normalize_password(attempt.password))
        else {
            return Err(SignInError::InvalidCredentials { sub: None });
        };
        let permits = self.acquire(store, &username, attempt).await?;
        let known = store.user_by_username(&username).await?;
        let sub = known.as_ref().map(|user| user.sub.clone());
        let Some(user) = known.filter(|user| user.enabled) else {
            self.password_hasher.verify_dummy(password.expose(), None, permits).await;
            return Err(SignInError::InvalidCredentials { sub });
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
        found.flatten().map(|_| user).ok_or(SignInError::InvalidCredentials { sub })
    }

    /// Acquires a permit of the known device. Without one, or once its permits are used up, the
    /// attempt counts by account and address like any other.
    async fn acquire(
        &self,
        store: &dyn Store,
        username: &str,
        attempt: SignInAttempt<'_>,
    ) -> Result<Vec<Permit>, SignInError> {
        let SignInAttempt { address, uptime, .. } = attempt;
        let wait_of_device = match self.known_device(store, username, attempt).await? {
            None => u64::MAX,
            Some(subject) => {
                match self.limits.known_device.acquire_for_all_networks(&subject, uptime).await {
                    Ok(permit) => return Ok(vec![permit]),
                    Err(wait) => wait,
                }
            }
        };
        let too_many =
            |wait: u64| SignInError::RateLimited { retry_after: wait.min(wait_of_device) };
        let of_address =
            self.limits.address.acquire("", address, uptime).await.map_err(too_many)?;
        match self.limits.account.acquire(username, address, uptime).await {
            Ok(of_account) => Ok(vec![of_address, of_account]),
            Err(wait) => {
                of_address.consume();
                Err(too_many(wait))
            }
        }
    }

    /// Returns the rate limit's subject of the device that the cookie names, if it is one of this
    /// user. The database is asked only after a genuine cookie, which a browser gets by signing in
    /// as this user: for all others, real and made-up names take the same steps.
    async fn known_device(
        &self,
        store: &dyn Store,
        username: &str,
        attempt: SignInAttempt<'_>,
    ) -> Result<Option<String>, StoreError> {
        let SignInAttempt { device_cookie, now, .. } = attempt;
        let Some(device) = self.known_devices.find(device_cookie, username, now) else {
            return Ok(None);
        };
        let user = enabled_user(store, username).await?;
        let own = user.filter(|user| self.known_devices.belongs_to(&device, user));
        Ok(own.map(|user| device.rate_limit_subject(&user)))
    }
}

async fn enabled_user(store: &dyn Store, username: &str) -> Result<Option<User>, StoreError> {
    Ok(store.user_by_username(username).await?.filter(|user| user.enabled))
}

#[cfg(test)]
mod tests;
