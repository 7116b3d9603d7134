use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::viewer::Viewer;

/// `gatepass walk` and others read the flow of a scenario as soon as it has ended. The events
/// arrive after the responses, so a scenario waits for them, but at most for a second.
#[tokio::test]
async fn scenario_waits_for_its_events() {
    let a = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&a).await;
    let viewer = Viewer::start_with(|settings| {
        settings.scenarios = true;
        settings.service_a.url = a.uri();
    });
    let (client, began) = (Client::new(), Instant::now());
    let play = client.post(format!("{}/api/scenarios/legacy_basic", viewer.base)).json(&json!({}));
    let result: Value = play.send().await.unwrap().json().await.unwrap();
    assert_eq!(result["as_expected"], true, "{result}");
    // A slow machine waits longer, never shorter.
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
}
