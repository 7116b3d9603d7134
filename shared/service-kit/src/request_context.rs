use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use clock::Clock;
use flow_events::{EventSink, FlowScope, Party, TraceContext, emit};
use futures_util::FutureExt;
use tracing::{Instrument, field::display};

use crate::{
    Limits,
    error_response::{error_response, invalid_request, unknown_method, unknown_path},
    event_fields,
    metrics::HttpMetrics,
    telemetry,
};

pub(crate) static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a service knows about itself in every request.
#[derive(Clone)]
pub struct ServiceContext {
    /// Its name in logs and metrics.
    pub service: &'static str,
    /// Its role in a flow.
    pub party: Party,
    /// Where its events go.
    pub events: EventSink,
    /// What time it is.
    pub clock: Clock,
    /// What it counts.
    pub http_metrics: HttpMetrics,
    /// What one request may take.
    pub limits: Limits,
}

/// The name of one request, in its logs and in its answer. The caller's own if it sent a sane one,
/// else its trace.
#[derive(Clone, Debug)]
pub struct RequestId(pub Arc<str>);

/// Give every request of `app` its id, its trace, its line in the log and its place in the metrics:
/// also those that are refused for their path, their method, their length or their slowness.
pub fn with_request_context(app: Router, context: ServiceContext) -> Router {
    // One layer for all of it: each has its price at every request.
    app.fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .layer(from_fn_with_state(Arc::new(context), scope))
}

async fn scope(
    State(context): State<Arc<ServiceContext>>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route_name = route.as_ref().map_or("unknown", MatchedPath::as_str);
    let (id, trace, span) = enter_trace(&context, request.headers());
    request.extensions_mut().insert(id.clone());
    DefaultBodyLimit::max(context.limits.body_bytes).apply(&mut request);

    let flow = FlowScope {
        trace,
        party: context.party,
        sink: context.events.clone(),
        clock: context.clock.clone(),
    };
    // A bug in one request must not take the connection, and the answer must not tell what it was.
    let handled = AssertUnwindSafe(flow.run(handle(request, next, route_name))).catch_unwind();
    let in_time =
        tokio::time::timeout(context.limits.request_time(), handled).instrument(span.clone()).await;
    let mut response = match in_time {
        Ok(handled) => handled.unwrap_or_else(|_| panicked()),
        Err(_) => invalid_request(
            StatusCode::REQUEST_TIMEOUT,
            "the request took too long, its body included",
        ),
    };

    let status = response.status();
    context.http_metrics.record(&method, route_name, status, started.elapsed());
    span.in_scope(|| log(&method, route_name, status, started));
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(X_REQUEST_ID.clone(), value);
    }
    response
}

/// Handle the request, and tell those who watch. What pages are dressed in says nothing of a flow.
async fn handle(request: Request, next: Next, route: &str) -> Response {
    if route.starts_with("/assets/") {
        return next.run(request).await;
    }
    let started = Instant::now();
    emit(|| event_fields::arrived(&request, route));
    let response = next.run(request).await;
    emit(|| event_fields::answered(&response, started.elapsed()));
    response
}

fn enter_trace(
    context: &ServiceContext,
    headers: &HeaderMap,
) -> (RequestId, TraceContext, tracing::Span) {
    let incoming = headers
        .get("traceparent")
        .and_then(|value| value.to_str().ok())
        .and_then(TraceContext::parse);
    let trace = incoming.map_or_else(begin_trace, |trace| trace.child(random()));
    // Written once, with the span; a collector is asked for its name of the trace first, and that
    // takes a span.
    let names = |trace: TraceContext| (request_id(headers, trace), trace.trace_id);
    let known = (!telemetry::is_exported()).then(|| names(trace));
    let (known_id, known_trace) =
        (known.as_ref().map(|(id, _)| &*id.0), known.as_ref().map(|(_, id)| display(id)));
    let span = tracing::info_span!(
        "request",
        service = context.service,
        request_id = known_id,
        trace_id = known_trace
    );
    let trace = telemetry::join_trace(&span, incoming).unwrap_or(trace);
    let (id, _) = known.unwrap_or_else(|| {
        let (id, trace_id) = names(trace);
        span.record("request_id", &*id.0).record("trace_id", display(trace_id));
        (id, trace_id)
    });
    (id, trace, span)
}

fn begin_trace() -> TraceContext {
    loop {
        if let Some(trace) = TraceContext::root(random()) {
            return trace;
        }
    }
}

/// Trace ids name requests and guard nothing, so a machine without randomness gets a constant
/// rather than a failure.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [1; N];
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes
}

fn request_id(headers: &HeaderMap, trace: TraceContext) -> RequestId {
    // Long enough for a UUID, and too short for a token or a secret that somebody put into the
    // wrong header.
    let sane = |id: &&str| {
        (1..=40).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let own = headers.get(&X_REQUEST_ID).and_then(|value| value.to_str().ok()).filter(sane);
    RequestId(own.map_or_else(|| trace.trace_id.to_string().into(), Into::into))
}

/// The path's pattern and never its text or query: a careless caller puts secrets there.
fn log(method: &http::Method, route: &str, status: StatusCode, started: Instant) {
    let micros = started.elapsed().as_micros();
    if status.is_server_error() {
        tracing::error!(%method, route, status = status.as_u16(), micros, "answered");
    } else if status.is_client_error() {
        tracing::info!(%method, route, status = status.as_u16(), micros, "answered");
    } else {
        tracing::debug!(%method, route, status = status.as_u16(), micros, "answered");
    }
}

fn panicked() -> Response {
    tracing::error!("a request failed by a bug; the panic's own line in the log says where");
    error_response(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "an unexpected failure")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace() -> TraceContext {
        TraceContext::root([9; 24]).unwrap()
    }

    fn id_for(sent: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(&X_REQUEST_ID, HeaderValue::from_str(sent).unwrap());
        request_id(&headers, trace()).0.to_string()
    }

    #[test]
    fn a_sane_request_id_is_kept() {
        assert_eq!(id_for("order-7.retry_2"), "order-7.retry_2");
    }

    #[test]
    fn a_request_id_that_could_forge_a_log_line_is_replaced() {
        let own = trace().trace_id.to_string();
        for bad in ["a b", "", "a\tb", "{\"level\":\"x\"}", &"a".repeat(41)] {
            assert_eq!(id_for(bad), own, "{bad}");
        }
    }
}
