use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const INTERVAL: Duration = Duration::from_secs(60);

/// Limits the log lines about something that callers or other servers can repeat at will.
#[derive(Debug, Default)]
pub(crate) struct LogLimit(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    /// How often it happened since the last line.
    count: u64,
    logged_at: Option<Instant>,
}

impl LogLimit {
    /// Counts an occurrence. Returns their number since the last line if one is due: at the first
    /// occurrence, and then at most once a minute.
    pub(crate) fn count(&self, now: Instant) -> Option<u64> {
        // The counts stay consistent if a thread panics while it holds the lock.
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.count += 1;
        let due = counted.logged_at.is_none_or(|at| now.duration_since(at) >= INTERVAL);
        due.then(|| {
            let Counted { count, .. } =
                std::mem::replace(&mut *counted, Counted { count: 0, logged_at: Some(now) });
            count
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{io, sync::Arc};

    use super::*;

    /// Returns what `run` logs on this thread.
    pub(crate) fn logged(run: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, run);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn line_is_due_at_first_and_then_once_a_minute() {
        let (limit, start) = (LogLimit::default(), Instant::now());
        let at = |seconds| limit.count(start + Duration::from_secs(seconds));
        assert_eq!([at(0), at(1), at(59), at(60), at(61)], [Some(1), None, None, Some(3), None]);
    }
}
