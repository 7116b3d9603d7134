use std::net::Ipv4Addr;

use oauth_types::StandardClaims;

use super::*;
use crate::{
    domain::{Actor, Attributes, hash_password},
    storage::{AuditedChange, SqliteStore, UserStore},
    users::known_devices::KNOWN_DEVICE_TTL_SECONDS,
};

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const NOW: i64 = 1_000;

fn limits(account: u32, address: u32) -> SignInLimits {
    SignInLimits {
        account: RateLimiter::new("sign_in", account, 60, None),
        address: RateLimiter::new("sign_in_address", address, 60, None),
        known_device: RateLimiter::new("sign_in_known_device", 3, 86_400, None),
    }
}

fn authenticator(
    limits: SignInLimits,
    password_hasher: Arc<PasswordHasherPool>,
) -> PasswordAuthenticator {
    PasswordAuthenticator::new(limits, KnownDevices::new(&[1; 32]), password_hasher)
}

fn attempt<'a>(username: &'a str, password: &'a Password) -> SignInAttempt<'a> {
    SignInAttempt {
        username,
        password,
        device_cookie: "",
        address: HOME,
        now: NOW,
        uptime: Duration::ZERO,
    }
}

/// A store with these users, whose password is `right`.
struct TestUsers {
    store: SqliteStore,
    authenticator: PasswordAuthenticator,
    _folder: tempfile::TempDir,
}

impl TestUsers {
    async fn new(limits: SignInLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("c.db")).await.unwrap();
        for name in ["alice", "bob"] {
            add_user(&store, name, "right").await;
        }
        let hasher = Arc::new(PasswordHasherPool::for_passwords(false));
        Self { store, authenticator: authenticator(limits, hasher), _folder: folder }
    }

    /// Signs in with a device cookie, and returns the retry time if that is limited.
    async fn sign_in(
        &self,
        device_cookie: &str,
        username: &str,
        password: &str,
    ) -> Result<bool, u64> {
        self.sign_in_at(NOW, device_cookie, username, password).await
    }

    async fn sign_in_at(
        &self,
        now: i64,
        device_cookie: &str,
        username: &str,
        password: &str,
    ) -> Result<bool, u64> {
        let password = Password::new(password);
        let attempt = SignInAttempt { device_cookie, now, ..attempt(username, &password) };
        match self.authenticator.sign_in(&self.store, attempt).await {
            Ok(_) => Ok(true),
            Err(SignInError::InvalidCredentials { .. }) => Ok(false),
            Err(SignInError::RateLimited { retry_after }) => Err(retry_after),
            Err(SignInError::Store(error)) => panic!("{error}"),
        }
    }

    /// Guesses from other browsers until the limits of this network are used up.
    async fn use_up_the_network(&self) {
        for n in 0.. {
            let guessed = self.sign_in("", &format!("made-up-{n}"), "wrong").await;
            if guessed.is_err() {
                return;
            }
        }
    }

    /// Returns the cookie of a browser in which the user signed in at [`NOW`].
    async fn cookie_of(&self, username: &str) -> String {
        let user = self.store.user_by_username(username).await.unwrap().unwrap();
        self.authenticator.device_cookie("", &user, [7; 16], NOW)
    }
}

async fn add_user(store: &SqliteStore, name: &str, password: &str) {
    let user = User {
        sub: format!("sub-of-{name}"),
        username: name.to_owned(),
        password: hash_password(password, [3; 16]).unwrap(),
        claims: StandardClaims::default(),
        enabled: true,
        attributes: Attributes::default(),
        device_generation: 0,
    };
    store.apply(AuditedChange::add_user(user, Actor::Cli, 1_000)).await.unwrap();
}

#[tokio::test]
async fn known_device_of_the_user_gets_through_while_others_guess() {
    let users = TestUsers::new(limits(5, 4)).await;
    let cookie = users.cookie_of("alice").await;
    users.use_up_the_network().await;
    assert!(users.sign_in("", "alice", "right").await.is_err());
    for _ in 0..10 {
        assert_eq!(users.sign_in(&cookie, " Alice", "right").await, Ok(true));
    }
    assert!(users.sign_in(&cookie, "bob", "right").await.is_err(), "another user");
}

#[tokio::test]
async fn known_device_gets_through_while_others_guess_at_this_account() {
    let users = TestUsers::new(limits(2, 100)).await;
    let cookie = users.cookie_of("alice").await;
    while users.sign_in("", "alice", "wrong").await.is_ok() {}
    assert!(users.sign_in("", "alice", "right").await.is_err());
    assert_eq!(users.sign_in(&cookie, "alice", "right").await, Ok(true));
}

#[tokio::test]
async fn attempts_of_a_known_device_are_finite() {
    let users = TestUsers::new(limits(5, 4)).await;
    let cookie = users.cookie_of("alice").await;
    users.use_up_the_network().await;
    for _ in 0..3 {
        assert_eq!(users.sign_in(&cookie, "alice", "wrong").await, Ok(false));
    }
    let wait = users.sign_in(&cookie, "alice", "right").await.unwrap_err();
    assert!(wait <= 60, "the shorter of the waits: {wait}");
}

#[tokio::test]
async fn used_up_device_counts_like_an_unknown_one() {
    let users = TestUsers::new(limits(2, 100)).await;
    let cookie = users.cookie_of("alice").await;
    let mut guesses = 0;
    while users.sign_in(&cookie, "alice", "wrong").await.is_ok() {
        guesses += 1;
    }
    assert_eq!(guesses, 3 + 2);
}

