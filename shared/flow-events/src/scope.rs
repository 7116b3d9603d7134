use std::{future::Future, sync::Arc};

use clock::Clock;
use tokio::sync::broadcast;

use crate::{Event, FlowEvent, Party, TraceContext};

/// The events of a process. Sending never waits: a slow subscriber misses events.
#[derive(Clone, Debug, Default)]
pub struct EventSink(Option<broadcast::Sender<Arc<FlowEvent>>>);

impl EventSink {
    /// Creates a sink that drops every event.
    #[must_use]
    pub fn disabled() -> Self {
        Self(None)
    }

    /// Creates a sink that buffers up to `capacity` events for each subscriber.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self(Some(broadcast::Sender::new(capacity)))
    }

    /// Subscribes to future events. Returns `None` if the sink is disabled.
    #[must_use]
    pub fn subscribe(&self) -> Option<broadcast::Receiver<Arc<FlowEvent>>> {
        self.0.as_ref().map(broadcast::Sender::subscribe)
    }
}

/// The context of a request that a party serves. Code inside [`FlowScope::run`] emits events of
/// that party.
#[derive(Clone, Debug)]
pub struct FlowScope {
    /// The trace of the request.
    pub trace: TraceContext,
    /// The party that serves it.
    pub party: Party,
    /// The sink of its events.
    pub sink: EventSink,
    /// The clock for the time of events.
    pub clock: Clock,
}

tokio::task_local! {
    static CURRENT: FlowScope;
}

impl FlowScope {
    /// Runs `future` in this scope.
    pub async fn run<F: Future>(self, future: F) -> F::Output {
        CURRENT.scope(self, future).await
    }
}

/// Returns `future` so that it runs in the scope of the caller, whichever task polls it. Tasks that
/// do the work of a request need it, because they do not inherit the scope.
pub fn in_current_scope<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let scope = CURRENT.try_with(Clone::clone).ok();
    async move {
        match scope {
            Some(scope) => scope.run(future).await,
            None => future.await,
        }
    }
}

/// Emits an event. `make` runs only if there is a subscriber.
pub fn emit(make: impl FnOnce() -> Event) {
    // Background work outside any request belongs to no flow.
    let _ = CURRENT.try_with(|scope| {
        let Some(sender) = scope.sink.0.as_ref().filter(|sender| sender.receiver_count() > 0)
        else {
            return;
        };
        // An error means that the last subscriber has just been dropped.
        let event = FlowEvent {
            trace_id: scope.trace.trace_id,
            at_micros: scope.clock.micros(),
            reported_by: scope.party,
            event: make(),
        };
        let _ = sender.send(Arc::new(event.bounded()));
    });
}

/// Returns the trace of the current request, to be sent as `traceparent`.
#[must_use]
pub fn current_trace() -> Option<TraceContext> {
    CURRENT.try_with(|scope| scope.trace).ok()
}

#[cfg(test)]
mod tests {
    use oauth_types::Fingerprint;

    use super::*;

    fn scope(sink: EventSink) -> FlowScope {
        let trace = TraceContext::root([7; 24]).unwrap();
        FlowScope { trace, party: Party::Client, sink, clock: Clock::manual(5) }
    }

    fn reused() -> Event {
        Event::TokenReused { token: Fingerprint::of("x"), expires_in: 1 }
    }

    #[tokio::test]
    async fn events_in_a_scope_carry_its_party_and_time() {
        let sink = EventSink::new(8);
        let mut subscriber = sink.subscribe().unwrap();
        scope(sink).run(async { emit(reused) }).await;
        let event = subscriber.recv().await.unwrap();
        assert_eq!((event.reported_by, event.at_micros), (Party::Client, 5_000_000));
    }

    #[tokio::test]
    async fn task_emits_events_in_the_scope_that_it_was_started_in() {
        let sink = EventSink::new(8);
        let mut subscriber = sink.subscribe().unwrap();
        let task = scope(sink).run(async {
            tokio::spawn(async { emit(reused) }).await.unwrap();
            tokio::spawn(in_current_scope(async {
                emit(reused);
                current_trace()
            }))
            .await
            .unwrap()
        });
        assert_eq!(task.await, TraceContext::root([7; 24]));
        assert_eq!(subscriber.recv().await.unwrap().reported_by, Party::Client);
        assert!(subscriber.try_recv().is_err(), "the first task has no scope");
        in_current_scope(async { assert_eq!(current_trace(), None) }).await;
    }

    #[tokio::test]
    async fn event_is_not_built_without_a_subscriber() {
        let panics = || -> Event { panic!("built without a subscriber") };
        emit(panics);
        scope(EventSink::disabled()).run(async { emit(panics) }).await;
        scope(EventSink::new(8)).run(async { emit(panics) }).await;
    }
}
