//! Test suite for implementations of [`AccountStore`], races included. [`suite!`] takes a function
//! that creates an empty store.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test suite fails by panicking")]

use futures_util::future::join_all;

use super::{
    AccountStore, BackchannelLogout, Email, ExternalIdentity, Identity, LinkOutcome, LoginOutcome,
    LoginPurpose, PendingLogin, Profile, Session, UnlinkOutcome,
};
use crate::random_id::Digest;

/// Defines one test per behavior, each with a new empty store.
#[macro_export]
macro_rules! accounts_conformance {
    ($empty_store:ident) => {
        $crate::accounts_conformance!($empty_store:
            pending_login_is_consumed_once_and_only_by_its_browser,
            concurrent_responses_consume_a_pending_login_once,
            first_login_creates_an_account_and_later_logins_find_it,
            concurrent_first_logins_of_one_identity_create_one_account,
            concurrent_first_logins_with_one_email_create_one_account,
            one_subject_at_two_issuers_is_two_accounts,
            each_login_updates_the_profile,
            email_does_not_log_in_to_the_account_of_another_provider,
            unverified_email_does_not_claim_an_account,
            later_login_does_not_take_over_the_email_of_another_account,
            concurrent_logins_give_an_email_to_one_account,
            concurrent_links_attach_an_identity_to_one_account,
            last_identity_cannot_be_unlinked,
            concurrent_unlinks_leave_one_identity,
            session_ends_at_its_idle_and_absolute_timeout,
            use_extends_the_idle_timeout,
            new_session_ends_the_previous_one,
            tokens_are_updated_only_in_an_existing_session,
            backchannel_logout_ends_the_sessions_of_its_sid_or_subject_once,
            concurrent_backchannel_logouts_end_each_session_once,
            unlinking_ends_the_sessions_of_the_identity,
            only_expired_rows_are_deleted,
        );
    };
    ($empty_store:ident: $($behavior:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $behavior() {
            let test = $empty_store().await;
            $crate::accounts::conformance::$behavior(&test.store).await;
        })*
    };
}
pub use accounts_conformance as suite;

pub async fn pending_login_is_consumed_once_and_only_by_its_browser(store: &dyn AccountStore) {
    let pending = PendingLogin { session: Some(digest("session")), ..pending("state", 100) };
    store.store_pending_login(&pending).await.unwrap();
    assert_eq!(
        store.consume_pending_login(&digest("state"), &digest("another browser")).await.unwrap(),
        None
    );
    assert_eq!(
        store.consume_pending_login(&digest("another state"), &digest("browser")).await.unwrap(),
        None
    );
    assert_eq!(
        store.consume_pending_login(&digest("state"), &digest("browser")).await.unwrap(),
        Some(pending)
    );
    assert_eq!(
        store.consume_pending_login(&digest("state"), &digest("browser")).await.unwrap(),
        None
    );
}

pub async fn concurrent_responses_consume_a_pending_login_once(store: &dyn AccountStore) {
    store.store_pending_login(&pending("state", 100)).await.unwrap();
    let (state, browser) = (digest("state"), digest("browser"));
    let found = join_all((0..64).map(|_| store.consume_pending_login(&state, &browser))).await;
    assert_eq!(found.into_iter().filter(|found| found.as_ref().unwrap().is_some()).count(), 1);
}

pub async fn first_login_creates_an_account_and_later_logins_find_it(store: &dyn AccountStore) {
    let ada = external("platform", "ada", None);
    assert_eq!(store.log_in(&ada, "a1", 10).await.unwrap(), LoginOutcome::Created("a1".to_owned()));
    assert_eq!(
        store.log_in(&ada, "a2", 20).await.unwrap(),
        LoginOutcome::Existing("a1".to_owned())
    );
    let account = store.load_account("a1").await.unwrap().unwrap();
    assert_eq!(account.nickname.as_deref(), Some("ada"));
    assert_eq!((account.identities.len(), &account.identities[0].identity), (1, &ada.identity));
    assert_eq!(store.load_account("a2").await.unwrap(), None);
}

