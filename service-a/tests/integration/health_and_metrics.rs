use serde_json::json;
use test_support::mock::status;

use crate::test_servers::{TestServers, UNREACHABLE};

#[tokio::test]
async fn a_is_ready_while_c_and_b_are_unreachable() {
    let servers = TestServers::start().await;
    let a = servers
        .start_a_with(|settings| {
            settings.issuer = UNREACHABLE.to_owned();
            settings.targets.local.url = UNREACHABLE.to_owned();
        })
        .await;
    for (path, health) in [("/healthz", "ok"), ("/readyz", "ready")] {
        let response = a.manage.get(path).await;
        assert_eq!((response.status, response.json()), (200, json!({ "status": health })));
    }
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_status() {
    let servers = TestServers::start().await;
    let a = servers.start_a().await;
    a.get("/api/call-b").await;
    servers.b.respond_in_order([status(500)]);
    a.get("/api/call-b?target=local").await;
    assert_eq!(a.get("/made/up").await.status, 404);
    let metrics = a.manage.get("/metrics").await;
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
