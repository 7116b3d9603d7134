//! Events on their way to a flow viewer.
#![expect(clippy::unwrap_used, reason = "tests say what they expect by failing")]

use std::time::Duration;

use clock::Clock;
use flow_events::{Event, EventSink, Field, FlowScope, Party, TraceContext, emit};
use service_kit::{CancellationToken, EventSettings, Profile};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

async fn viewer() -> MockServer {
    let viewer = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/healthz"))
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

fn told_to(viewer: &str, profile: Profile) -> EventSink {
    let settings = EventSettings { viewer_url: Some(viewer.parse().unwrap()), in_production: true };
    settings.start(profile, CancellationToken::new()).unwrap()
}

async fn happen(sink: &EventSink) {
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

/// What the viewer has been sent, once it has been sent something.
async fn received(viewer: &MockServer, sink: &EventSink) -> String {
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        // Nothing is told before the viewer was found to be there.
        happen(sink).await;
        let requests = viewer.received_requests().await.unwrap();
        if let Some(told) = requests.iter().find(|request| request.url.path() == "/api/events") {
            return String::from_utf8(told.body.clone()).unwrap();
        }
        assert!(std::time::Instant::now() < deadline, "nothing was ever sent");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_happens_is_sent_to_the_viewer() {
    let viewer = viewer().await;
    let told = received(&viewer, &told_to(&viewer.uri(), Profile::Demo)).await;
    assert!(
        told.contains("request_sent")
            && told.contains("from-the-body")
            && told.contains("from-a-header"),
        "{told}"
    );
}

#[tokio::test]
async fn in_production_bodies_stay_in_the_process() {
    let viewer = viewer().await;
    let told = received(&viewer, &told_to(&viewer.uri(), Profile::Production)).await;
    assert!(told.contains("from-a-header") && !told.contains("from-the-body"), "{told}");
}

#[tokio::test]
async fn while_the_viewer_is_away_no_event_is_even_built() {
    let sink = told_to("http://127.0.0.1:1", Profile::Demo);
    let trace = TraceContext::root([7; 24]).unwrap();
    let scope = FlowScope { trace, party: Party::Client, sink, clock: Clock::manual(5) };
    scope.run(async { emit(|| unreachable!("built for nobody")) }).await;
}

#[test]
fn production_tells_nobody_by_accident() {
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
        let finding = settings(viewer, in_production).unsafe_setting();
        assert_eq!(
            finding.map(|finding| finding.setting),
            (!safe).then_some("events.viewer_url"),
            "{viewer}"
        );
    }
    assert_eq!(EventSettings::default().unsafe_setting(), None);
}
