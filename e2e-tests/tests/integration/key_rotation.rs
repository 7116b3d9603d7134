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
    harness::{Door, Stage},
    http::until,
};
use service_kit::CancellationToken;
use tokio::task::JoinSet;

const ROTATIONS: usize = 4;
const GOOD_CALLS_BETWEEN: usize = 20;
/// What B waits between two fetches for keys that it does not know.
const COOLDOWN: Duration = Duration::from_secs(10);

/// `auth-server keys rotate`, as an operator runs it beside the running C.
async fn rotate(stage: &Stage) {
    let data_dir = format!("data_dir={}", stage.data_dir().display());
    let words = ["auth-server", "--set", &data_dir, "keys", "rotate"].map(std::ffi::OsString::from);
    let ended = tokio::task::spawn_blocking(move || auth_server::cli::main(words)).await.unwrap();
    assert_eq!(ended, ExitCode::SUCCESS);
}

/// Call without end, and count the good answers; any other ends the story.
fn hammer(
    crowd: &mut JoinSet<()>,
    stage: &Arc<Stage>,
    stop: &CancellationToken,
    good: &Arc<AtomicUsize>,
    through_a: bool,
    door: Door,
) {
    let (stage, stop, good) = (Arc::clone(stage), stop.clone(), Arc::clone(good));
    crowd.spawn(async move {
        while !stop.is_cancelled() {
            let answer = match through_a {
                true => stage.call_a(door).await,
                false => stage.show(door, &stage.pass("service-a", door).await).await,
            };
            assert_eq!(answer.status, 200, "{door:?}, through A: {through_a}: {answer:?}");
            good.fetch_add(1, Ordering::SeqCst);
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_under_load_and_no_call_fails() {
    let stage = Arc::new(Stage::start().await);
    let oldest = stage.pass("service-a", Door::Local).await;
    let (stop, good, mut crowd) =
        (CancellationToken::new(), Arc::new(AtomicUsize::new(0)), JoinSet::new());
    for door in Door::BOTH {
        for through_a in [true, false] {
            hammer(&mut crowd, &stage, &stop, &good, through_a, door);
        }
    }
    let mut signed_by = vec![kid(&oldest)];
    for _ in 0..ROTATIONS {
        rotate(&stage).await;
        let last = signed_by.last().unwrap().clone();
        until("the next key signs", async || {
            kid(&stage.pass("service-a", Door::Local).await) != last
        })
        .await;
        signed_by.push(kid(&stage.pass("service-a", Door::Local).await));
        let enough = good.load(Ordering::SeqCst) + GOOD_CALLS_BETWEEN;
        until("calls go on with it", async || good.load(Ordering::SeqCst) >= enough).await;
        stage.clock.advance(COOLDOWN);
    }
    stop.cancel();
    while let Some(caller) = crowd.join_next().await {
        caller.unwrap();
    }
    signed_by.sort();
    signed_by.dedup();
    assert_eq!(signed_by.len(), ROTATIONS + 1, "each rotation brought a key of its own");
    assert_eq!(
        stage.show(Door::Local, &oldest).await.status,
        200,
        "the oldest pass is good until it expires"
    );
}

#[tokio::test]
async fn a_key_that_b_does_not_know_is_fetched_once_on_the_way_of_the_call() {
    let stage = Stage::start().await;
    stage.call_a(Door::Local).await;
    for _ in 0..2 {
        let last = kid(&stage.pass("service-a", Door::Local).await);
        rotate(&stage).await;
        until("the next key signs", async || {
            kid(&stage.pass("service-a", Door::Local).await) != last
        })
        .await;
    }
    let pass = stage.pass("service-a", Door::Local).await;
    assert_eq!(stage.show(Door::Local, &pass).await.status, 200);
    assert_eq!(stage.show(Door::Local, &pass).await.status, 200);
}