pub async fn concurrent_first_logins_of_one_identity_create_one_account(store: &dyn AccountStore) {
    let (ada, ids) = (external("platform", "ada", Some("ada@example.com")), ids(30));
    let outcome = join_all(ids.iter().map(|id| store.log_in(&ada, id, 10))).await;
    let created = outcome
        .iter()
        .filter(|outcome| matches!(outcome.as_ref().unwrap(), LoginOutcome::Created(_)));
    assert_eq!(created.count(), 1);
    let accounts =
        outcome.iter().map(|outcome| account_of(outcome.as_ref().unwrap())).collect::<Vec<_>>();
    assert!(accounts.windows(2).all(|pair| pair[0] == pair[1]), "{accounts:?}");
    let made = join_all(ids.iter().map(|id| store.load_account(id))).await;
    assert_eq!(made.iter().filter(|account| account.as_ref().unwrap().is_some()).count(), 1);
}

pub async fn concurrent_first_logins_with_one_email_create_one_account(store: &dyn AccountStore) {
    let identities: Vec<_> =
        ids(20).into_iter().map(|id| external(&id, "ada", Some("ada@example.com"))).collect();
    let ids = ids(20);
    let outcome =
        join_all(identities.iter().zip(&ids).map(|(identity, id)| store.log_in(identity, id, 10)))
            .await;
    let created = outcome
        .iter()
        .filter(|outcome| matches!(outcome.as_ref().unwrap(), LoginOutcome::Created(_)));
    assert_eq!(created.count(), 1);
    let rejected = outcome
        .iter()
        .filter(|outcome| matches!(outcome.as_ref().unwrap(), LoginOutcome::EmailTaken { .. }));
    assert_eq!(rejected.count(), 19);
}

pub async fn one_subject_at_two_issuers_is_two_accounts(store: &dyn AccountStore) {
    let one = store.log_in(&external("platform", "1", None), "a1", 10).await.unwrap();
    let other = store.log_in(&external("other", "1", None), "a2", 10).await.unwrap();
    assert_eq!(
        (one, other),
        (LoginOutcome::Created("a1".to_owned()), LoginOutcome::Created("a2".to_owned()))
    );
}

pub async fn each_login_updates_the_profile(store: &dyn AccountStore) {
    let mut ada = external("platform", "ada", Some("old@example.com"));
    store.log_in(&ada, "a1", 10).await.unwrap();
    ada.profile = Profile {
        nickname: Some("Countess".to_owned()),
        picture: None,
        email: email("new@example.com", true),
    };
    store.log_in(&ada, "x", 20).await.unwrap();
    let account = store.load_account("a1").await.unwrap().unwrap();
    assert_eq!(account.nickname.as_deref(), Some("Countess"));
    assert_eq!(account.email.as_deref(), Some("new@example.com"));
    assert_eq!(
        account.picture.as_deref(),
        Some("https://example.com/ada.png"),
        "missing claims leave the stored values"
    );
    // The old address can be claimed again.
    let other = external("other", "bob", Some("old@example.com"));
    assert_eq!(
        store.log_in(&other, "a2", 30).await.unwrap(),
        LoginOutcome::Created("a2".to_owned())
    );
}

pub async fn email_does_not_log_in_to_the_account_of_another_provider(store: &dyn AccountStore) {
    store.log_in(&external("platform", "ada", Some("Ada@Example.com")), "a1", 10).await.unwrap();
    let taken = LoginOutcome::EmailTaken { providers: vec!["platform".to_owned()] };
    let mut other = external("other", "eve", Some("ada@example.COM"));
    assert_eq!(store.log_in(&other, "a2", 20).await.unwrap(), taken);
    other.profile.email = email("ada@example.com", false);
    assert_eq!(store.log_in(&other, "a2", 20).await.unwrap(), taken);
    assert_eq!(store.load_account("a2").await.unwrap(), None);
    assert_eq!(store.load_account("a1").await.unwrap().unwrap().identities.len(), 1);
}

/// Otherwise an attacker could claim the address of another person and lock its owner out.
pub async fn unverified_email_does_not_claim_an_account(store: &dyn AccountStore) {
    let mut eve = external("lax", "eve", None);
    eve.profile.email = email("ada@example.com", false);
    store.log_in(&eve, "a1", 10).await.unwrap();
    assert_eq!(
        store.load_account("a1").await.unwrap().unwrap().email.as_deref(),
        Some("ada@example.com")
    );
    let ada = external("platform", "ada", Some("ada@example.com"));
    assert_eq!(store.log_in(&ada, "a2", 20).await.unwrap(), LoginOutcome::Created("a2".to_owned()));
}

