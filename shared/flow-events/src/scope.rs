use std::{future::Future, sync::Arc};

use clock::Clock;
use tokio::sync::broadcast;

use crate::{Event, FlowEvent, Party, TraceContext};

/// Where the events of a process go. Sending never waits: a listener that is too slow misses
/// events.
#[derive(Clone, Debug, Default)]
pub struct EventSink(Option<broadcast::Sender<Arc<FlowEvent>>>);

impl EventSink {
    /// Nobody will ever listen.
    #[must_use]
    pub fn disabled() -> Self {
        Self(None)
    }

    /// A sink that keeps up to `capacity` events for each listener.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self(Some(broadcast::Sender::new(capacity)))
    }

    /// Listen from now on. `None` when the sink is off.
    #[must_use]
    pub fn subscribe(&self) -> Option<broadcast::Receiver<Arc<FlowEvent>>> {
        self.0.as_ref().map(broadcast::Sender::subscribe)
    }
}

/// One request as one party serves it: what runs inside of [`FlowScope::run`] emits in its name.
#[derive(Clone, Debug)]
pub struct FlowScope {
    /// The trace that the request belongs to.
    pub trace: TraceContext,
    /// Who serves it.
    pub party: Party,
    /// Where its events go.
    pub sink: EventSink,
    /// What time it is.
    pub clock: Clock,
}

tokio::task_local! {
    static CURRENT: FlowScope;
}

impl FlowScope {
    /// Run `future` as part of this request.
    pub async fn run<F: Future>(self, future: F) -> F::Output {
        CURRENT.scope(self, future).await
    }
}

/// Tell what happened. `make` runs only if somebody listens.
pub fn emit(make: impl FnOnce() -> Event) {
    // Outside of any request nothing is told: background work belongs to no flow.
    let _ = CURRENT.try_with(|scope| {
        let Some(sender) = scope.sink.0.as_ref().filter(|sender| sender.receiver_count() > 0)
        else {
            return;
        };
        // An error means that the last listener has just left.
        let _ = sender.send(Arc::new(FlowEvent {
            trace_id: scope.trace.trace_id,
            at_micros: scope.clock.micros(),
            reported_by: scope.party,
            event: make(),
        }));
    });
}

/// The trace of the request that is being served, to be sent on as `traceparent`.
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
    async fn what_runs_inside_of_a_scope_is_told_in_its_name() {
        let sink = EventSink::new(8);
        let mut listener = sink.subscribe().unwrap();
        scope(sink).run(async { emit(reused) }).await;
        let told = listener.recv().await.unwrap();
        assert_eq!((told.reported_by, told.at_micros), (Party::Client, 5_000_000));
    }

    #[tokio::test]
    async fn with_nobody_listening_nothing_is_even_built() {
        let panics = || -> Event { panic!("built for nobody") };
        emit(panics);
        scope(EventSink::disabled()).run(async { emit(panics) }).await;
        scope(EventSink::new(8)).run(async { emit(panics) }).await;
    }
}
