//! Export of spans to an OpenTelemetry collector. A separate test binary, because logging is
//! initialized once in a process.

#![expect(clippy::unwrap_used, reason = "a test reports a failure by panicking")]

use axum::{Router, routing::get};
use clock::Clock;
use flow_events::{EventSink, Party, current_trace};
use prometheus_client::registry::Registry;
use service_kit::{
    BoundListener, CancellationToken, Hosts, Limits, Server, ServiceContext, metrics,
    telemetry::{self, LogSettings},
    with_request_context,
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test(flavor = "multi_thread")]
async fn request_span_is_exported_in_the_callers_trace() {
    let collector = MockServer::start().await;
    Mock::given(path("/v1/traces"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&collector)
        .await;
    let settings = LogSettings {
        otlp_endpoint: Some(format!("{}/v1/traces", collector.uri())),
        ..LogSettings::default()
    };
    let telemetry = telemetry::init("sample", &settings).unwrap();

    let (sent_on, _) = call_server(Some(&format!("00-{TRACE_ID}-00f067aa0ba902b7-01"))).await;
    let (_, request_id) = call_server(None).await;
    // Dropping the guard blocks until all spans are exported.
    tokio::task::spawn_blocking(move || drop(telemetry)).await.unwrap();

    let [sent] = &collector.received_requests().await.unwrap()[..] else {
        panic!("one export was expected")
    };
    let contains = |wanted: &[u8]| sent.body.windows(wanted.len()).any(|window| window == wanted);
    assert!(contains(&bytes(TRACE_ID)) && contains(b"sample"));
    // The parent of the next hop is the span that the collector knows.
    let span_id = sent_on.split('-').nth(2).unwrap();
    assert!(sent_on.contains(TRACE_ID) && contains(&bytes(span_id)), "{sent_on}");
    // Without an incoming trace, the request id is the new trace id, in the response, the log and
    // the export.
    assert!(contains(&bytes(&request_id)) && contains(request_id.as_bytes()), "{request_id}");
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Calls a server, and returns the `traceparent` that it would send to the next server and its
/// request id.
async fn call_server(traceparent: Option<&str>) -> (String, String) {
    let handler = || async { current_trace().map(|trace| trace.to_string()).unwrap_or_default() };
    let context = ServiceContext {
        service: "sample",
        party: Party::ResourceServer,
        events: EventSink::disabled(),
        clock: Clock::system(),
        http_metrics: metrics::HttpMetrics::register(&mut Registry::default()),
        hosts: Hosts::default(),
        limits: Limits::default(),
    };
    let app = with_request_context(Router::new().route("/", get(handler)), context);
    let listener = BoundListener::bind("127.0.0.1:0", "listen").unwrap();
    let (url, shutdown) = (format!("http://{}", listener.address()), CancellationToken::new());
    let running =
        tokio::spawn(Server::new(listener, app, &Limits::default()).run(shutdown.clone()));
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let request = traceparent
        .into_iter()
        .fold(http.get(url), |request, value| request.header("traceparent", value));
    let response = request.send().await.unwrap();
    let request_id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let sent_on = response.text().await.unwrap();
    shutdown.cancel();
    running.await.unwrap().unwrap();
    (sent_on, request_id)
}