pub async fn later_login_does_not_take_over_the_email_of_another_account(store: &dyn AccountStore) {
    let mut eve = external("other", "eve", Some("eve@example.com"));
    store.log_in(&external("platform", "ada", Some("ada@example.com")), "a1", 10).await.unwrap();
    store.log_in(&eve, "a2", 10).await.unwrap();
    eve.profile.email = email("ada@example.com", true);
    assert_eq!(store.log_in(&eve, "x", 20).await.unwrap(), LoginOutcome::Existing("a2".to_owned()));
    assert_eq!(
        store.load_account("a2").await.unwrap().unwrap().email.as_deref(),
        Some("eve@example.com")
    );
    assert_eq!(
        store.load_account("a1").await.unwrap().unwrap().email.as_deref(),
        Some("ada@example.com")
    );
}

pub async fn concurrent_logins_give_an_email_to_one_account(store: &dyn AccountStore) {
    let ids = ids(20);
    let mut identities: Vec<_> = ids.iter().map(|id| external("platform", id, None)).collect();
    for (identity, id) in identities.iter().zip(&ids) {
        store.log_in(identity, id, 10).await.unwrap();
    }
    identities
        .iter_mut()
        .for_each(|identity| identity.profile.email = email("ada@example.com", true));
    let outcome = join_all(identities.iter().map(|identity| store.log_in(identity, "x", 20))).await;
    assert!(
        outcome
            .into_iter()
            .zip(&ids)
            .all(|(outcome, id)| outcome.unwrap() == LoginOutcome::Existing(id.clone()))
    );
    let accounts = join_all(ids.iter().map(|id| store.load_account(id))).await;
    let with_email = accounts
        .into_iter()
        .filter(|account| account.as_ref().unwrap().as_ref().unwrap().email.is_some());
    assert_eq!(with_email.count(), 1);
}

pub async fn concurrent_links_attach_an_identity_to_one_account(store: &dyn AccountStore) {
    store.log_in(&external("platform", "ada", None), "a1", 10).await.unwrap();
    store.log_in(&external("platform", "bob", None), "a2", 10).await.unwrap();
    let other = external("other", "shared", None);
    let linked = join_all(
        (0..20).map(|n| store.link_identity(if n % 2 == 0 { "a1" } else { "a2" }, &other, 20)),
    )
    .await;
    let count = |wanted: LinkOutcome| {
        linked.iter().filter(|linked| *linked.as_ref().unwrap() == wanted).count()
    };
    assert_eq!(
        (
            count(LinkOutcome::Linked),
            count(LinkOutcome::AlreadyLinked),
            count(LinkOutcome::LinkedElsewhere)
        ),
        (1, 9, 10)
    );
}

pub async fn last_identity_cannot_be_unlinked(store: &dyn AccountStore) {
    let (ada, other) = (external("platform", "ada", None), external("other", "ada", None));
    store.log_in(&ada, "a1", 10).await.unwrap();
    store.log_in(&external("platform", "bob", None), "a2", 10).await.unwrap();
    assert_eq!(
        store.unlink_identity("a1", &ada.identity).await.unwrap(),
        UnlinkOutcome::LastIdentity
    );
    store.link_identity("a1", &other, 20).await.unwrap();
    assert_eq!(
        store.unlink_identity("a2", &ada.identity).await.unwrap(),
        UnlinkOutcome::NotFound,
        "identity of another account"
    );
    assert_eq!(store.unlink_identity("a1", &ada.identity).await.unwrap(), UnlinkOutcome::Removed);
    assert_eq!(store.unlink_identity("a1", &ada.identity).await.unwrap(), UnlinkOutcome::NotFound);
    assert_eq!(
        store.unlink_identity("a1", &other.identity).await.unwrap(),
        UnlinkOutcome::LastIdentity
    );
}

pub async fn concurrent_unlinks_leave_one_identity(store: &dyn AccountStore) {
    let ids = ids(20);
    let identities_of = |id: &str| [external("platform", id, None), external("other", id, None)];
    for id in &ids {
        let [first, second] = identities_of(id);
        store.log_in(&first, id, 10).await.unwrap();
        store.link_identity(id, &second, 20).await.unwrap();
    }
    let unlink_both = async |id: &String| {
        let [first, second] = identities_of(id);
        let outcomes = join_all([
            store.unlink_identity(id, &first.identity),
            store.unlink_identity(id, &second.identity),
        ])
        .await;
        assert_eq!(
            outcomes
                .iter()
                .filter(|outcome| *outcome.as_ref().unwrap() == UnlinkOutcome::Removed)
                .count(),
            1
        );
        assert_eq!(store.load_account(id).await.unwrap().unwrap().identities.len(), 1);
    };
    join_all(ids.iter().map(unlink_both)).await;
}

