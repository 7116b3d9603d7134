//! Calls a server and collects the events of all parties.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use flow_events::{EventSink, FlowEvent, TraceContext};
use reqwest::StatusCode;
use service_kit::health::Readiness;
use tokio::sync::broadcast::{Receiver, error::TryRecvError};

/// A response of A, with the events of the call.
pub struct ObservedCall {
    pub status: StatusCode,
    pub body: String,
    /// In the order in which they were emitted.
    pub events: Vec<Arc<FlowEvent>>,
}

/// Waits until a server of this process is ready. Its readiness is asked directly, so the server
/// needs no management listener.
///
/// # Errors
/// Returns an error with the last reason if the server is not ready within `timeout`.
pub async fn wait_until_ready(readiness: &Readiness, timeout: Duration) -> anyhow::Result<()> {
    let mut last = "no result".to_owned();
    let polling = async {
        while let Err(reason) = readiness.check(true).await {
            last = reason;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let result = tokio::time::timeout(timeout, polling).await;
    result.ok().with_context(|| format!("not ready: {last}"))
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
