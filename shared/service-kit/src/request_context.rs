use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use clock::Clock;
use flow_events::{EventSink, FlowScope, Party, TraceContext, emit};
use futures_util::FutureExt;
use tracing::{Instrument, field::display};

use crate::{
    ClientAddress, Hosts, Limits,
    error_response::{X_REQUEST_ID, error_response, invalid_request, unknown_method, unknown_path},
    event_fields,
    metrics::HttpMetrics,
    telemetry,
};

/// What every request of a server needs to know about the server.
#[derive(Clone)]
pub struct ServiceContext {
    /// The name of the server in logs and metrics.
    pub service: &'static str,
    /// Its role in OAuth flows.
    pub party: Party,
    /// Where its events are sent.
    pub events: EventSink,
    /// The clock for event timestamps.
    pub clock: Clock,
    /// The request metrics.
    pub http_metrics: HttpMetrics,
    /// The hosts that the server accepts requests for. Requests for any other get status 421.
    pub hosts: Hosts,
    /// The limits of one request.
    pub limits: Limits,
}

/// The id of a request in its log lines and in the response header `X-Request-Id`. Taken from that
/// request header if its value is safe to log, otherwise the trace id.
#[derive(Clone, Debug)]
pub struct RequestId(pub Arc<str>);

/// Adds request id, trace, log line, metrics, events and limits to every request of `app`,
/// including those that are rejected for their path, method, size or duration.
pub fn with_request_context(app: Router, context: ServiceContext) -> Router {
    with_context_layer(with_error_fallbacks(app), context)
}

/// Rejects requests for unknown paths and methods. For layers that are to cover these as well, and
/// to which [`with_context_layer`] adds the request context.
pub fn with_error_fallbacks(app: Router) -> Router {
    app.fallback(unknown_path).method_not_allowed_fallback(unknown_method)
}

/// [`with_request_context`] of routes that have fallbacks.
pub fn with_context_layer(app: Router, context: ServiceContext) -> Router {
    // One layer instead of several, because each one costs time at every request.
    app.layer(from_fn_with_state(Arc::new(context), run_with_context))
}

async fn run_with_context(
    State(context): State<Arc<ServiceContext>>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route_name = route.as_ref().map_or("unknown", MatchedPath::as_str);
    let client = ClientAddress::of(request.extensions());
    let (id, trace, span) = enter_trace(&context, client, request.headers());
    request.extensions_mut().insert(id.clone());
    DefaultBodyLimit::max(context.limits.max_body_bytes).apply(&mut request);

    let rejected = context.hosts.reject(&request);
    if !method.is_safe() {
        // For `require_same_origin`.
        request.extensions_mut().insert(context.hosts.clone());
    }
    let flow = FlowScope {
        trace,
        party: context.party,
        sink: context.events.clone(),
        clock: context.clock.clone(),
    };
    // A panic must not close the connection, and the response must not reveal its message.
    let handled =
        AssertUnwindSafe(flow.run(handle(request, next, route_name, rejected))).catch_unwind();
    let outcome = tokio::time::timeout(context.limits.request_timeout(), handled)
        .instrument(span.clone())
        .await;
    let mut response = match outcome {
        Ok(handled) => handled.unwrap_or_else(|_| panicked()),
        Err(_) => invalid_request(
            StatusCode::REQUEST_TIMEOUT,
            "the request took too long, including its body",
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

/// Handles the request, unless it is rejected, and emits its events. Static assets are not part of
/// a flow and emit none.
async fn handle(request: Request, next: Next, route: &str, rejected: Option<Response>) -> Response {
    if route.starts_with("/assets/") {
        return respond(request, next, rejected).await;
    }
    let started = Instant::now();
    emit(|| event_fields::request_received(&request, route));
    let response = respond(request, next, rejected).await;
    emit(|| event_fields::response_sent(&response, started.elapsed()));
    response
}

async fn respond(request: Request, next: Next, rejected: Option<Response>) -> Response {
    match rejected {
        Some(rejected) => rejected,
        None => next.run(request).await,
    }
}

fn enter_trace(
    context: &ServiceContext,
    client: ClientAddress,
    headers: &HeaderMap,
) -> (RequestId, TraceContext, tracing::Span) {
    let incoming = headers
        .get("traceparent")
        .and_then(|value| value.to_str().ok())
        .and_then(TraceContext::parse);
    let trace = incoming.map_or_else(begin_trace, |trace| trace.child(random()));
    // The ids are recorded when the span is created. With a collector, the trace id is known only
    // after the span exists, so they are recorded afterwards.
    let ids = |trace: TraceContext| (request_id(headers, trace), trace.trace_id);
    let known = (!telemetry::is_exported()).then(|| ids(trace));
    let (known_id, known_trace) =
        (known.as_ref().map(|(id, _)| &*id.0), known.as_ref().map(|(_, id)| display(id)));
    let span = tracing::info_span!(
        "request",
        service = context.service,
        client = %client,
        request_id = known_id,
        trace_id = known_trace
    );
    let trace = telemetry::join_trace(&span, incoming).unwrap_or(trace);
    let (id, _) = known.unwrap_or_else(|| {
        let (id, trace_id) = ids(trace);
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

/// Trace ids are not secret: if the random number generator fails, a constant is better than a
/// failed request.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [1; N];
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes
}

fn request_id(headers: &HeaderMap, trace: TraceContext) -> RequestId {
    // Long enough for a UUID, too short for a token that a client sent in the wrong header. The
    // character set prevents forged log lines.
    let safe_to_log = |id: &&str| {
        (1..=40).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let sent = headers.get(&X_REQUEST_ID).and_then(|value| value.to_str().ok()).filter(safe_to_log);
    RequestId(sent.map_or_else(|| trace.trace_id.to_string().into(), Into::into))
}

/// Logs the route pattern, never the actual path or query, because callers put secrets there by
/// mistake.
fn log(method: &http::Method, route: &str, status: StatusCode, started: Instant) {
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    if status.is_server_error() {
        tracing::error!(%method, route, status = status.as_u16(), micros, "request completed");
    } else if status.is_client_error() {
        tracing::info!(%method, route, status = status.as_u16(), micros, "request completed");
    } else {
        tracing::debug!(%method, route, status = status.as_u16(), micros, "request completed");
    }
}

fn panicked() -> Response {
    tracing::error!("request handler panicked; see the panic message in the log");
    error_response(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "internal error")
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
    fn request_id_of_the_caller_is_kept() {
        assert_eq!(id_for("order-7.retry_2"), "order-7.retry_2");
    }

    #[test]
    fn unsafe_request_id_is_replaced_by_the_trace_id() {
        let trace_id = trace().trace_id.to_string();
        for unsafe_id in ["a b", "", "a\tb", "{\"level\":\"x\"}", &"a".repeat(41)] {
            assert_eq!(id_for(unsafe_id), trace_id, "{unsafe_id}");
        }
    }
}
