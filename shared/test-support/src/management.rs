//! What every server's management listener has in common.

use crate::http::{TestClient, send};

/// The paths of the management listener.
const PATHS: [&str; 4] = ["/healthz", "/readyz", "/readyz?deep", "/metrics"];

/// Asserts that health, readiness and metrics are served on the management listener, for every
/// host, and on no public one, and that the management listener does not serve `public_path`.
pub async fn assert_management(manage: &TestClient, public: &[&TestClient], public_path: &str) {
    for path in PATHS {
        // Probes and Prometheus name a server by its address.
        for host in ["localhost", "10.0.0.5", "evil.example"] {
            let response = send(manage.request("GET", path).header("host", host)).await;
            assert_eq!(response.status, 200, "{path} for {host}: {response:?}");
        }
        for listener in public {
            let response = listener.get(path).await;
            assert_eq!(response.status, 404, "{path} at {}: {response:?}", listener.base);
        }
    }
    assert_eq!(manage.get("/healthz").await.text, r#"{"status":"ok"}"#);
    assert_eq!(manage.get("/readyz").await.text, r#"{"status":"ready"}"#);
    let metrics = manage.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    assert!(metrics.text.contains("gatepass_http_requests"), "{}", metrics.text);
    for path in ["/", "/nowhere", public_path] {
        let response = manage.get(path).await;
        assert_eq!(response.status, 404, "{path}: {response:?}");
        assert!(response.text.contains("/healthz, /readyz and /metrics only"), "{response:?}");
    }
    let posted = send(manage.post("/readyz")).await;
    assert_eq!(posted.status, 405, "{posted:?}");
}
