//! Sending of events to a flow viewer.
#![expect(clippy::unwrap_used, reason = "a test reports a failure by panicking")]

use std::time::Duration;

use clock::Clock;
use flow_events::{Event, EventSink, Field, FlowScope, MAX_EVENT_BYTES, Party, TraceContext, emit};
use service_kit::{EventSettings, Profile};
use test_support::wait::until;
use tokio::net::TcpListener;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

async fn viewer() -> MockServer {
    let viewer = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/api/config"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&viewer)
        .await;
    Mock::given(method("POST"))
        .and(path("/api/events"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&viewer)
        .await;
    viewer
}

fn events_to(viewer: &str, profile: Profile) -> EventSink {
    let settings = EventSettings { viewer_url: Some(viewer.parse().unwrap()), in_production: true };
    settings.start(profile).unwrap().0
}

async fn emit_event(sink: &EventSink) {
    let trace = TraceContext::root([7; 24]).unwrap();
    let scope =
        FlowScope { trace, party: Party::Client, sink: sink.clone(), clock: Clock::manual(5) };
    let fields = || {
        vec![
            Field::text("scope", "from-the-body"),
            Field::text("accept", "from-a-header").in_header(),
        ]
    };
    let url = "http://c.example/".to_owned();
    let sent = || Event::RequestSent {
        to: Party::AuthorizationServer,
        method: "POST".to_owned(),
        url,
        fields: fields(),
    };
    scope.run(async { emit(sent) }).await;
}

/// Emits events until the viewer has received some, and returns the first batch.
async fn first_batch(viewer: &MockServer, emit_event: impl AsyncFn()) -> String {
    let batches = async || {
        let requests = viewer.received_requests().await.unwrap();
        requests
            .into_iter()
            .filter(|request| request.url.path() == "/api/events")
            .collect::<Vec<_>>()
    };
    // Events are dropped until the sender has found the viewer.
    until("the viewer receives events", async || {
        emit_event().await;
        !batches().await.is_empty()
    })
    .await;
    String::from_utf8(batches().await.remove(0).body).unwrap()
}

async fn received(viewer: &MockServer, sink: &EventSink) -> String {
    first_batch(viewer, async || emit_event(sink).await).await
}

#[tokio::test]
async fn events_are_sent_to_the_viewer() {
    let viewer = viewer().await;
    let batch = received(&viewer, &events_to(&viewer.uri(), Profile::Demo)).await;
    assert!(
        batch.contains("request_sent")
            && batch.contains("from-the-body")
            && batch.contains("from-a-header"),
        "{batch}"
    );
}

#[tokio::test]
async fn event_with_many_fields_is_sent_in_part() {
    let viewer = viewer().await;
    let sink = events_to(&viewer.uri(), Profile::Demo);
    let trace = TraceContext::root([8; 24]).unwrap();
    let scope =
        FlowScope { trace, party: Party::Client, sink: sink.clone(), clock: Clock::manual(5) };
    let batch = first_batch(&viewer, async || {
        let fields = || vec![Field::text("a", "v".repeat(1_000)); 32_000];
        scope.clone().run(async { emit(|| Event::FormReceived { fields: fields() }) }).await;
    })
    .await;
    let events = batch.matches("form_received").count();
    assert_eq!(batch.matches(" more fields").count(), events, "{batch}");
    assert!(batch.len() < events * MAX_EVENT_BYTES, "{} bytes", batch.len());
}

/// Requests are completed while a server drains, after its shutdown has begun.
#[tokio::test]
async fn events_emitted_before_the_end_reach_the_viewer() {
    let viewer = viewer().await;
    let settings = EventSettings {
        viewer_url: Some(viewer.uri().parse().unwrap()),
        ..EventSettings::default()
    };
    let (sink, sender) = settings.start(Profile::Demo).unwrap();
    received(&viewer, &sink).await;
    let trace = TraceContext::root([9; 24]).unwrap();
    let scope = FlowScope { trace, party: Party::Client, sink, clock: Clock::manual(5) };
    let last = || Event::RequestFailed {
        to: Party::ResourceServer,
        reason: "the last event".to_owned(),
        elapsed_micros: 1,
    };
    scope.run(async { emit(last) }).await;
    sender.finish().await;
    let requests = viewer.received_requests().await.unwrap();
    let sent = requests.iter().map(|request| String::from_utf8_lossy(&request.body));
    assert_eq!(sent.filter(|body| body.contains("the last event")).count(), 1);
}

#[tokio::test]
async fn production_events_contain_no_bodies() {
    let viewer = viewer().await;
    let batch = received(&viewer, &events_to(&viewer.uri(), Profile::Production)).await;
    assert!(batch.contains("from-a-header") && !batch.contains("from-the-body"), "{batch}");
}

#[tokio::test]
async fn no_event_is_built_while_the_viewer_is_unreachable() {
    let viewer = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sink = events_to(&format!("http://{}", viewer.local_addr().unwrap()), Profile::Demo);
    let trace = TraceContext::root([7; 24]).unwrap();
    let scope = FlowScope { trace, party: Party::Client, sink, clock: Clock::manual(5) };
    let emit_until_retry = async {
        // The sender connects again only after it has handled the failure of the first attempt.
        for _ in 0..2 {
            let attempt = async { drop(viewer.accept().await.unwrap()) };
            tokio::pin!(attempt);
            loop {
                emit(|| unreachable!("an event was built without a viewer"));
                tokio::select! {
                    () = &mut attempt => break,
                    () = tokio::task::yield_now() => (),
                }
            }
        }
    };
    let retried = tokio::time::timeout(Duration::from_secs(60), scope.run(emit_until_retry)).await;
    assert!(retried.is_ok(), "the sender did not try to reach the viewer twice");
}

#[test]
fn sending_events_in_production_needs_https_and_consent() {
    let settings = |viewer: &str, in_production| EventSettings {
        viewer_url: Some(viewer.parse().unwrap()),
        in_production,
    };
    for (viewer, in_production, safe) in [
        ("https://viewer:9004", false, false),
        ("https://viewer:9004", true, true),
        ("http://127.0.0.1:9004", true, true),
        ("http://viewer:9004", true, false),
    ] {
        let unsafe_setting = settings(viewer, in_production).unsafe_setting();
        assert_eq!(
            unsafe_setting.map(|unsafe_setting| unsafe_setting.setting),
            (!safe).then_some("events.viewer_url"),
            "{viewer}"
        );
    }
    assert_eq!(EventSettings::default().unsafe_setting(), None);
}
