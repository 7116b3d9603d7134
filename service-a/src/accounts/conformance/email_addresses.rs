//! E-mail addresses: each verified one belongs to one account.

use futures_util::future::join_all;

use super::fixtures::{email, external, ids};
use crate::accounts::{AccountStore, LoginOutcome};

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