pub async fn session_ends_at_its_idle_and_absolute_timeout(store: &dyn AccountStore) {
    store.log_in(&external("platform", "ada", None), "a1", 10).await.unwrap();
    let session = session("s", "sid");
    store.start_session(&session, None).await.unwrap();
    assert_eq!(store.load_session(&session.id, 99, 100).await.unwrap(), Some(session.clone()));
    assert_eq!(store.load_session(&session.id, 100, 100).await.unwrap(), None, "idle");
    assert_eq!(store.load_session(&session.id, 0, 1_000).await.unwrap(), None, "expired");
    assert_eq!(store.load_session(&digest("another"), 0, 100).await.unwrap(), None);
    store.end_session(&session.id).await.unwrap();
    assert_eq!(store.load_session(&session.id, 0, 100).await.unwrap(), None);
}

pub async fn use_extends_the_idle_timeout(store: &dyn AccountStore) {
    store.log_in(&external("platform", "ada", None), "a1", 10).await.unwrap();
    store.start_session(&session("s", "sid"), None).await.unwrap();
    assert!(store.load_session(&digest("s"), 50, 500).await.unwrap().is_some());
    assert!(store.load_session(&digest("s"), 450, 900).await.unwrap().is_some(), "seen at 500");
    assert!(store.load_session(&digest("s"), 900, 950).await.unwrap().is_none());
}

pub async fn new_session_ends_the_previous_one(store: &dyn AccountStore) {
    store.log_in(&external("platform", "ada", None), "a1", 10).await.unwrap();
    store.start_session(&session("old", "sid"), None).await.unwrap();
    store.start_session(&session("new", "sid"), Some(&digest("old"))).await.unwrap();
    assert!(store.load_session(&digest("old"), 0, 100).await.unwrap().is_none());
    assert!(store.load_session(&digest("new"), 0, 100).await.unwrap().is_some());
}

pub async fn tokens_are_updated_only_in_an_existing_session(store: &dyn AccountStore) {
    store.log_in(&external("platform", "ada", None), "a1", 10).await.unwrap();
    store.start_session(&session("s", "sid"), None).await.unwrap();
    assert!(store.update_tokens(&digest("s"), b"newer").await.unwrap());
    assert_eq!(
        store.load_session(&digest("s"), 0, 100).await.unwrap().unwrap().sealed_tokens,
        b"newer"
    );
    assert!(!store.update_tokens(&digest("another"), b"newer").await.unwrap());
}

pub async fn backchannel_logout_ends_the_sessions_of_its_sid_or_subject_once(
    store: &dyn AccountStore,
) {
    store.log_in(&external("platform", "ada", None), "a1", 10).await.unwrap();
    for (id, sid) in [("one", "first"), ("two", "first"), ("three", "second"), ("four", "third")] {
        store.start_session(&session(id, sid), None).await.unwrap();
    }
    let logout = |jti: &str, subject: Option<&str>, sid: Option<&str>| BackchannelLogout {
        issuer: issuer("platform"),
        subject: subject.map(str::to_owned),
        sid: sid.map(str::to_owned),
        jti: jti.to_owned(),
        expires_at: 500,
    };
    let other_issuer =
        BackchannelLogout { issuer: issuer("other"), ..logout("j0", Some("ada"), None) };
    assert_eq!(
        store.apply_backchannel_logout(&other_issuer).await.unwrap(),
        Some(0),
        "other issuer"
    );
    assert_eq!(
        store.apply_backchannel_logout(&logout("j1", Some("bob"), Some("first"))).await.unwrap(),
        Some(0)
    );
    assert_eq!(
        store.apply_backchannel_logout(&logout("j2", None, Some("first"))).await.unwrap(),
        Some(2)
    );
    assert_eq!(
        store.apply_backchannel_logout(&logout("j2", Some("ada"), None)).await.unwrap(),
        None,
        "already used"
    );
    assert!(store.load_session(&digest("three"), 0, 100).await.unwrap().is_some());
    assert_eq!(
        store.apply_backchannel_logout(&logout("j3", Some("ada"), None)).await.unwrap(),
        Some(2)
    );
    assert!(store.load_session(&digest("four"), 0, 100).await.unwrap().is_none());
}

