//! Calls a server and collects the events of all parties.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use flow_events::{EventSink, FlowEvent, TraceContext};
use reqwest::StatusCode;
use tokio::sync::broadcast::{Receiver, error::TryRecvError};

/// A response of A, with the events of the call.
pub struct ObservedCall {
    pub status: StatusCode,
    pub body: String,
    /// In the order in which they were emitted.
    pub events: Vec<Arc<FlowEvent>>,
}

/// Waits until `/readyz` of the server at `base` reports success.
///
/// # Errors
/// Returns an error with the last response if the server is not ready within `timeout`.
pub async fn wait_until_ready(
    http: &reqwest::Client,
    base: &str,
    timeout: Duration,
) -> anyhow::Result<()> {
    let mut last = "no response".to_owned();
    let polling = async {
        loop {
            match http.get(format!("{base}/readyz")).send().await {
                Ok(response) if response.status().is_success() => return,
                Ok(response) => last = response.text().await.unwrap_or_default(),
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(timeout, polling)
        .await
        .ok()
        .with_context(|| format!("{base} is not ready: {last}"))
}

/// Sends a request and collects the events of its trace.
///
/// # Errors
/// Returns an error if there is no response, or if the sink is disabled.
pub async fn observe(
    request: reqwest::RequestBuilder,
    events: &EventSink,
    trace: TraceContext,
) -> anyhow::Result<ObservedCall> {
    let receiver = events.subscribe().context("the event sink is disabled")?;
    let response = request.header("traceparent", trace.to_string()).send().await?;
    let status = response.status();
    let body = response.text().await?;
    // All events of a call are emitted before its response is sent.
    Ok(ObservedCall { status, body, events: collect(receiver, trace) })
}

fn collect(mut receiver: Receiver<Arc<FlowEvent>>, trace: TraceContext) -> Vec<Arc<FlowEvent>> {
    let mut events = Vec::new();
    loop {
        match receiver.try_recv() {
            Ok(event) if event.trace_id == trace.trace_id => events.push(event),
            Ok(_) | Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return events,
        }
    }
}
