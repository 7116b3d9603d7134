//! Requests to A: parameters, limits, request ids and trace context.

use test_support::{http::send, mock::header};

use crate::test_servers::{TestServers, assert_call_error};

#[tokio::test]
async fn unknown_target_or_parameter_is_rejected_with_the_valid_ones() {
    let servers = TestServers::start().await;
    let a = servers.start_a().await;
    for (query, text) in [
        ("target=else", "target must be `local` or `introspection`"),
        ("target=", "target must be `local` or `introspection`"),
        ("tarket=local", "the query takes `target` and `fresh`"),
        ("target=local&target=local", "each once"),
        ("access_token=x", "the query takes `target` and `fresh`"),
        ("fresh=x", "true or false"),
    ] {
        let path = format!("/api/call-b?{query}");
        for response in [a.get(&path).await, send(a.post(&path)).await] {
            assert_call_error(&response, 400, "request", text);
            assert_eq!(response.json()["error"], "invalid_request");
        }
    }
    assert_eq!(
        (servers.c.request_count(), servers.b.request_count()),
        (0, 0),
        "neither C nor B is called"
    );
}

#[tokio::test]
async fn oversized_body_is_rejected_before_calling_b() {
    let servers = TestServers::start().await;
    let a = servers.start_a().await;
    assert_eq!(send(a.post("/api/call-b").body("x".repeat(64 * 1024))).await.status, 200);
    assert_call_error(
        &send(a.post("/api/call-b").body("x".repeat(64 * 1024 + 1))).await,
        413,
        "request",
        "length limit",
    );
    assert_eq!(servers.b.request_count(), 1);
}

#[tokio::test]
async fn request_id_is_echoed_in_success_and_error() {
    let servers = TestServers::start().await;
    let a = servers.start_a().await;
    for path in ["/api/call-b", "/api/call-b?target=else", "/openapi.json"] {
        let response =
            send(a.http.get(format!("{}{path}", a.base)).header("x-request-id", "order-7")).await;
        assert_eq!(response.header("x-request-id"), "order-7");
    }
    let made = a.get("/api/call-b").await;
    assert_eq!(made.header("x-request-id").len(), 32, "defaults to the trace id");
}

#[tokio::test]
async fn trace_context_is_propagated_to_c_and_b() {
    let servers = TestServers::start().await;
    let a = servers.start_a().await;
    let (trace, client) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let request = a.http.get(format!("{}/api/call-b", a.base));
    assert_eq!(
        send(request.header("traceparent", format!("00-{trace}-{client}-01"))).await.status,
        200
    );
    let all = [servers.c.requests().await, servers.b.requests().await].concat();
    assert_eq!(all.len(), 3, "metadata, token, call");
    for request in &all {
        let sent = header(request, "traceparent");
        assert!(sent.starts_with(&format!("00-{trace}-")), "{}: {sent}", request.url);
        assert!(!sent.contains(client), "the parent is the span of A: {sent}");
    }
}

#[tokio::test]
async fn new_trace_is_propagated_to_c_and_b() {
    let servers = TestServers::start().await;
    let a = servers.start_a().await;
    let id = a.get("/api/call-b").await.header("x-request-id").to_owned();
    for request in [servers.c.requests().await, servers.b.requests().await].concat() {
        assert!(
            header(&request, "traceparent").starts_with(&format!("00-{id}-")),
            "{}",
            request.url
        );
    }
}
