//! One flow, collected from the events of all parties.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use flow_events::{EventSink, FlowEvent, TraceContext};
use reqwest::StatusCode;
use tokio::sync::broadcast::{Receiver, error::TryRecvError};

/// What a caller of A got, and all that happened on the way.
pub struct Flow {
    pub status: StatusCode,
    pub body: String,
    pub events: Vec<Arc<FlowEvent>>,
}

/// Wait until the server at `base` says that it is ready.
///
/// # Errors
/// When it is not within `limit`; with its own reason if it gave one.
pub async fn ready(http: &reqwest::Client, base: &str, limit: Duration) -> anyhow::Result<()> {
    let mut last = "it did not answer".to_owned();
    let waiting = async {
        loop {
            match http.get(format!("{base}/readyz")).send().await {
                Ok(response) if response.status().is_success() => return,
                Ok(response) => last = response.text().await.unwrap_or_default(),
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(limit, waiting)
        .await
        .ok()
        .with_context(|| format!("{base} is not ready: {last}"))
}

/// Make a call, and collect the events of its trace.
///
/// # Errors
/// When there is no answer, or nobody can listen to the events.
pub async fn observe(
    request: reqwest::RequestBuilder,
    events: &EventSink,
    trace: TraceContext,
) -> anyhow::Result<Flow> {
    let listener = events.subscribe().context("the events are switched off")?;
    let response = request.header("traceparent", trace.to_string()).send().await?;
    let status = response.status();
    let body = response.text().await?;
    // All events of a call were sent before its answer was.
    Ok(Flow { status, body, events: collect(listener, trace) })
}

fn collect(mut listener: Receiver<Arc<FlowEvent>>, trace: TraceContext) -> Vec<Arc<FlowEvent>> {
    let mut events = Vec::new();
    loop {
        match listener.try_recv() {
            Ok(event) if event.trace_id == trace.trace_id => events.push(event),
            Ok(_) | Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return events,
        }
    }
}
