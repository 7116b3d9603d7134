//! What every backend has to do, races included. A backend calls [`suite!`] with a function that
//! makes an empty store.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a suite says what it expects by failing")]

use futures_util::future::join_all;

use super::{
    AccountStore, Email, EndSessions, Entered, Identity, Linked, PendingLogin, Profile, Purpose,
    Session, Unlinked, Visitor,
};
use crate::random_id::Digest;

/// A test for each behaviour, against the store that `$fresh().await.store` holds.
#[macro_export]
macro_rules! accounts_conformance {
    ($fresh:ident) => {
        $crate::accounts_conformance!($fresh:
            a_pending_login_comes_back_once_and_to_its_browser_alone,
            of_many_answers_with_one_state_one_finds_the_login,
            a_first_login_makes_an_account_and_the_next_finds_it,
            many_first_logins_of_one_person_make_one_account,
            many_first_logins_with_one_address_make_one_account,
            one_subject_at_two_issuers_is_two_people,
            what_a_provider_says_is_taken_up_at_each_login,
            an_address_leads_to_no_account_of_another_provider,
            an_unverified_address_claims_nothing,
            an_address_that_is_taken_is_not_taken_over_by_a_later_login,
            of_many_accounts_that_want_one_address_one_has_it,
            an_identity_is_linked_to_one_account_also_in_a_race,
            the_last_identity_stays,
            of_two_that_take_the_last_two_away_one_is_told_no,
            a_session_is_found_until_it_is_idle_or_too_old,
            a_session_that_is_seen_lives_on,
            a_new_session_ends_the_one_before,
            tokens_are_kept_in_a_session_that_is_there,
            a_notice_ends_the_sessions_of_its_sid_or_of_its_subject_once,
            many_notices_at_once_end_each_session_once,
            an_unlinked_identity_leaves_no_session,
            a_sweep_takes_what_is_void_and_nothing_else,
        );
    };
    ($fresh:ident: $($behaviour:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $behaviour() {
            let fresh = $fresh().await;
            $crate::accounts::conformance::$behaviour(&fresh.store).await;
        })*
    };
}
pub use accounts_conformance as suite;

pub async fn a_pending_login_comes_back_once_and_to_its_browser_alone(store: &dyn AccountStore) {
    let pending = PendingLogin { session: Some(digest("session")), ..pending("state", 100) };
    store.begin_login(&pending).await.unwrap();
    assert_eq!(store.take_login(&digest("state"), &digest("another browser")).await.unwrap(), None);
    assert_eq!(store.take_login(&digest("another state"), &digest("browser")).await.unwrap(), None);
    assert_eq!(
        store.take_login(&digest("state"), &digest("browser")).await.unwrap(),
        Some(pending)
    );
    assert_eq!(store.take_login(&digest("state"), &digest("browser")).await.unwrap(), None);
}

pub async fn of_many_answers_with_one_state_one_finds_the_login(store: &dyn AccountStore) {
    store.begin_login(&pending("state", 100)).await.unwrap();
    let (state, browser) = (digest("state"), digest("browser"));
    let found = join_all((0..64).map(|_| store.take_login(&state, &browser))).await;
    assert_eq!(found.into_iter().filter(|found| found.as_ref().unwrap().is_some()).count(), 1);
}

pub async fn a_first_login_makes_an_account_and_the_next_finds_it(store: &dyn AccountStore) {
    let ada = visitor("platform", "ada", None);
    assert_eq!(store.enter(&ada, "a1", 10).await.unwrap(), Entered::New("a1".to_owned()));
    assert_eq!(store.enter(&ada, "a2", 20).await.unwrap(), Entered::Known("a1".to_owned()));
    let account = store.account("a1").await.unwrap().unwrap();
    assert_eq!(account.nickname.as_deref(), Some("ada"));
    assert_eq!((account.identities.len(), &account.identities[0].identity), (1, &ada.identity));
    assert_eq!(store.account("a2").await.unwrap(), None);
}

