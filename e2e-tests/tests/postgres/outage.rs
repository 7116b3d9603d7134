//! A and C without their database: 503 with `Retry-After`, and recovery without a restart.

use std::time::Duration;

use auth_server::AuthServerSettings;
use e2e_tests::{harness::SECRET, http::until};
use futures_util::future::join_all;
use service_a::ServiceASettings;
use test_support::postgres::{Cluster, PASSWORD, succeed};
use tokio::time::timeout;

use crate::{
    test_server::{INTROSPECTING_B, Replica, WITH_JWT},
    website::Website,
};

#[tokio::test(flavor = "multi_thread")]
async fn c_returns_503_without_its_database_and_recovers() {
    let mut cluster = Cluster::start();
    let server = replica(&cluster).await;
    let token = server.access_token(WITH_JWT).await;
    cluster.kill();
    let issued = server.request_token(WITH_JWT).await;
    let introspected =
        server.post("/oauth/introspect", (INTROSPECTING_B, SECRET), &[("token", &token)]).await;
    let revoked = server.revoke(WITH_JWT, &token).await;
    for response in [&issued, &introspected, &revoked] {
        assert_eq!((response.status, response.header("retry-after")), (503, "5"), "{response:?}");
        assert_eq!(response.member("error"), "server_error");
    }
    assert_eq!(server.get_managed("/readyz").await.status, 200, "the instance itself is ready");
    let readiness = server.get_managed("/readyz?deep").await;
    assert_eq!(readiness.status, 503);
    assert!(!readiness.text.contains(PASSWORD), "{readiness:?}");
    assert_eq!(
        server.get_managed("/healthz").await.status,
        200,
        "C is alive: a restart would not help"
    );

    cluster.restart();
    until("C is ready again", async || server.get_managed("/readyz?deep").await.status == 200)
        .await;
    assert!(server.is_active(&token).await, "a failed revocation must not take effect");
    assert_eq!(server.revoke(WITH_JWT, &token).await.status, 200);
    assert!(!server.is_active(&token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_returns_503_without_its_database_and_recovers() {
    let mut cluster = Cluster::start();
    let a = Website::start(&cluster.fresh_database()).await;
    assert_eq!(a.get("/account").await.status, 401);
    cluster.kill();
    let page = a.get("/account").await;
    assert!(
        page.status == 503 && page.text.contains("data-error=\"website_unavailable\""),
        "{page:?}"
    );
    assert_eq!(a.get_managed("/readyz").await.status, 200, "the instance itself is ready");
    let readiness = a.get_managed("/readyz?deep").await;
    assert_eq!(readiness.status, 503);
    assert!(!page.text.contains(PASSWORD) && !readiness.text.contains(PASSWORD), "{readiness:?}");
    assert_eq!(a.get_managed("/healthz").await.status, 200, "A is alive: a restart would not help");

    cluster.restart();
    until("A is ready again", async || a.get_managed("/readyz?deep").await.status == 200).await;
    assert_eq!(a.get("/account").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn stalled_connections_are_replaced() {
    let cluster = Cluster::start();
    let server = Replica::start(&cluster.fresh_database()).await;
    let many = || join_all((0..30).map(|_| server.request_token(WITH_JWT)));
    assert!(many().await.iter().all(|response| response.status == 200));
    // Simulates a failed machine or network: the connections stay open and receive nothing.
    let pids = cluster.execute("SELECT pid FROM pg_stat_activity WHERE usename = 'gatepass'");
    let signal = |name: &str| {
        succeed(&[&["kill", name], &pids.lines().collect::<Vec<_>>()[..]].concat(), &[])
    };
    assert!(pids.lines().count() > 1, "{pids}");
    signal("-STOP");
    let responses = many().await;
    signal("-CONT");
    assert!(responses.iter().all(|response| response.status == 200), "{responses:?}");
}

/// Starts C with the time budget of requests that it has by default.
async fn replica(cluster: &Cluster) -> Replica {
    let budget = AuthServerSettings::default().database_timeout_millis;
    let change = |settings: &mut AuthServerSettings| settings.database_timeout_millis = budget;
    Replica::start_with(&cluster.fresh_database(), change).await
}

/// A request is answered within two seconds without its database. The tests below allow more,
/// because the machine can be busy.
#[test]
fn time_budgets_leave_half_a_second_for_the_rest_of_a_request() {
    assert_eq!(AuthServerSettings::default().database_timeout_millis, 1_500);
    assert_eq!(ServiceASettings::default().database_timeout_millis, 1_500);
}

/// Longer than the time budget of a request on a busy machine, shorter than that of a query outside
/// a request (10 s) and any limit of PostgreSQL or TCP.
const FROZEN_RESPONSE_TIMEOUT: Duration = Duration::from_secs(8);

async fn in_time<T>(response: impl Future<Output = T>) -> T {
    timeout(FROZEN_RESPONSE_TIMEOUT, response).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn c_answers_in_time_while_its_database_is_frozen() {
    let cluster = Cluster::start();
    let server = replica(&cluster).await;
    let token = server.access_token(WITH_JWT).await;
    let frozen = cluster.freeze();
    let requests = (0..20).map(|_| in_time(server.request_token(WITH_JWT)));
    let issued = join_all(requests).await;
    let revoked = in_time(server.revoke(WITH_JWT, &token)).await;
    for response in issued.iter().chain([&revoked]) {
        assert_eq!((response.status, response.header("retry-after")), (503, "5"), "{response:?}");
    }
    assert_eq!(in_time(server.get_managed("/readyz?deep")).await.status, 503);
    assert_eq!(in_time(server.get_managed("/readyz")).await.status, 200);
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        assert_eq!(in_time(server.get(path)).await.status, 200, "{path}");
    }
    drop(frozen);
    until("C is ready again", async || server.get_managed("/readyz?deep").await.status == 200)
        .await;
    until("C issues tokens", async || server.request_token(WITH_JWT).await.status == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_answers_in_time_while_its_database_is_frozen() {
    let cluster = Cluster::start();
    let a = Website::start(&cluster.fresh_database()).await;
    assert_eq!(a.get("/account").await.status, 401);
    let frozen = cluster.freeze();
    assert_eq!(in_time(a.get("/account")).await.status, 503);
    assert_eq!(in_time(a.get_managed("/readyz?deep")).await.status, 503);
    assert_eq!(in_time(a.get_managed("/readyz")).await.status, 200);
    drop(frozen);
    until("A recovers", async || a.get("/account").await.status == 401).await;
}
