use std::{future::Future, time::Duration};

use tokio::signal::unix::{SignalKind, signal};

use crate::CancellationToken;

/// Cancels `shutdown` on SIGINT (Ctrl-C) and SIGTERM. Container engines send SIGTERM first and
/// SIGKILL after ten seconds.
///
/// # Errors
/// Returns an error if the signal handlers cannot be installed.
pub fn cancel_on_signal(shutdown: CancellationToken) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
        }
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