pub async fn many_first_logins_of_one_person_make_one_account(store: &dyn AccountStore) {
    let (ada, ids) = (visitor("platform", "ada", Some("ada@example.com")), ids(30));
    let entered = join_all(ids.iter().map(|id| store.enter(&ada, id, 10))).await;
    let news =
        entered.iter().filter(|entered| matches!(entered.as_ref().unwrap(), Entered::New(_)));
    assert_eq!(news.count(), 1);
    let accounts =
        entered.iter().map(|entered| account_of(entered.as_ref().unwrap())).collect::<Vec<_>>();
    assert!(accounts.windows(2).all(|pair| pair[0] == pair[1]), "{accounts:?}");
    let made = join_all(ids.iter().map(|id| store.account(id))).await;
    assert_eq!(made.iter().filter(|account| account.as_ref().unwrap().is_some()).count(), 1);
}

pub async fn many_first_logins_with_one_address_make_one_account(store: &dyn AccountStore) {
    let visitors: Vec<_> =
        ids(20).into_iter().map(|id| visitor(&id, "ada", Some("ada@example.com"))).collect();
    let ids = ids(20);
    let entered =
        join_all(visitors.iter().zip(&ids).map(|(visitor, id)| store.enter(visitor, id, 10))).await;
    let news =
        entered.iter().filter(|entered| matches!(entered.as_ref().unwrap(), Entered::New(_)));
    assert_eq!(news.count(), 1);
    let refused = entered
        .iter()
        .filter(|entered| matches!(entered.as_ref().unwrap(), Entered::EmailTaken { .. }));
    assert_eq!(refused.count(), 19);
}

pub async fn one_subject_at_two_issuers_is_two_people(store: &dyn AccountStore) {
    let one = store.enter(&visitor("platform", "1", None), "a1", 10).await.unwrap();
    let other = store.enter(&visitor("other", "1", None), "a2", 10).await.unwrap();
    assert_eq!((one, other), (Entered::New("a1".to_owned()), Entered::New("a2".to_owned())));
}

pub async fn what_a_provider_says_is_taken_up_at_each_login(store: &dyn AccountStore) {
    let mut ada = visitor("platform", "ada", Some("old@example.com"));
    store.enter(&ada, "a1", 10).await.unwrap();
    ada.profile = Profile {
        nickname: Some("Countess".to_owned()),
        picture: None,
        email: email("new@example.com", true),
    };
    store.enter(&ada, "x", 20).await.unwrap();
    let account = store.account("a1").await.unwrap().unwrap();
    assert_eq!(account.nickname.as_deref(), Some("Countess"));
    assert_eq!(account.email.as_deref(), Some("new@example.com"));
    assert_eq!(
        account.picture.as_deref(),
        Some("https://example.com/ada.png"),
        "what is no longer said stays"
    );
    // The old address is free again.
    let other = visitor("other", "bob", Some("old@example.com"));
    assert_eq!(store.enter(&other, "a2", 30).await.unwrap(), Entered::New("a2".to_owned()));
}

pub async fn an_address_leads_to_no_account_of_another_provider(store: &dyn AccountStore) {
    store.enter(&visitor("platform", "ada", Some("Ada@Example.com")), "a1", 10).await.unwrap();
    let taken = Entered::EmailTaken { providers: vec!["platform".to_owned()] };
    let mut other = visitor("other", "eve", Some("ada@example.COM"));
    assert_eq!(store.enter(&other, "a2", 20).await.unwrap(), taken);
    other.profile.email = email("ada@example.com", false);
    assert_eq!(store.enter(&other, "a2", 20).await.unwrap(), taken);
    assert_eq!(store.account("a2").await.unwrap(), None);
    assert_eq!(store.account("a1").await.unwrap().unwrap().identities.len(), 1);
}

/// Else somebody could take an address that is not theirs, and keep its owner out.
pub async fn an_unverified_address_claims_nothing(store: &dyn AccountStore) {
    let mut eve = visitor("lax", "eve", None);
    eve.profile.email = email("ada@example.com", false);
    store.enter(&eve, "a1", 10).await.unwrap();
    assert_eq!(
        store.account("a1").await.unwrap().unwrap().email.as_deref(),
        Some("ada@example.com")
    );
    let ada = visitor("platform", "ada", Some("ada@example.com"));
    assert_eq!(store.enter(&ada, "a2", 20).await.unwrap(), Entered::New("a2".to_owned()));
}