pub async fn concurrent_backchannel_logouts_end_each_session_once(store: &dyn AccountStore) {
    store.log_in(&external("platform", "ada", None), "a1", 10).await.unwrap();
    for id in ids(20) {
        store.start_session(&session(&id, &id), None).await.unwrap();
    }
    // Each token is sent twice.
    let logouts: Vec<_> = (0..40)
        .map(|n| BackchannelLogout {
            issuer: issuer("platform"),
            subject: Some("ada".to_owned()),
            sid: None,
            jti: format!("j{}", n / 2),
            expires_at: 500,
        })
        .collect();
    let ended = join_all(logouts.iter().map(|logout| store.apply_backchannel_logout(logout))).await;
    let taken: Vec<_> = ended.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!((taken.len(), taken.iter().sum::<u64>()), (20, 20));
}

pub async fn unlinking_ends_the_sessions_of_the_identity(store: &dyn AccountStore) {
    let ada = external("platform", "ada", None);
    store.log_in(&ada, "a1", 10).await.unwrap();
    store.link_identity("a1", &external("other", "ada", None), 10).await.unwrap();
    store.start_session(&session("s", "sid"), None).await.unwrap();
    store.unlink_identity("a1", &ada.identity).await.unwrap();
    assert!(store.load_session(&digest("s"), 0, 100).await.unwrap().is_none());
}

pub async fn only_expired_rows_are_deleted(store: &dyn AccountStore) {
    store.log_in(&external("platform", "ada", None), "a1", 10).await.unwrap();
    store.store_pending_login(&pending("old", 100)).await.unwrap();
    store.store_pending_login(&pending("recently expired", 9_000)).await.unwrap();
    store
        .start_session(
            &Session { last_seen_at: 8_000, expires_at: 20_000, ..session("idle", "a") },
            None,
        )
        .await
        .unwrap();
    store
        .start_session(
            &Session { last_seen_at: 9_900, expires_at: 9_950, ..session("expired", "b") },
            None,
        )
        .await
        .unwrap();
    store
        .start_session(
            &Session { last_seen_at: 9_900, expires_at: 20_000, ..session("active", "c") },
            None,
        )
        .await
        .unwrap();
    let logout = |jti: &str, expires_at| BackchannelLogout {
        issuer: issuer("other"),
        subject: None,
        sid: Some("x".to_owned()),
        jti: jti.to_owned(),
        expires_at,
    };
    store.apply_backchannel_logout(&logout("old", 100)).await.unwrap();
    store.apply_backchannel_logout(&logout("young", 20_000)).await.unwrap();
    assert_eq!(
        store.delete_expired(9_000, 10_000).await.unwrap(),
        4,
        "two sessions, a pending login and a logout token"
    );
    assert!(store.load_session(&digest("active"), 9_000, 10_000).await.unwrap().is_some());
    assert!(
        store
            .consume_pending_login(&digest("recently expired"), &digest("browser"))
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(store.apply_backchannel_logout(&logout("young", 20_000)).await.unwrap(), None);
}

fn account_of(outcome: &LoginOutcome) -> &str {
    match outcome {
        LoginOutcome::Existing(id) | LoginOutcome::Created(id) => id,
        LoginOutcome::EmailTaken { .. } => "",
    }
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("id-{n}")).collect()
}

fn digest(text: &str) -> Digest {
    Digest::of(text)
}

fn issuer(provider: &str) -> String {
    format!("https://{provider}.example")
}

fn email(address: &str, verified: bool) -> Option<Email> {
    Some(Email { address: address.to_owned(), verified })
}

fn external(provider: &str, subject: &str, address: Option<&str>) -> ExternalIdentity {
    ExternalIdentity {
        identity: Identity { issuer: issuer(provider), subject: subject.to_owned() },
        provider: provider.to_owned(),
        profile: Profile {
            nickname: Some(subject.to_owned()),
            picture: Some("https://example.com/ada.png".to_owned()),
            email: address.and_then(|address| email(address, true)),
        },
    }
}

fn pending(state: &str, expires_at: i64) -> PendingLogin {
    PendingLogin {
        state: digest(state),
        browser: digest("browser"),
        provider: "platform".to_owned(),
        purpose: LoginPurpose::Link,
        session: None,
        sealed_secrets: b"sealed".to_vec(),
        expires_at,
    }
}

/// Session of `a1`, last used at 100, expiring at 1000.
fn session(id: &str, sid: &str) -> Session {
    Session {
        id: digest(id),
        account_id: "a1".to_owned(),
        provider: "platform".to_owned(),
        identity: Identity { issuer: issuer("platform"), subject: "ada".to_owned() },
        sid: Some(sid.to_owned()),
        sealed_tokens: b"sealed".to_vec(),
        last_seen_at: 100,
        expires_at: 1_000,
    }
}
