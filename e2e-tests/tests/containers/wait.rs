use std::{
    thread,
    time::{Duration, Instant},
};

const DEADLINE: Duration = Duration::from_secs(60);
const PERIOD: Duration = Duration::from_millis(100);

/// Calls `attempt` until it succeeds. After the deadline it returns the last error.
pub fn eventually<T>(
    what: &str,
    mut attempt: impl FnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let begun = Instant::now();
    loop {
        match attempt() {
            Err(_) if begun.elapsed() < DEADLINE => thread::sleep(PERIOD),
            response => {
                return response
                    .map_err(|error| error.context(format!("not within {DEADLINE:?}: {what}")));
            }
        }
    }
}
