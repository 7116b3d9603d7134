//! Sends events to a flow viewer in the background. Requests neither wait for it nor fail because
//! of it.

use std::{sync::Arc, time::Duration};

use flow_events::{EventSink, FlowEvent};
use reqwest::{Client, header::CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use url::Url;

use crate::{
    CancellationToken, HttpClientError, HttpClientSettings, Profile, UnsafeSetting,
    http_client_with_optional_roots, plain_http_url,
};

/// Number of events that wait for the viewer. If it is slower, the oldest are dropped.
const QUEUE_CAPACITY: usize = 4_096;
/// Most events sent in one request.
const MAX_BATCH: usize = 256;
/// Most bytes sent in one request. The viewer accepts 2 MiB.
const MAX_BATCH_BYTES: usize = 1_024 * 1_024;
/// How long an incomplete batch waits for further events.
const BATCH_DELAY: Duration = Duration::from_millis(20);
/// Time between attempts to reach a viewer that does not respond.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// Where events are sent.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventSettings {
    /// URL of the flow viewer, such as `http://flow-viewer:9004`. Without it no events are sent.
    pub viewer_url: Option<Url>,
    /// Also send events in production, without the fields of message bodies.
    pub in_production: bool,
}

impl EventSettings {
    /// Returns an unsafe setting if events are sent without `in_production`, or over plain http to
    /// another machine: they show who calls whom.
    #[must_use]
    pub fn unsafe_setting(&self) -> Option<UnsafeSetting> {
        let viewer_url = self.viewer_url.as_ref()?;
        if self.in_production {
            return plain_http_url("events.viewer_url", viewer_url.as_str());
        }
        Some(UnsafeSetting::new(
            "events.viewer_url",
            "sends every flow to a viewer",
            "remove it, or set events.in_production = true, which leaves out message bodies",
        ))
    }

    /// Starts the task that sends events until `shutdown` is cancelled, and returns the sink to
    /// emit into. Without a viewer the sink is disabled.
    ///
    /// # Errors
    /// Returns an error if the HTTP client cannot be built.
    pub fn start(
        &self,
        profile: Profile,
        shutdown: CancellationToken,
    ) -> Result<EventSink, HttpClientError> {
        let Some(viewer_url) = &self.viewer_url else { return Ok(EventSink::disabled()) };
        let http = http_client_with_optional_roots(&HttpClientSettings::default())?;
        let sink = EventSink::new(QUEUE_CAPACITY);
        let sender = Sender {
            http,
            viewer_url: viewer_url.as_str().trim_end_matches('/').to_owned(),
            with_bodies: !profile.is_production(),
            sink: sink.clone(),
        };
        tokio::spawn(async move {
            tokio::select! {
                () = sender.run() => (),
                () = shutdown.cancelled() => (),
            }
        });
        Ok(sink)
    }
}

struct Sender {
    http: Client,
    viewer_url: String,
    with_bodies: bool,
    sink: EventSink,
}

impl Sender {
    async fn run(self) {
        loop {
            // Without a subscriber no events are built, so they cost nothing while the viewer is
            // unreachable.
            let reachable =
                self.http.get(format!("{}/api/config", self.viewer_url)).send().await.is_ok();
            if let Some(events) = self.sink.subscribe().filter(|_| reachable) {
                self.send_until_error(events).await;
            }
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
    }

    async fn send_until_error(&self, mut events: Receiver<Arc<FlowEvent>>) {
        while let Some(batch) = next_batch(&mut events).await {
            for body in bodies(batch.iter().map(|event| self.redact(event))) {
                let post = self.http.post(format!("{}/api/events", self.viewer_url));
                let sent = post.header(CONTENT_TYPE, "application/json").body(body).send().await;
                if !sent.is_ok_and(|response| response.status().is_success()) {
                    tracing::debug!("failed to send events to the flow viewer");
                    return;
                }
            }
        }
    }

    fn redact(&self, event: &FlowEvent) -> FlowEvent {
        let event = event.clone();
        if self.with_bodies {
            event
        } else {
            FlowEvent { event: event.event.without_bodies(), ..event }
        }
    }
}

/// Returns the JSON arrays of a batch, each within [`MAX_BATCH_BYTES`].
fn bodies(events: impl Iterator<Item = FlowEvent>) -> Vec<String> {
    let mut bodies: Vec<String> = Vec::new();
    // Serializing plain structures cannot fail.
    for event in events.filter_map(|event| serde_json::to_string(&event).ok()) {
        match bodies.last_mut().filter(|body| body.len() + event.len() + 2 <= MAX_BATCH_BYTES) {
            Some(body) => {
                body.push(',');
                body.push_str(&event);
            }
            None => bodies.push(format!("[{event}")),
        }
    }
    bodies.iter_mut().for_each(|body| body.push(']'));
    bodies
}

/// Waits for an event and then at most [`BATCH_DELAY`] for more. Returns `None` if the sink is
/// gone.
async fn next_batch(events: &mut Receiver<Arc<FlowEvent>>) -> Option<Vec<Arc<FlowEvent>>> {
    let mut batch = vec![next(events).await?];
    let fill = async {
        while batch.len() < MAX_BATCH {
            let Some(event) = next(events).await else { return };
            batch.push(event);
        }
    };
    let _ = tokio::time::timeout(BATCH_DELAY, fill).await;
    Some(batch)
}

async fn next(events: &mut Receiver<Arc<FlowEvent>>) -> Option<Arc<FlowEvent>> {
    loop {
        match events.recv().await {
            Ok(event) => return Some(event),
            Err(RecvError::Lagged(dropped)) => {
                tracing::debug!(dropped, "events dropped because the flow viewer is too slow");
            }
            Err(RecvError::Closed) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use flow_events::{Event, Field, Party, TraceContext};

    use super::*;

    #[test]
    fn large_batch_is_sent_in_several_requests() {
        let event = || FlowEvent {
            trace_id: TraceContext::root([7; 24]).unwrap().trace_id,
            at_micros: 1,
            reported_by: Party::Client,
            event: Event::FormReceived { fields: vec![Field::text("a", "\u{1}".repeat(900)); 60] },
        };
        let bodies = bodies((0..MAX_BATCH).map(|_| event().bounded()));
        assert!(bodies.len() > 1 && bodies.iter().all(|body| body.len() <= MAX_BATCH_BYTES));
        let sent = bodies.iter().map(|body| serde_json::from_str::<Vec<FlowEvent>>(body).unwrap());
        assert_eq!(sent.map(|events| events.len()).sum::<usize>(), MAX_BATCH);
    }
}