pub async fn an_address_that_is_taken_is_not_taken_over_by_a_later_login(store: &dyn AccountStore) {
    let mut eve = visitor("other", "eve", Some("eve@example.com"));
    store.enter(&visitor("platform", "ada", Some("ada@example.com")), "a1", 10).await.unwrap();
    store.enter(&eve, "a2", 10).await.unwrap();
    eve.profile.email = email("ada@example.com", true);
    assert_eq!(store.enter(&eve, "x", 20).await.unwrap(), Entered::Known("a2".to_owned()));
    assert_eq!(
        store.account("a2").await.unwrap().unwrap().email.as_deref(),
        Some("eve@example.com")
    );
    assert_eq!(
        store.account("a1").await.unwrap().unwrap().email.as_deref(),
        Some("ada@example.com")
    );
}

pub async fn of_many_accounts_that_want_one_address_one_has_it(store: &dyn AccountStore) {
    let ids = ids(20);
    let mut visitors: Vec<_> = ids.iter().map(|id| visitor("platform", id, None)).collect();
    for (visitor, id) in visitors.iter().zip(&ids) {
        store.enter(visitor, id, 10).await.unwrap();
    }
    visitors.iter_mut().for_each(|visitor| visitor.profile.email = email("ada@example.com", true));
    let entered = join_all(visitors.iter().map(|visitor| store.enter(visitor, "x", 20))).await;
    assert!(
        entered
            .into_iter()
            .zip(&ids)
            .all(|(entered, id)| entered.unwrap() == Entered::Known(id.clone()))
    );
    let accounts = join_all(ids.iter().map(|id| store.account(id))).await;
    let having = accounts
        .into_iter()
        .filter(|account| account.as_ref().unwrap().as_ref().unwrap().email.is_some());
    assert_eq!(having.count(), 1);
}

pub async fn an_identity_is_linked_to_one_account_also_in_a_race(store: &dyn AccountStore) {
    store.enter(&visitor("platform", "ada", None), "a1", 10).await.unwrap();
    store.enter(&visitor("platform", "bob", None), "a2", 10).await.unwrap();
    let other = visitor("other", "shared", None);
    let linked =
        join_all((0..20).map(|n| store.link(if n % 2 == 0 { "a1" } else { "a2" }, &other, 20)))
            .await;
    let count =
        |wanted: Linked| linked.iter().filter(|linked| *linked.as_ref().unwrap() == wanted).count();
    assert_eq!(
        (count(Linked::Added), count(Linked::Already), count(Linked::Elsewhere)),
        (1, 9, 10)
    );
}

pub async fn the_last_identity_stays(store: &dyn AccountStore) {
    let (ada, other) = (visitor("platform", "ada", None), visitor("other", "ada", None));
    store.enter(&ada, "a1", 10).await.unwrap();
    store.enter(&visitor("platform", "bob", None), "a2", 10).await.unwrap();
    assert_eq!(store.unlink("a1", &ada.identity).await.unwrap(), Unlinked::Last);
    store.link("a1", &other, 20).await.unwrap();
    assert_eq!(
        store.unlink("a2", &ada.identity).await.unwrap(),
        Unlinked::Unknown,
        "another account's"
    );
    assert_eq!(store.unlink("a1", &ada.identity).await.unwrap(), Unlinked::Removed);
    assert_eq!(store.unlink("a1", &ada.identity).await.unwrap(), Unlinked::Unknown);
    assert_eq!(store.unlink("a1", &other.identity).await.unwrap(), Unlinked::Last);
}

pub async fn of_two_that_take_the_last_two_away_one_is_told_no(store: &dyn AccountStore) {
    let ids = ids(20);
    let ways = |id: &str| [visitor("platform", id, None), visitor("other", id, None)];
    for id in &ids {
        let [first, second] = ways(id);
        store.enter(&first, id, 10).await.unwrap();
        store.link(id, &second, 20).await.unwrap();
    }
    let both = async |id: &String| {
        let [first, second] = ways(id);
        let gone =
            join_all([store.unlink(id, &first.identity), store.unlink(id, &second.identity)]).await;
        assert_eq!(
            gone.iter().filter(|gone| *gone.as_ref().unwrap() == Unlinked::Removed).count(),
            1
        );
        assert_eq!(store.account(id).await.unwrap().unwrap().identities.len(), 1);
    };
    join_all(ids.iter().map(both)).await;
}

