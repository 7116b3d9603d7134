//! Spans reach an OpenTelemetry collector, under the trace that the caller began. A test binary of its own, as logging begins
//! once for a process.

#![expect(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use axum::{Router, routing::get};
use clock::Clock;
use flow_events::{EventSink, Party, current_trace};
use prometheus_client::registry::Registry;
use service_kit::{
    Bound, Limits, Server, ServiceContext, Stop, metrics, scoped,
    telemetry::{self, LogSettings},
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_the_span_of_a_request_in_the_callers_trace() {
    let collector = MockServer::start().await;
    Mock::given(path("/v1/traces")).respond_with(ResponseTemplate::new(200)).mount(&collector).await;
    let settings =
        LogSettings { otlp_endpoint: Some(format!("{}/v1/traces", collector.uri())), ..LogSettings::default() };
    let telemetry = telemetry::begin("sample", &settings).unwrap();

    let passed_on = call_a_service().await;
    // What is dropped blocks until all spans are sent.
    tokio::task::spawn_blocking(move || drop(telemetry)).await.unwrap();

    let [sent] = &collector.received_requests().await.unwrap()[..] else { panic!("one export was expected") };
    let trace_id: Vec<u8> =
        (0..16).map(|byte| u8::from_str_radix(&TRACE_ID[2 * byte..2 * byte + 2], 16).unwrap()).collect();
    let holds = |wanted: &[u8]| sent.body.windows(wanted.len()).any(|window| window == wanted);
    assert!(holds(&trace_id) && holds(b"sample"));
    // The next hop hangs under the span that the collector knows.
    let span_id = passed_on.split('-').nth(2).unwrap();
    let span_id: Vec<u8> =
        (0..8).map(|byte| u8::from_str_radix(&span_id[2 * byte..2 * byte + 2], 16).unwrap()).collect();
    assert!(passed_on.contains(TRACE_ID) && holds(&span_id), "{passed_on}");
}

/// Call a service with a `traceparent`, and return the one that it would send on.
async fn call_a_service() -> String {
    let handler = || async { current_trace().map(|trace| trace.to_string()).unwrap_or_default() };
    let context = ServiceContext {
        service: "sample",
        party: Party::ResourceServer,
        events: EventSink::off(),
        clock: Clock::system(),
        http_metrics: metrics::HttpMetrics::register(&mut Registry::default()),
        limits: Limits::default(),
    };
    let app = scoped(Router::new().route("/", get(handler)), context);
    let bound = Bound::to("127.0.0.1:0", "listen").unwrap();
    let (url, stop) = (format!("http://{}", bound.address()), Stop::new());
    let running = tokio::spawn(Server::new(bound, app, &Limits::default()).run(stop.clone()));
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let traceparent = format!("00-{TRACE_ID}-00f067aa0ba902b7-01");
    let answer = http.get(url).header("traceparent", traceparent).send().await.unwrap().text().await.unwrap();
    stop.cancel();
    running.await.unwrap().unwrap();
    answer
}
