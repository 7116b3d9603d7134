use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

/// Maximum size of the JSON that waits for the viewer, in bytes. If it is slower, the oldest events
/// are dropped.
const MAX_BYTES: usize = 4 * 1_024 * 1_024;
/// Maximum number of events sent in one request.
const MAX_BATCH: usize = 256;
/// Maximum size of one request, in bytes. The viewer accepts 2 MiB.
const MAX_BATCH_BYTES: usize = 1_024 * 1_024;
/// How long an incomplete batch waits for further events.
const BATCH_DELAY: Duration = Duration::from_millis(20);

/// Events as JSON that wait for the viewer.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<String>,
    bytes: usize,
    dropped: u64,
    closed: bool,
}

impl Queue {
    /// Adds an event. Drops the oldest ones if the queue is full.
    pub(super) fn push(&self, event: String) {
        let mut waiting = self.waiting();
        waiting.bytes += event.len();
        waiting.events.push_back(event);
        while waiting.bytes > MAX_BYTES && waiting.pop().is_some() {
            waiting.dropped += 1;
        }
        self.changed.notify_one();
    }

    /// Ends the queue: no further events follow.
    pub(super) fn close(&self) {
        self.waiting().closed = true;
        self.changed.notify_one();
    }

    /// Waits for events and returns them as a JSON array of at most [`MAX_BATCH_BYTES`]. Returns
    /// `None` after the last one.
    pub(super) async fn next_body(&self) -> Option<String> {
        while self.is_empty_and_open() {
            self.changed.notified().await;
        }
        let filled = async {
            while self.is_incomplete() {
                self.changed.notified().await;
            }
        };
        let _ = tokio::time::timeout(BATCH_DELAY, filled).await;
        self.waiting().take_body()
    }

    fn is_empty_and_open(&self) -> bool {
        let waiting = self.waiting();
        waiting.events.is_empty() && !waiting.closed
    }

    fn is_incomplete(&self) -> bool {
        let waiting = self.waiting();
        !waiting.closed && waiting.events.len() < MAX_BATCH && waiting.bytes < MAX_BATCH_BYTES
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn pop(&mut self) -> Option<String> {
        let event = self.events.pop_front()?;
        self.bytes -= event.len();
        Some(event)
    }

    fn take_body(&mut self) -> Option<String> {
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            tracing::debug!(dropped, "events dropped because the flow viewer is too slow");
        }
        let mut body = format!("[{}", self.pop()?);
        for _ in 1..MAX_BATCH {
            let fits = |event: &String| body.len() + event.len() + 2 <= MAX_BATCH_BYTES;
            if !self.events.front().is_some_and(fits) {
                break;
            }
            body.push(',');
            body.push_str(&self.pop()?);
        }
        body.push(']');
        Some(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An event of the largest size, with its number.
    fn event(number: usize) -> String {
        format!("[{number},\"{}\"]", "v".repeat(16 * 1_024 - 20))
    }

    async fn numbers(queue: &Queue) -> Vec<usize> {
        queue.close();
        let mut numbers = Vec::new();
        while let Some(body) = queue.next_body().await {
            assert!(body.len() <= MAX_BATCH_BYTES, "{}", body.len());
            let events: Vec<(usize, String)> = serde_json::from_str(&body).unwrap();
            assert!(events.len() <= MAX_BATCH);
            numbers.extend(events.into_iter().map(|(number, _)| number));
        }
        numbers
    }

    #[tokio::test]
    async fn large_batch_is_sent_in_several_requests() {
        let queue = Queue::default();
        (0..200).for_each(|number| queue.push(event(number)));
        assert_eq!(numbers(&queue).await, (0..200).collect::<Vec<_>>());
        let queue = Queue::default();
        (0..600).for_each(|number| queue.push(format!("[{number},\"\"]")));
        assert_eq!(numbers(&queue).await, (0..600).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn waiting_events_are_bounded_in_bytes_and_the_newest_are_kept() {
        let queue = Queue::default();
        for number in 0..4_096 {
            queue.push(event(number));
            assert!(queue.waiting().bytes <= MAX_BYTES);
        }
        let kept = numbers(&queue).await;
        assert!(kept.len() > 200, "{}", kept.len());
        assert_eq!(kept, (4_096 - kept.len()..4_096).collect::<Vec<_>>());
    }
}
