//! Events of any size leave the viewer small.

use reqwest::Client;
use serde_json::{Value, json};

use crate::viewer::Viewer;

/// As a process without limits would report `GET /nothing?a&a&…` with 32,000 parameters.
fn oversized(flow: usize) -> Value {
    let fields = vec![json!({ "location": "query", "name": "a", "value": "secret" }); 32_000];
    json!([{
        "trace_id": format!("{:032x}", flow + 1), "at_micros": 1, "reported_by": "client",
        "event": "request_received", "method": "GET", "path": "/nothing", "fields": fields,
    }])
}

#[tokio::test]
async fn requests_with_many_parameters_are_kept_and_returned_in_part() {
    let (viewer, client) = (Viewer::start_with(|_| ()), Client::new());
    for flow in 0..100 {
        let post = client.post(format!("{}/api/events", viewer.base)).json(&oversized(flow));
        assert_eq!(post.send().await.unwrap().status(), 204);
    }
    let get = async |path: &str| {
        let response = client.get(format!("{}{path}", viewer.base)).send().await.unwrap();
        response.text().await.unwrap()
    };
    let list = get("/api/flows").await;
    assert!(list.len() < 100 * 400, "{} bytes", list.len());
    let flows: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(flows.as_array().unwrap().len(), 100, "the flows of others are not dropped");
    for path in ["", "/events", "/har", "/mermaid"] {
        let flow = get(&format!("/api/flows/{:032x}{path}", 1)).await;
        assert!(flow.len() < 40_000, "{path}: {} bytes", flow.len());
    }
    let events = get(&format!("/api/flows/{:032x}/events", 1)).await;
    assert!(events.contains("31937 more fields"), "{events}");
}
