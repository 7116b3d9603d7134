//! Failed logins, which only an inspection reads.

use super::fixtures::{external, session};
use crate::accounts::{AccountStore, AccountsInspection, FailedLogin, StoreError};

fn failed(provider: &str, failed_at: i64, reason: &str) -> FailedLogin {
    FailedLogin { provider: provider.to_owned(), failed_at, reason: reason.to_owned() }
}

/// `inspect` inspects the database of `store`.
pub async fn last_failed_login_of_each_provider_is_kept(
    store: &dyn AccountStore,
    inspect: impl AsyncFn() -> Result<AccountsInspection, StoreError>,
) {
    assert!(inspect().await.unwrap().failures.is_empty());
    for failed in [
        failed("platform", 10, "first"),
        failed("other", 20, "another provider"),
        failed("platform", 30, "second"),
    ] {
        store.record_failed_login(&failed).await.unwrap();
    }
    store.log_in(&external("platform", "ada", None), "a1", 40).await.unwrap();
    store.start_session(&session("one", "sid"), None).await.unwrap();
    let failures = inspect().await.unwrap().failures;
    let found: Vec<_> = failures
        .into_iter()
        .map(|failure| (failure.login, failure.newest_session_expires_at))
        .collect();
    assert_eq!(
        found,
        [
            (failed("other", 20, "another provider"), None),
            (failed("platform", 30, "second"), Some(1_000)),
        ]
    );
}
