use std::{future::Future, io, thread, time::Duration};

use crate::{CancellationToken, platform::stop_signal};

/// Cancels `shutdown` when the system asks the process to stop: on Ctrl-C, and on SIGTERM where it
/// exists.
///
/// # Errors
/// Returns an error if the signal handlers cannot be installed.
pub fn cancel_on_signal(shutdown: CancellationToken) -> io::Result<()> {
    let stop = stop_signal()?;
    tokio::spawn(async move {
        stop.await;
        shutdown.cancel();
    });
    Ok(())
}

/// Cancels `shutdown` when the standard input of the process ends.
///
/// # Errors
/// Returns an error if no thread can be started.
pub fn cancel_at_end_of_input(shutdown: CancellationToken) -> io::Result<()> {
    // A thread of its own, because a runtime waits at its end for threads that read.
    thread::Builder::new().name("standard-input".to_owned()).spawn(move || {
        // Without a standard input, there is nothing to wait for.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        shutdown.cancel();
    })?;
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
