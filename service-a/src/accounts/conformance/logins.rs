//! Logins, which find or create an account.

use futures_util::future::join_all;

use super::fixtures::{email, external, ids};
use crate::accounts::{AccountStore, LoginOutcome, Profile};

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

fn account_of(outcome: &LoginOutcome) -> &str {
    match outcome {
        LoginOutcome::Existing(id) | LoginOutcome::Created(id) => id,
        LoginOutcome::EmailTaken { .. } => "",
    }
}