pub async fn a_session_is_found_until_it_is_idle_or_too_old(store: &dyn AccountStore) {
    store.enter(&visitor("platform", "ada", None), "a1", 10).await.unwrap();
    let session = session("s", "sid");
    store.begin_session(&session, None).await.unwrap();
    assert_eq!(store.session(&session.id, 99, 100).await.unwrap(), Some(session.clone()));
    assert_eq!(store.session(&session.id, 100, 100).await.unwrap(), None, "idle");
    assert_eq!(store.session(&session.id, 0, 1_000).await.unwrap(), None, "too old");
    assert_eq!(store.session(&digest("another"), 0, 100).await.unwrap(), None);
    store.end_session(&session.id).await.unwrap();
    assert_eq!(store.session(&session.id, 0, 100).await.unwrap(), None);
}

pub async fn a_session_that_is_seen_lives_on(store: &dyn AccountStore) {
    store.enter(&visitor("platform", "ada", None), "a1", 10).await.unwrap();
    store.begin_session(&session("s", "sid"), None).await.unwrap();
    assert!(store.session(&digest("s"), 50, 500).await.unwrap().is_some());
    assert!(store.session(&digest("s"), 450, 900).await.unwrap().is_some(), "seen at 500");
    assert!(store.session(&digest("s"), 900, 950).await.unwrap().is_none());
}

pub async fn a_new_session_ends_the_one_before(store: &dyn AccountStore) {
    store.enter(&visitor("platform", "ada", None), "a1", 10).await.unwrap();
    store.begin_session(&session("old", "sid"), None).await.unwrap();
    store.begin_session(&session("new", "sid"), Some(&digest("old"))).await.unwrap();
    assert!(store.session(&digest("old"), 0, 100).await.unwrap().is_none());
    assert!(store.session(&digest("new"), 0, 100).await.unwrap().is_some());
}

pub async fn tokens_are_kept_in_a_session_that_is_there(store: &dyn AccountStore) {
    store.enter(&visitor("platform", "ada", None), "a1", 10).await.unwrap();
    store.begin_session(&session("s", "sid"), None).await.unwrap();
    assert!(store.keep_tokens(&digest("s"), b"newer").await.unwrap());
    assert_eq!(store.session(&digest("s"), 0, 100).await.unwrap().unwrap().tokens, b"newer");
    assert!(!store.keep_tokens(&digest("another"), b"newer").await.unwrap());
}

pub async fn a_notice_ends_the_sessions_of_its_sid_or_of_its_subject_once(
    store: &dyn AccountStore,
) {
    store.enter(&visitor("platform", "ada", None), "a1", 10).await.unwrap();
    for (id, sid) in [("one", "first"), ("two", "first"), ("three", "second"), ("four", "third")] {
        store.begin_session(&session(id, sid), None).await.unwrap();
    }
    let notice = |jti: &str, subject: Option<&str>, sid: Option<&str>| EndSessions {
        issuer: issuer("platform"),
        subject: subject.map(str::to_owned),
        sid: sid.map(str::to_owned),
        jti: jti.to_owned(),
        expires_at: 500,
    };
    let elsewhere = EndSessions { issuer: issuer("other"), ..notice("j0", Some("ada"), None) };
    assert_eq!(store.end_sessions(&elsewhere).await.unwrap(), Some(0), "another issuer's ada");
    assert_eq!(
        store.end_sessions(&notice("j1", Some("bob"), Some("first"))).await.unwrap(),
        Some(0)
    );
    assert_eq!(store.end_sessions(&notice("j2", None, Some("first"))).await.unwrap(), Some(2));
    assert_eq!(
        store.end_sessions(&notice("j2", Some("ada"), None)).await.unwrap(),
        None,
        "it came before"
    );
    assert!(store.session(&digest("three"), 0, 100).await.unwrap().is_some());
    assert_eq!(store.end_sessions(&notice("j3", Some("ada"), None)).await.unwrap(), Some(2));
    assert!(store.session(&digest("four"), 0, 100).await.unwrap().is_none());
}

