use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use e2e_tests::{
    forged_tokens::kid,
    harness::{Harness, ResourceServer},
    http::until,
};
use service_kit::CancellationToken;
use tokio::task::JoinSet;

const ROTATIONS: usize = 4;
const CALLS_BETWEEN_ROTATIONS: usize = 20;
/// B's minimum time between two fetches of the JWKS for unknown keys.
const COOLDOWN: Duration = Duration::from_secs(10);

/// Runs `auth-server keys rotate` while C is running, as an operator does.
async fn rotate(harness: &Harness) {
    let data_dir = format!("data_dir={}", harness.data_dir().display());
    let words = ["auth-server", "--set", &data_dir, "keys", "rotate"].map(std::ffi::OsString::from);
    let ended = tokio::task::spawn_blocking(move || auth_server::cli::main(words)).await.unwrap();
    assert_eq!(ended, ExitCode::SUCCESS);
}

/// Calls B until `stop` is cancelled and counts the successful responses. Any other response fails
/// the test.
fn call_repeatedly(
    callers: &mut JoinSet<()>,
    harness: &Arc<Harness>,
    stop: &CancellationToken,
    succeeded: &Arc<AtomicUsize>,
    through_a: bool,
    b: ResourceServer,
) {
    let (harness, stop, succeeded) = (Arc::clone(harness), stop.clone(), Arc::clone(succeeded));
    callers.spawn(async move {
        while !stop.is_cancelled() {
            let response = match through_a {
                true => harness.call_through_a(b).await,
                false => harness.call_b(b, &harness.access_token("service-a", b).await).await,
            };
            assert_eq!(response.status, 200, "{b:?}, through A: {through_a}: {response:?}");
            succeeded.fetch_add(1, Ordering::SeqCst);
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_fails_while_keys_rotate() {
    let harness = Arc::new(Harness::start().await);
    let oldest = harness.access_token("service-a", ResourceServer::Local).await;
    let (stop, succeeded, mut callers) =
        (CancellationToken::new(), Arc::new(AtomicUsize::new(0)), JoinSet::new());
    for b in ResourceServer::BOTH {
        for through_a in [true, false] {
            call_repeatedly(&mut callers, &harness, &stop, &succeeded, through_a, b);
        }
    }
    let mut signed_by = vec![kid(&oldest)];
    for _ in 0..ROTATIONS {
        rotate(&harness).await;
        let last = signed_by.last().unwrap().clone();
        until("C signs with the next key", async || {
            kid(&harness.access_token("service-a", ResourceServer::Local).await) != last
        })
        .await;
        signed_by.push(kid(&harness.access_token("service-a", ResourceServer::Local).await));
        let enough = succeeded.load(Ordering::SeqCst) + CALLS_BETWEEN_ROTATIONS;
        until("calls succeed with the new key", async || {
            succeeded.load(Ordering::SeqCst) >= enough
        })
        .await;
        harness.clock.advance(COOLDOWN);
    }
    stop.cancel();
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    signed_by.sort();
    signed_by.dedup();
    assert_eq!(signed_by.len(), ROTATIONS + 1, "each rotation activates another key");
    assert_eq!(
        harness.call_b(ResourceServer::Local, &oldest).await.status,
        200,
        "the oldest token is valid until it expires"
    );
}

#[tokio::test]
async fn unknown_key_is_fetched_during_the_call() {
    let harness = Harness::start().await;
    harness.call_through_a(ResourceServer::Local).await;
    for _ in 0..2 {
        let last = kid(&harness.access_token("service-a", ResourceServer::Local).await);
        rotate(&harness).await;
        until("C signs with the next key", async || {
            kid(&harness.access_token("service-a", ResourceServer::Local).await) != last
        })
        .await;
    }
    let token = harness.access_token("service-a", ResourceServer::Local).await;
    assert_eq!(harness.call_b(ResourceServer::Local, &token).await.status, 200);
    assert_eq!(harness.call_b(ResourceServer::Local, &token).await.status, 200);
}
