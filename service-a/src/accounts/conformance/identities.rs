//! Linked identities of an account.

use futures_util::future::join_all;

use super::fixtures::{digest, external, ids, session};
use crate::accounts::{AccountStore, LinkOutcome, UnlinkOutcome};

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

pub async fn unlinking_ends_the_sessions_of_the_identity(store: &dyn AccountStore) {
    let ada = external("platform", "ada", None);
    store.log_in(&ada, "a1", 10).await.unwrap();
    store.link_identity("a1", &external("other", "ada", None), 10).await.unwrap();
    store.start_session(&session("s", "sid"), None).await.unwrap();
    store.unlink_identity("a1", &ada.identity).await.unwrap();
    assert!(store.load_session(&digest("s"), 0, 100).await.unwrap().is_none());
}
