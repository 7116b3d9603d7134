//! PostgreSQL freezes, stops, and has no space left.

use test_support::{http::TestClient, postgres::Cluster};

use crate::{
    deployment::{Deployment, OUTAGE_RESPONSE_TIMEOUT},
    load::{Load, WORKERS},
};

/// Enough failures that every replica has answered some.
const FAILURES: usize = 4 * WORKERS;

/// Asserts that the proxy keeps its replicas, and that they serve what needs no database.
async fn assert_keys_are_served(deployment: &Deployment) {
    for replica in &deployment.replicas {
        assert_eq!(replica.manage.get("/readyz").await.status, 200);
        assert_eq!(replica.manage.get("/readyz?deep").await.status, 503);
    }
    let through_proxy = TestClient::new(&deployment.proxy.base);
    assert_eq!(through_proxy.get("/.well-known/jwks.json").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_database_delays_no_response_and_loses_nothing() {
    let deployment = Deployment::start_on(Cluster::start).await;
    let load = Load::start(&deployment.proxy.base).await;
    let frozen = deployment.cluster.freeze();
    load.wait_for_failures(FAILURES).await;
    assert_keys_are_served(&deployment).await;
    drop(frozen);
    deployment.wait_until_it_issues().await;
    load.wait_for_more().await;
    let mut acknowledged = load.stop().await;
    acknowledged.print("frozen database");
    acknowledged.assert_failures_are_503_in_time(OUTAGE_RESPONSE_TIMEOUT);
    deployment.assert_nothing_is_lost(&acknowledged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_database_delays_no_response_and_loses_nothing() {
    let mut deployment = Deployment::start_on(Cluster::start).await;
    let load = Load::start(&deployment.proxy.base).await;
    deployment.cluster.stop();
    load.wait_for_failures(FAILURES).await;
    assert_keys_are_served(&deployment).await;
    deployment.cluster.restart();
    deployment.wait_until_it_issues().await;
    load.wait_for_more().await;
    let mut acknowledged = load.stop().await;
    acknowledged.print("stopped database");
    acknowledged.assert_failures_are_503_in_time(OUTAGE_RESPONSE_TIMEOUT);
    deployment.assert_nothing_is_lost(&acknowledged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn full_disk_of_the_database_loses_nothing() {
    let mut deployment = Deployment::start_on(|| Cluster::start_on_disk_of(96)).await;
    let load = Load::start(&deployment.proxy.base).await;
    deployment.cluster.fill_disk();
    load.wait_for_failures(FAILURES).await;
    let through_proxy = TestClient::new(&deployment.proxy.base);
    assert_eq!(through_proxy.get("/.well-known/jwks.json").await.status, 200);
    deployment.cluster.free_disk();
    // PostgreSQL stops itself where it cannot write its log of changes.
    deployment.cluster.restart_if_stopped();
    deployment.wait_until_it_issues().await;
    load.wait_for_more().await;
    let mut acknowledged = load.stop().await;
    acknowledged.print("full disk of the database");
    acknowledged.assert_failures_are_503_in_time(OUTAGE_RESPONSE_TIMEOUT);
    deployment.assert_nothing_is_lost(&acknowledged).await;
}
