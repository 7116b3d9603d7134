//! Sends events to a flow viewer in the background. Requests neither wait for it nor fail because
//! of it.

mod queue;

use std::{sync::Arc, time::Duration};

use flow_events::{EventSink, FlowEvent};
use reqwest::{Client, header::CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::broadcast::{
        Receiver,
        error::{RecvError, TryRecvError},
    },
    task::JoinHandle,
};
use url::Url;

use self::queue::Queue;
use crate::{
    CancellationToken, HttpClientError, HttpClientSettings, Profile, UnsafeSetting,
    http_client_with_optional_roots, plain_http_url,
};

/// Number of events that are handed over to the sender's queue, which is bounded in bytes. With
/// the largest events these are 4 MiB.
const HANDOVER_CAPACITY: usize = 256;
/// How long the last events may take to reach the viewer after the server has closed.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);
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

    /// Starts the task that sends events. Returns the sink to emit into, and the sender, which
    /// must be finished after the server has closed. Without a viewer the sink is disabled.
    ///
    /// # Errors
    /// Returns an error if the HTTP client cannot be built.
    pub fn start(&self, profile: Profile) -> Result<(EventSink, EventSender), HttpClientError> {
        let Some(viewer_url) = &self.viewer_url else {
            return Ok((EventSink::disabled(), EventSender(None)));
        };
        let http = http_client_with_optional_roots(&HttpClientSettings::default())?;
        let sink = EventSink::new(HANDOVER_CAPACITY);
        let finish = CancellationToken::new();
        let sender = Sender {
            http,
            viewer_url: viewer_url.as_str().trim_end_matches('/').to_owned(),
            with_bodies: !profile.is_production(),
            sink: sink.clone(),
            finish: finish.clone(),
        };
        Ok((sink, EventSender(Some((tokio::spawn(sender.run()), finish)))))
    }
}

/// The task that sends events. It also sends those of the requests that are completed while the
/// server drains.
#[must_use = "events of the last requests are lost unless it is finished"]
#[derive(Debug)]
pub struct EventSender(Option<(JoinHandle<()>, CancellationToken)>);

impl EventSender {
    /// Sends the events that were emitted so far, for at most one second.
    pub async fn finish(self) {
        let Some((task, finish)) = self.0 else { return };
        finish.cancel();
        if tokio::time::timeout(FLUSH_TIMEOUT, task).await.is_err() {
            tracing::debug!("the flow viewer did not receive the last events in time");
        }
    }
}

struct Sender {
    http: Client,
    viewer_url: String,
    with_bodies: bool,
    sink: EventSink,
    /// Cancelled when no further events follow.
    finish: CancellationToken,
}

impl Sender {
    async fn run(self) {
        while !self.finish.is_cancelled() {
            // Without a subscriber no events are built, so they cost nothing while the viewer is
            // unreachable.
            if self.finish.run_until_cancelled(self.is_reachable()).await == Some(true) {
                self.send_until_error().await;
            }
            self.finish.run_until_cancelled(tokio::time::sleep(RETRY_INTERVAL)).await;
        }
    }

    async fn is_reachable(&self) -> bool {
        self.http.get(format!("{}/api/config", self.viewer_url)).send().await.is_ok()
    }

    /// Sends events until the viewer fails, or all have been sent after the end.
    async fn send_until_error(&self) {
        let Some(events) = self.sink.subscribe() else { return };
        let queue = Queue::default();
        let collect = async {
            self.collect(events, &queue).await;
            Ok(())
        };
        // Collecting goes on while a request to the viewer is in progress.
        if tokio::try_join!(collect, self.deliver(&queue)).is_err() {
            tracing::debug!("failed to send events to the flow viewer");
        }
    }

    /// Moves events into the queue, and closes it after the last one.
    async fn collect(&self, mut events: Receiver<Arc<FlowEvent>>, queue: &Queue) {
        while let Some(Some(event)) = self.finish.run_until_cancelled(next(&mut events)).await {
            self.enqueue(&event, queue);
        }
        loop {
            match events.try_recv() {
                Ok(event) => self.enqueue(&event, queue),
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        queue.close();
    }

    fn enqueue(&self, event: &FlowEvent, queue: &Queue) {
        // Serializing plain structures cannot fail.
        if let Ok(json) = serde_json::to_string(&self.redact(event)) {
            queue.push(json);
        }
    }

    async fn deliver(&self, queue: &Queue) -> Result<(), ViewerError> {
        while let Some(body) = queue.next_body().await {
            let post = self.http.post(format!("{}/api/events", self.viewer_url));
            let sent = post.header(CONTENT_TYPE, "application/json").body(body).send().await;
            if !sent.is_ok_and(|response| response.status().is_success()) {
                return Err(ViewerError);
            }
        }
        Ok(())
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

/// The viewer rejected a request, or did not respond.
struct ViewerError;

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
