use std::{future::Future, time::Duration};

use tokio::signal::unix::{SignalKind, signal};

use crate::CancellationToken;

/// Ask for a stop on Ctrl-C, and on SIGTERM: container engines send the latter and kill after ten
/// seconds.
///
/// # Errors
/// When the process may not listen for signals.
pub fn cancel_on_signal(stop: CancellationToken) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
        }
        stop.cancel();
    });
    Ok(())
}

/// Do something again and again until a stop is asked for.
pub async fn run_periodically<F: Future<Output = ()>>(
    period: Duration,
    stop: CancellationToken,
    mut work: impl FnMut() -> F,
) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => work().await,
        }
    }
}