pub async fn many_notices_at_once_end_each_session_once(store: &dyn AccountStore) {
    store.enter(&visitor("platform", "ada", None), "a1", 10).await.unwrap();
    for id in ids(20) {
        store.begin_session(&session(&id, &id), None).await.unwrap();
    }
    // Each comes twice.
    let notices: Vec<_> = (0..40)
        .map(|n| EndSessions {
            issuer: issuer("platform"),
            subject: Some("ada".to_owned()),
            sid: None,
            jti: format!("j{}", n / 2),
            expires_at: 500,
        })
        .collect();
    let ended = join_all(notices.iter().map(|notice| store.end_sessions(notice))).await;
    let taken: Vec<_> = ended.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!((taken.len(), taken.iter().sum::<u64>()), (20, 20));
}

pub async fn an_unlinked_identity_leaves_no_session(store: &dyn AccountStore) {
    let ada = visitor("platform", "ada", None);
    store.enter(&ada, "a1", 10).await.unwrap();
    store.link("a1", &visitor("other", "ada", None), 10).await.unwrap();
    store.begin_session(&session("s", "sid"), None).await.unwrap();
    store.unlink("a1", &ada.identity).await.unwrap();
    assert!(store.session(&digest("s"), 0, 100).await.unwrap().is_none());
}

pub async fn a_sweep_takes_what_is_void_and_nothing_else(store: &dyn AccountStore) {
    store.enter(&visitor("platform", "ada", None), "a1", 10).await.unwrap();
    store.begin_login(&pending("old", 100)).await.unwrap();
    store.begin_login(&pending("lately expired", 9_000)).await.unwrap();
    store
        .begin_session(
            &Session { seen_at: 8_000, expires_at: 20_000, ..session("idle", "a") },
            None,
        )
        .await
        .unwrap();
    store
        .begin_session(
            &Session { seen_at: 9_900, expires_at: 9_950, ..session("too old", "b") },
            None,
        )
        .await
        .unwrap();
    store
        .begin_session(
            &Session { seen_at: 9_900, expires_at: 20_000, ..session("alive", "c") },
            None,
        )
        .await
        .unwrap();
    let notice = |jti: &str, expires_at| EndSessions {
        issuer: issuer("other"),
        subject: None,
        sid: Some("x".to_owned()),
        jti: jti.to_owned(),
        expires_at,
    };
    store.end_sessions(&notice("old", 100)).await.unwrap();
    store.end_sessions(&notice("young", 20_000)).await.unwrap();
    assert_eq!(store.sweep(9_000, 10_000).await.unwrap(), 4, "two sessions, a login and a notice");
    assert!(store.session(&digest("alive"), 9_000, 10_000).await.unwrap().is_some());
    assert!(
        store.take_login(&digest("lately expired"), &digest("browser")).await.unwrap().is_some()
    );
    assert_eq!(store.end_sessions(&notice("young", 20_000)).await.unwrap(), None);
}

fn account_of(entered: &Entered) -> &str {
    match entered {
        Entered::Known(id) | Entered::New(id) => id,
        Entered::EmailTaken { .. } => "",
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

fn visitor(provider: &str, subject: &str, address: Option<&str>) -> Visitor {
    Visitor {
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
        purpose: Purpose::Link,
        session: None,
        secrets: b"sealed".to_vec(),
        expires_at,
    }
}

/// Of `a1`, seen at 100, over at 1000.
fn session(id: &str, sid: &str) -> Session {
    Session {
        id: digest(id),
        account_id: "a1".to_owned(),
        provider: "platform".to_owned(),
        identity: Identity { issuer: issuer("platform"), subject: "ada".to_owned() },
        sid: Some(sid.to_owned()),
        tokens: b"sealed".to_vec(),
        seen_at: 100,
        expires_at: 1_000,
    }
}
