use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use crate::viewer::Viewer;

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn page_of_another_host_cannot_read_flows_or_play_scenarios() {
    let (viewer, client) = (Viewer::start_with(|_| ()), Client::new());
    for (method, path) in
        [("GET", "/api/flows"), ("GET", "/api/live"), ("POST", "/api/scenarios/happy-path")]
    {
        let url = format!("{}{path}", viewer.base);
        let request = client.request(method.parse().unwrap(), url);
        assert_eq!(status(request.header("host", "evil.example:9004")).await, 421, "{path}");
    }
    assert_eq!(status(client.get(format!("{}/api/flows", viewer.base))).await, 200);
}

#[tokio::test]
async fn body_of_a_scenario_is_an_object() {
    let (viewer, client) = (Viewer::start_with(|_| ()), Client::new());
    for (body, expected) in [("[]", 400), ("null", 400), ("{}", 404)] {
        let request = client
            .post(format!("{}/api/scenarios/unknown", viewer.base))
            .header("content-type", "application/json")
            .body(body);
        assert_eq!(status(request).await, expected, "{body}");
    }
}

#[tokio::test]
async fn rejected_bodies_get_json_errors() {
    let (viewer, client) = (Viewer::start_with(|_| ()), Client::new());
    for (content_type, body, expected) in [
        ("text/plain", "[]".to_owned(), 415),
        ("application/json", "{".to_owned(), 400),
        ("application/json; charset=utf-8", "[]".to_owned(), 204),
        ("application/json", " ".repeat(3 * 1024 * 1024), 413),
    ] {
        let request = client.post(format!("{}/api/events", viewer.base));
        let request = request.header("content-type", content_type).body(body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), expected, "{content_type}");
        if expected != 204 {
            let error: Value = response.json().await.unwrap();
            assert_eq!(error["error"], json!("invalid_request"), "{error}");
        }
    }
}

#[tokio::test]
async fn page_of_another_origin_cannot_play_scenarios_or_send_events() {
    let (viewer, client) = (Viewer::start_with(|_| ()), Client::new());
    for (path, body, own_status) in
        [("/api/scenarios/happy-path", json!({}), 404), ("/api/events", json!([]), 204)]
    {
        let post = || client.post(format!("{}{path}", viewer.base)).json(&body);
        for (name, value) in [("origin", "http://localhost:1"), ("sec-fetch-site", "cross-site")] {
            assert_eq!(status(post().header(name, value)).await, 403, "{path}");
        }
        // This viewer plays no scenarios.
        assert_eq!(status(post().header("origin", &viewer.base)).await, own_status, "{path}");
    }
}