#[tokio::test]
async fn attempts_of_a_known_device_do_not_count_for_the_network() {
    let users = TestUsers::new(limits(1, 1)).await;
    let cookie = users.cookie_of("alice").await;
    for _ in 0..3 {
        assert_eq!(users.sign_in(&cookie, "alice", "wrong").await, Ok(false));
    }
    assert_eq!(users.sign_in("", "bob", "right").await, Ok(true));
}

#[tokio::test]
async fn cookie_that_is_expired_forged_or_from_before_a_change_gives_nothing() {
    let users = TestUsers::new(limits(5, 4)).await;
    let cookie = users.cookie_of("alice").await;
    let forged = KnownDevices::new(&[2; 32]);
    let alice = users.store.user_by_username("alice").await.unwrap().unwrap();
    let forged = forged.issue("", &alice, [7; 16], NOW);
    users.use_up_the_network().await;
    let later = NOW + KNOWN_DEVICE_TTL_SECONDS;
    assert!(users.sign_in_at(later, &cookie, "alice", "right").await.is_err());
    assert!(users.sign_in(&forged, "alice", "right").await.is_err());
    assert_eq!(users.sign_in(&cookie, "alice", "right").await, Ok(true));
    let (sub, cli) = ("sub-of-alice", Actor::Cli);
    let password = hash_password("right", [4; 16]).unwrap();
    for change in [
        AuditedChange::sign_out_user(sub, cli.clone(), 2_000),
        AuditedChange::set_password(sub, password, cli.clone(), 3_000),
        AuditedChange::disable_user(sub, cli.clone(), 4_000),
    ] {
        let cookie = users.cookie_of("alice").await;
        assert_eq!(users.sign_in(&cookie, "alice", "right").await, Ok(true));
        users.store.apply(change).await.unwrap();
        assert!(users.sign_in(&cookie, "alice", "right").await.is_err());
        let enabled = AuditedChange::enable_user(sub, cli.clone(), 5_000);
        users.store.apply(enabled).await.unwrap();
        assert!(users.sign_in(&cookie, "alice", "right").await.is_err());
    }
}

#[tokio::test]
async fn real_and_made_up_names_are_limited_alike_with_every_cookie() {
    let mut all_answers = Vec::new();
    for name in ["alice", "made-up"] {
        let users = TestUsers::new(limits(2, 5)).await;
        let cookies = ["".to_owned(), users.cookie_of("bob").await, "A".repeat(96)];
        let mut answers = Vec::new();
        for cookie in cookies.iter().cycle().take(9) {
            answers.push(users.sign_in(cookie, name, "wrong").await);
        }
        all_answers.push(answers);
    }
    assert_eq!(all_answers[0], all_answers[1]);
}

#[tokio::test]
async fn every_failed_sign_in_waits_for_a_slow_hash_in_one_queue() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("c.db")).await.unwrap());
    for name in ["alice", "gone"] {
        add_user(&store, name, "right").await;
    }
    store.apply(AuditedChange::disable_user("sub-of-gone", Actor::Cli, 2_000)).await.unwrap();
    for (username, password) in [("alice", "wrong"), ("nobody", "wrong"), ("gone", "right")] {
        let password_hasher = Arc::new(PasswordHasherPool::for_passwords(false));
        let users = Arc::new(authenticator(limits(10, 100), Arc::clone(&password_hasher)));
        let slots = password_hasher.fill_single_queue().await;
        let attempt = tokio::spawn({
            let (users, store) = (Arc::clone(&users), Arc::clone(&store));
            async move {
                let password = Password::new(password);
                users.sign_in(&*store, attempt(username, &password)).await
            }
        });
        // In a pool with one queue, a requested check waits for the permits that this test has.
        while password_hasher.requested() == 0 && !attempt.is_finished() {
            tokio::task::yield_now().await;
        }
        assert!(!attempt.is_finished(), "{username} did not wait");
        drop(slots);
        assert!(
            matches!(attempt.await.unwrap(), Err(SignInError::InvalidCredentials { .. })),
            "{username}"
        );
        assert_eq!(password_hasher.requested(), 1, "{username}");
    }
}

#[tokio::test]
async fn spellings_of_a_name_and_password_are_one_and_share_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("c.db")).await.unwrap();
    add_user(&store, "zo\u{e9}", "caf\u{e9} ").await;
    let hasher = Arc::new(PasswordHasherPool::for_passwords(false));
    let users = authenticator(limits(2, 100), hasher);
    let sign_in = async |username: &str, password: &str| {
        users.sign_in(&store, attempt(username, &Password::new(password))).await
    };
    for (username, password) in
        [("zo\u{e9}", "caf\u{e9} "), ("Zoe\u{301} ", "cafe\u{301} "), ("ZO\u{c9}", "caf\u{e9} ")]
    {
        assert!(sign_in(username, password).await.is_ok(), "{username} {password}");
    }
    for (username, password) in [("Zoe\u{301}", "caf\u{e9}"), ("zo\u{e9}", "Caf\u{e9} ")] {
        let wrong = sign_in(username, password).await;
        assert!(matches!(wrong, Err(SignInError::InvalidCredentials { .. })), "{username}");
    }
    let limited = sign_in("ZOe\u{301}", "caf\u{e9} ").await;
    assert!(matches!(limited, Err(SignInError::RateLimited { .. })));
}
