//! Waits for conditions.

use std::{
    future::Future,
    time::{Duration, Instant},
};

/// The time limit of a wait: far longer than any condition takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// Polls until `condition` holds.
///
/// # Panics
/// Panics after 60 seconds, with `what` in the message.
#[track_caller]
pub fn until<F: Future<Output = bool>>(
    what: &str,
    mut condition: impl FnMut() -> F,
) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let deadline = Instant::now() + DEADLINE;
        while !condition().await {
            assert!(Instant::now() < deadline, "{caller}: still waiting after 60 s: {what}");
            tokio::task::yield_now().await;
        }
    }
}

/// Polls until `condition` holds, for code that blocks its thread.
///
/// # Panics
/// Panics after 60 seconds, with `what` in the message.
#[track_caller]
pub fn until_blocking(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "still waiting after 60 s: {what}");
        std::thread::yield_now();
    }
}
