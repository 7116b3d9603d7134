use auth_server::domain::{AuditEvent, Outcome};
use e2e_tests::{
    harness::{Door, Stage},
    http::Answer,
};

/// How often C was asked for a pass by A, and how often it gave one.
async fn token_requests(stage: &Stage) -> (usize, usize) {
    let records = stage.audit("service-a").await;
    let asked: Vec<_> = records.iter().filter(|record| record.event == AuditEvent::Token).collect();
    (asked.len(), asked.iter().filter(|record| record.outcome == Outcome::Issued).count())
}

async fn hundred_callers(stage: &Stage, door: Door) {
    let callers: Vec<_> =
        (0..100).map(|_| tokio::spawn(Answer::of(stage.request_a(door)))).collect();
    for caller in callers {
        let answer = caller.await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_callers_of_a_cost_one_token_request() {
    let stage = Stage::start().await;
    hundred_callers(&stage, Door::Local).await;
    assert_eq!(token_requests(&stage).await, (1, 1));
    hundred_callers(&stage, Door::Asking).await;
    assert_eq!(token_requests(&stage).await, (2, 2), "another resource, another pass");
    let questions = stage.audit("service-b").await;
    assert_eq!(questions.len(), 1, "and one question of B about it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_callers_cost_one_more_when_the_pass_has_expired_and_one_when_it_ages() {
    let stage = Stage::start().await;
    stage.call_a(Door::Local).await;
    stage.clock.advance(std::time::Duration::from_secs(1_800));
    hundred_callers(&stage, Door::Local).await;
    assert_eq!(token_requests(&stage).await, (2, 2));
    stage.clock.advance(std::time::Duration::from_secs(1_500));
    hundred_callers(&stage, Door::Local).await;
    e2e_tests::http::until("the next pass is fetched ahead", async || {
        token_requests(&stage).await == (3, 3)
    })
    .await;
    hundred_callers(&stage, Door::Local).await;
    assert_eq!(token_requests(&stage).await, (3, 3));
}
