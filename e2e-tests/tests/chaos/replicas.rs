//! Replicas are restarted and killed.

use std::time::Instant;

use crate::{deployment::Deployment, load::Load};

#[tokio::test(flavor = "multi_thread")]
async fn rolling_restart_fails_no_request() {
    let mut deployment = Deployment::start().await;
    let load = Load::start(&deployment.proxy.base).await;
    for number in 0..deployment.replicas.len() {
        let replica = &mut deployment.replicas[number];
        replica.stop().await;
        load.wait_for_more().await;
        replica.start_again().await;
        deployment.wait_until_used(number).await;
        load.wait_for_more().await;
    }
    let mut acknowledged = load.stop().await;
    acknowledged.print("rolling restart");
    assert!(acknowledged.failures.is_empty(), "{:?}", acknowledged.failures);
    deployment.assert_nothing_is_lost(&acknowledged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_replica_loses_only_what_was_in_flight() {
    let mut deployment = Deployment::start().await;
    let load = Load::start(&deployment.proxy.base).await;
    let before = Instant::now();
    deployment.replicas[0].kill();
    let killed = Instant::now();
    load.wait_for_more().await;
    deployment.replicas[0].start_again().await;
    deployment.wait_until_used(0).await;
    load.wait_for_more().await;
    let mut acknowledged = load.stop().await;
    acknowledged.print("kill -9 of one replica");
    for failure in &acknowledged.failures {
        let in_flight = failure.began <= killed && failure.began + failure.duration >= before;
        assert!(in_flight, "{failure:?}");
    }
    deployment.assert_nothing_is_lost(&acknowledged).await;
}
