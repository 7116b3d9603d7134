//! Sends what happens in this process to a flow viewer. No request waits for that, and none fails
//! by it.

use std::{sync::Arc, time::Duration};

use flow_events::{EventSink, FlowEvent};
use reqwest::Client;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use url::Url;

use crate::{
    CancellationToken, HttpClientError, HttpClientSettings, Profile, UnsafeSetting,
    http_client_with_optional_roots, plain_http_url,
};

/// So many events wait for the viewer; when it is slower, the oldest are lost.
const WAITING: usize = 4_096;
/// So many travel together.
const BATCH: usize = 256;
/// For so long a batch waits for company.
const COMPANY: Duration = Duration::from_millis(20);
/// After so long an absent viewer is asked for again.
const ABSENT: Duration = Duration::from_secs(2);

/// Where events go.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventSettings {
    /// The flow viewer's address, as `http://flow-viewer:9004`. Without one, nothing is told.
    pub viewer_url: Option<Url>,
    /// Tell also in production, and then without what messages carry in their bodies.
    pub in_production: bool,
}

impl EventSettings {
    /// In production nobody watches by accident, and nobody on the way: events tell who calls whom.
    #[must_use]
    pub fn unsafe_setting(&self) -> Option<UnsafeSetting> {
        let viewer_url = self.viewer_url.as_ref()?;
        if self.in_production {
            return plain_http_url("events.viewer_url", viewer_url.as_str());
        }
        Some(UnsafeSetting::new(
            "events.viewer_url",
            "tells a viewer of every flow",
            "remove it, or set events.in_production, which leaves bodies out",
        ))
    }

    /// The sink for the events of this process, and the task that empties it.
    ///
    /// # Errors
    /// When there can be no HTTP client.
    pub fn start(
        &self,
        profile: Profile,
        stop: CancellationToken,
    ) -> Result<EventSink, HttpClientError> {
        let Some(viewer_url) = &self.viewer_url else { return Ok(EventSink::disabled()) };
        let http = http_client_with_optional_roots(&HttpClientSettings::default())?;
        let sink = EventSink::new(WAITING);
        let sender = Sender {
            http,
            viewer: viewer_url.as_str().trim_end_matches('/').to_owned(),
            bodies: !profile.is_production(),
            sink: sink.clone(),
        };
        tokio::spawn(async move {
            tokio::select! {
                () = sender.run() => (),
                () = stop.cancelled() => (),
            }
        });
        Ok(sink)
    }
}

struct Sender {
    http: Client,
    viewer: String,
    bodies: bool,
    sink: EventSink,
}

impl Sender {
    async fn run(self) {
        loop {
            // While the viewer is away nobody listens, so no event is even built.
            let here = self.http.get(format!("{}/healthz", self.viewer)).send().await.is_ok();
            if let Some(listener) = self.sink.subscribe().filter(|_| here) {
                self.send_while_taken(listener).await;
            }
            tokio::time::sleep(ABSENT).await;
        }
    }

    async fn send_while_taken(&self, mut listener: Receiver<Arc<FlowEvent>>) {
        while let Some(batch) = next_batch(&mut listener).await {
            let batch: Vec<_> = batch.iter().map(|event| self.shown(event)).collect();
            let taken =
                self.http.post(format!("{}/api/events", self.viewer)).json(&batch).send().await;
            if !taken.is_ok_and(|answer| answer.status().is_success()) {
                tracing::debug!(lost = batch.len(), "the flow viewer is away");
                return;
            }
        }
    }

    fn shown(&self, event: &FlowEvent) -> FlowEvent {
        let told = event.clone();
        if self.bodies { told } else { FlowEvent { event: told.event.without_bodies(), ..told } }
    }
}

/// Wait for an event, and a moment longer for others. `None` when there will never be one.
async fn next_batch(listener: &mut Receiver<Arc<FlowEvent>>) -> Option<Vec<Arc<FlowEvent>>> {
    let mut batch = vec![next(listener).await?];
    let company = async {
        while batch.len() < BATCH {
            let Some(event) = next(listener).await else { return };
            batch.push(event);
        }
    };
    let _ = tokio::time::timeout(COMPANY, company).await;
    Some(batch)
}

async fn next(listener: &mut Receiver<Arc<FlowEvent>>) -> Option<Arc<FlowEvent>> {
    loop {
        match listener.recv().await {
            Ok(event) => return Some(event),
            Err(RecvError::Lagged(lost)) => {
                tracing::debug!(lost, "events were lost: the flow viewer is slower than they come");
            }
            Err(RecvError::Closed) => return None,
        }
    }
}
