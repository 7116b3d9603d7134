use std::{future::Future, time::Duration};

use crate::{CancellationToken, platform::stop_signal};

/// Cancels `shutdown` when the system asks the process to stop: on Ctrl-C, and on SIGTERM where it
/// exists.
///
/// # Errors
/// Returns an error if the signal handlers cannot be installed.
pub fn cancel_on_signal(shutdown: CancellationToken) -> std::io::Result<()> {
    let stop = stop_signal()?;
    tokio::spawn(async move {
        stop.await;
        shutdown.cancel();
    });
    Ok(())
}

/// Runs `work` now and then once every `period` until `shutdown` is cancelled. A run that takes
/// longer than `period` delays the next ones.
pub async fn run_periodically<F: Future<Output = ()>>(
    period: Duration,
    shutdown: CancellationToken,
    mut work: impl FnMut() -> F,
) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => work().await,
        }
    }
}
