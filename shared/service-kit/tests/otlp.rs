//! Spans reach an OpenTelemetry collector, under the trace that the caller began. A test binary of
//! its own, as logging begins once for a process.

#![expect(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use axum::{Router, routing::get};
use clock::Clock;
use flow_events::{EventSink, Party, current_trace};
use prometheus_client::registry::Registry;
use service_kit::{
    BoundListener, CancellationToken, Limits, Server, ServiceContext, metrics,
    telemetry::{self, LogSettings},
    with_request_context,
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_the_span_of_a_request_in_the_callers_trace() {
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

    let (passed_on, _) = call_a_service(Some(&format!("00-{TRACE_ID}-00f067aa0ba902b7-01"))).await;
    let (_, own_id) = call_a_service(None).await;
    // What is dropped blocks until all spans are sent.
    tokio::task::spawn_blocking(move || drop(telemetry)).await.unwrap();

    let [sent] = &collector.received_requests().await.unwrap()[..] else {
        panic!("one export was expected")
    };
    let holds = |wanted: &[u8]| sent.body.windows(wanted.len()).any(|window| window == wanted);
    assert!(holds(&bytes(TRACE_ID)) && holds(b"sample"));
    // The next hop hangs under the span that the collector knows.
    let span_id = passed_on.split('-').nth(2).unwrap();
    assert!(passed_on.contains(TRACE_ID) && holds(&bytes(span_id)), "{passed_on}");
    // A request that begins a trace has its name, in the answer and in the log as at the collector.
    assert!(holds(&bytes(&own_id)) && holds(own_id.as_bytes()), "{own_id}");
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Call a service with a `traceparent` or without. The one that it would send on, and its request
/// id.
async fn call_a_service(traceparent: Option<&str>) -> (String, String) {
    let handler = || async { current_trace().map(|trace| trace.to_string()).unwrap_or_default() };
    let context = ServiceContext {
        service: "sample",
        party: Party::ResourceServer,
        events: EventSink::disabled(),
        clock: Clock::system(),
        http_metrics: metrics::HttpMetrics::register(&mut Registry::default()),
        limits: Limits::default(),
    };
    let app = with_request_context(Router::new().route("/", get(handler)), context);
    let bound = BoundListener::bind("127.0.0.1:0", "listen").unwrap();
    let (url, stop) = (format!("http://{}", bound.address()), CancellationToken::new());
    let running = tokio::spawn(Server::new(bound, app, &Limits::default()).run(stop.clone()));
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let request = traceparent
        .into_iter()
        .fold(http.get(url), |request, value| request.header("traceparent", value));
    let answer = request.send().await.unwrap();
    let request_id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let passed_on = answer.text().await.unwrap();
    stop.cancel();
    running.await.unwrap().unwrap();
    (passed_on, request_id)
}
