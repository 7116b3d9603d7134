use serde_json::json;

use crate::test_servers::{NOBODY, World, status};

#[tokio::test]
async fn a_is_up_and_ready_also_while_c_and_b_are_away() {
    let world = World::new().await;
    let a = world
        .start_with(|settings| {
            settings.issuer = NOBODY.to_owned();
            settings.targets.local.url = NOBODY.to_owned();
        })
        .await;
    for (path, word) in [("/healthz", "ok"), ("/readyz", "ready")] {
        let answer = a.get(path).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "status": word })));
    }
}

#[tokio::test]
async fn calls_are_counted_by_route_and_status_and_never_by_what_a_caller_wrote() {
    let world = World::new().await;
    let a = world.start().await;
    a.get("/api/call-b").await;
    world.b.answers([status(500)]);
    a.get("/api/call-b?target=local").await;
    assert_eq!(a.get("/made/up").await.status, 404);
    let metrics = a.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    for line in [
        r#"gatepass_http_requests_total{method="GET",route="/api/call-b",status="200"} 1"#,
        r#"gatepass_http_requests_total{method="GET",route="/api/call-b",status="502"} 1"#,
        r#"gatepass_http_requests_total{method="GET",route="unknown",status="404"} 1"#,
        r#"gatepass_http_request_seconds_count{route="/api/call-b"} 2"#,
    ] {
        assert!(metrics.text.contains(line), "{line} is not in {}", metrics.text);
    }
    assert!(!metrics.text.contains("made"));
}
