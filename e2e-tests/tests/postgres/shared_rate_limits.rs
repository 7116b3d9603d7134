//! Rate limits that several replicas share.

use std::{sync::Arc, time::Duration};

use auth_server::{
    domain::{BucketKey, BucketLimit},
    storage::{PostgresStore, SharedBuckets, Store},
};
use e2e_tests::{browser::BlockingBrowser, harness::SECRET, http::until};
use futures_util::future::join_all;
use test_support::postgres::shared;

use crate::test_server::{Replica, WITH_JWT};

const LIMIT: BucketLimit = BucketLimit { burst: 3, refill: Duration::from_secs(600) };
const FAST: BucketLimit = BucketLimit { burst: 1, refill: Duration::from_millis(50) };
const TOKEN: [(&str, &str); 1] = [("token", "any")];
const KEY: BucketKey = BucketKey([7; 32]);

async fn buckets() -> Arc<dyn SharedBuckets> {
    let store = PostgresStore::connect(&shared().fresh_database()).await.unwrap();
    store.shared_buckets().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_takers_get_no_more_permits_than_the_burst() {
    let buckets = buckets().await;
    let results = join_all((0..20).map(|_| buckets.take(&KEY, 1, LIMIT))).await;
    let taken = results.iter().filter(|result| result.as_ref().unwrap().is_ok()).count();
    assert_eq!(taken, 3);
    let wait = buckets.take(&KEY, 1, LIMIT).await.unwrap().unwrap_err();
    assert!(wait > LIMIT.refill / 2 && wait <= LIMIT.refill, "{wait:?}");
    assert!(buckets.take(&BucketKey([8; 32]), 1, LIMIT).await.unwrap().is_ok(), "another key");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_permits_at_once_leave_the_rest() {
    let buckets = buckets().await;
    assert!(buckets.take(&KEY, 2, LIMIT).await.unwrap().is_ok());
    assert!(buckets.take(&KEY, 2, LIMIT).await.unwrap().is_ok(), "one permit is left");
    assert!(buckets.take(&KEY, 1, LIMIT).await.unwrap().is_err());
    buckets.put_back(&KEY, LIMIT).await.unwrap();
    assert!(buckets.take(&KEY, 1, LIMIT).await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn permits_refill_by_the_clock_of_the_database() {
    let buckets = buckets().await;
    assert!(buckets.take(&KEY, 1, FAST).await.unwrap().is_ok());
    until("a permit is available", async || buckets.take(&KEY, 1, FAST).await.unwrap().is_ok())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clock_of_the_database_that_was_set_back_locks_nobody_out() {
    let database = shared().fresh_database();
    let store = PostgresStore::connect(&database).await.unwrap();
    let buckets = store.shared_buckets().unwrap();
    assert!(buckets.take(&KEY, 1, FAST).await.unwrap().is_ok());
    // Written an hour later than now, by a clock that was ahead.
    let ahead = "UPDATE rate_limits SET full_at = full_at + INTERVAL '1 hour'";
    shared().execute_in(database.rsplit('/').next().unwrap(), ahead);
    let wait = buckets.take(&KEY, 1, FAST).await.unwrap().unwrap_err();
    assert!(wait <= FAST.refill, "{wait:?}");
    until("a permit is available", async || buckets.take(&KEY, 1, FAST).await.unwrap().is_ok())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_the_limit_of_wrong_client_secrets() {
    let database = shared().fresh_database();
    let start = || Replica::start_with(&database, |s| s.rate_limits.client_auth.burst = 10);
    let (one, other) = tokio::join!(start(), start());
    let mut rejected = 0;
    for server in [&one, &other] {
        for guess in 0..15 {
            let guess = format!("guess {guess}");
            let response = server.post("/oauth/introspect", (WITH_JWT, &guess), &TOKEN).await;
            rejected += u32::from(response.status == 401);
        }
    }
    assert_eq!(rejected, 11, "burst 10, and the first failure at the other replica");
    let limited = other.post("/oauth/introspect", (WITH_JWT, SECRET), &TOKEN).await;
    assert_eq!(limited.status, 429, "the right secret");
}

/// Signs in with a wrong password, and returns whether it was compared.
fn guess(browser: &mut BlockingBrowser<'_>, base: &str, user: &str) -> anyhow::Result<bool> {
    browser.open(&format!("{base}/login"))?;
    browser.press("login-submit", &[("username", user), ("password", "wrong")])?;
    Ok(!browser.html().contains("Too many"))
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_recognize_the_same_devices_and_share_their_limit() {
    let database = shared().fresh_database();
    let start = || {
        Replica::start_with(&database, |settings| {
            settings.rate_limits.sign_in_address.burst = 3;
            settings.rate_limits.sign_in_address.refill_seconds = 3_600;
            settings.rate_limits.sign_in_known_device.burst = 5;
        })
    };
    let (one, other) = tokio::join!(start(), start());
    let bases = [one.base.clone(), other.base.clone()];
    let browse = move || -> anyhow::Result<()> {
        let mut known = BlockingBrowser::new()?;
        known.open(&format!("{}/login", bases[0]))?;
        known.press("login-submit", &[("username", "alice"), ("password", "wonderland")])?;
        assert!(known.address().ends_with("/account"), "{}", known.html());
        for base in &bases {
            let mut attacker = BlockingBrowser::new()?;
            while guess(&mut attacker, base, "made-up")? {}
        }
        // The issuer of both replicas has port 9000.
        known.cookies().remove("gatepass-session-9000").unwrap();
        let mut compared = 0;
        for base in &bases {
            while guess(&mut known, base, "alice")? {
                compared += 1;
            }
        }
        assert_eq!(compared, 6, "burst 5, and the first failure at the other replica");
        Ok(())
    };
    tokio::task::spawn_blocking(browse).await.unwrap().unwrap();
}
