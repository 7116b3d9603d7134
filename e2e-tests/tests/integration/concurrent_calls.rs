use auth_server::domain::{AuditEvent, Outcome};
use e2e_tests::{
    harness::{Harness, ResourceServer},
    http::send,
};

/// Returns the number of A's token requests in the audit log, and how many of them succeeded.
async fn token_requests(harness: &Harness) -> (usize, usize) {
    let records = harness.audit("service-a").await;
    let requests: Vec<_> =
        records.iter().filter(|record| record.event == AuditEvent::Token).collect();
    (requests.len(), requests.iter().filter(|record| record.outcome == Outcome::Issued).count())
}

async fn hundred_callers(harness: &Harness, b: ResourceServer) {
    let callers: Vec<_> =
        (0..100).map(|_| tokio::spawn(send(harness.request_through_a(b)))).collect();
    for caller in callers {
        let response = caller.await.unwrap();
        assert_eq!(response.status, 200, "{response:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hundred_concurrent_calls_cost_one_token_request() {
    let harness = Harness::start().await;
    hundred_callers(&harness, ResourceServer::Local).await;
    assert_eq!(token_requests(&harness).await, (1, 1));
    hundred_callers(&harness, ResourceServer::Introspecting).await;
    assert_eq!(token_requests(&harness).await, (2, 2), "each resource has its own token");
    let introspections = harness.audit("service-b").await;
    assert_eq!(introspections.len(), 1, "B introspects the token once");
}

#[tokio::test(flavor = "multi_thread")]
async fn hundred_callers_share_one_token_renewal() {
    let harness = Harness::start().await;
    harness.call_through_a(ResourceServer::Local).await;
    harness.clock.advance(std::time::Duration::from_secs(1_800));
    hundred_callers(&harness, ResourceServer::Local).await;
    assert_eq!(token_requests(&harness).await, (2, 2));
    harness.clock.advance(std::time::Duration::from_secs(1_500));
    hundred_callers(&harness, ResourceServer::Local).await;
    e2e_tests::http::until("A renews the token before it expires", async || {
        token_requests(&harness).await == (3, 3)
    })
    .await;
    hundred_callers(&harness, ResourceServer::Local).await;
    assert_eq!(token_requests(&harness).await, (3, 3));
}
