use serde_json::json;
use service_a::ServiceASettings;
use test_support::{
    http::send,
    mock::{json, status},
};
use wiremock::ResponseTemplate;

use crate::test_servers::{
    ACCESS_TOKENS, TestServers, UNREACHABLE, assert_call_error, delayed, token_response,
};

#[tokio::test]
async fn error_of_b_names_the_failed_step() {
    let error = |code: &str| json!({ "error": code, "error_description": "B's reason" });
    let servers = TestServers::start().await;
    let a = servers.start_a().await;
    for (response, text) in [
        (
            json(400, &error("invalid_request")),
            "B responded with status 400: invalid_request: B's reason",
        ),
        (
            json(403, &error("insufficient_scope")),
            "B responded with status 403: insufficient_scope: B's reason",
        ),
        (status(404), "B responded with status 404"),
        (status(500).set_body_string("<h1>boom"), "B responded with status 500"),
        (
            status(307).insert_header("location", "http://else.example/"),
            "B responded with status 307",
        ),
    ] {
        servers.b.respond_in_order([response]);
        let requests = servers.b.request_count();
        assert_call_error(&a.get("/api/call-b").await, 502, "call_b", text);
        assert_eq!(
            servers.b.request_count(),
            requests + 1,
            "{text}: an error response is not retried"
        );
    }
    assert_eq!(servers.c.request_count(), 1, "the access token is kept");
}

#[tokio::test]
async fn retry_after_of_b_is_forwarded() {
    let servers = TestServers::start().await;
    servers.b.respond_in_order([status(503).insert_header("retry-after", "7")]);
    let a = servers.start_a().await;
    let response = a.get("/api/call-b").await;
    assert_call_error(&response, 502, "call_b", "B responded with status 503");
    assert_eq!(response.header("retry-after"), "7");
}

#[tokio::test]
async fn response_of_b_that_is_not_json_is_rejected() {
    let servers = TestServers::start().await;
    let a = servers.start_a().await;
    let page = ResponseTemplate::new(200).set_body_raw("<script>alert(1)</script>", "text/html");
    for response in [page, status(200), status(200).set_body_string("{\"half\":")] {
        servers.b.respond_in_order([response]);
        assert_call_error(&a.get("/api/call-b").await, 502, "call_b", "a body that is not JSON");
    }
}

#[tokio::test]
async fn response_of_b_is_limited_to_one_mebibyte() {
    let servers = TestServers::start().await;
    let long = |bytes: usize| status(200).set_body_string(format!("\"{}\"", "x".repeat(bytes - 2)));
    servers.b.respond_in_order([long(1024 * 1024), long(1024 * 1024 + 1)]);
    let a = servers.start_a().await;
    assert_eq!(a.get("/api/call-b").await.status, 200);
    assert_call_error(&a.get("/api/call-b").await, 502, "call_b", "longer than 1048576 bytes");
}

#[tokio::test]
async fn slow_b_causes_a_timeout_without_retry() {
    let servers = TestServers::start().await;
    servers.b.respond_in_order([delayed(status(200))]);
    let a = servers.start_a_with(|settings| settings.call_timeout_millis = 200).await;
    for response in [a.get("/api/call-b").await, send(a.post("/api/call-b")).await] {
        assert_call_error(&response, 504, "call_b", "did not respond in time");
        assert_eq!(response.json()["error"], "gateway_timeout");
    }
    assert_eq!(servers.b.request_count(), 2);
}

#[tokio::test]
async fn total_timeout_names_the_failed_step() {
    let servers = TestServers::start().await;
    servers.b.respond_in_order([delayed(status(200))]);
    let slow = |settings: &mut ServiceASettings| {
        (settings.call_timeout_millis, settings.limits.request_timeout_seconds) = (60_000, 1);
    };
    let a = servers.start_a_with(slow).await;
    assert_call_error(&a.get("/api/call-b").await, 504, "call_b", "did not respond in time");
    let servers = TestServers::start().await;
    servers.c.respond_in_order([delayed(token_response(0))]);
    let a = servers.start_a_with(slow).await;
    assert_call_error(
        &a.get("/api/call-b").await,
        504,
        "get_token",
        "no access token within the timeout of the request",
    );
}

#[tokio::test]
async fn unreachable_b_is_named_with_its_url() {
    let servers = TestServers::start().await;
    let a =
        servers.start_a_with(|settings| settings.targets.local.url = UNREACHABLE.to_owned()).await;
    assert_call_error(
        &a.get("/api/call-b").await,
        502,
        "call_b",
        &format!("B is unreachable at {UNREACHABLE}/api/resource"),
    );
    assert_eq!(
        a.get("/api/call-b?target=introspection").await.status,
        200,
        "the other B is unaffected"
    );
}

#[tokio::test]
async fn access_token_echoed_by_b_is_not_forwarded() {
    let servers = TestServers::start().await;
    let a = servers.start_a().await;
    let text = format!("the token {} is bad", ACCESS_TOKENS[0]);
    servers.b.respond_in_order([json(
        403,
        &json!({ "error": "insufficient_scope", "error_description": text }),
    )]);
    assert_call_error(&a.get("/api/call-b").await, 502, "call_b", "B responded with status 403");
    servers.b.respond_in_order([json(200, &json!({ "your_token": ACCESS_TOKENS[0] }))]);
    assert_call_error(&a.get("/api/call-b").await, 502, "call_b", "B responded with status 200");
}

#[tokio::test]
async fn error_text_of_b_is_bounded_and_printable() {
    let servers = TestServers::start().await;
    let a = servers.start_a().await;
    let text = format!("x\nERROR all is lost\u{1b}[2J{}", "y".repeat(5_000));
    servers.b.respond_in_order([json(
        403,
        &json!({ "error": "insufficient_scope", "error_description": text }),
    )]);
    let description =
        a.get("/api/call-b").await.json()["error_description"].as_str().unwrap().to_owned();
    assert!(!description.contains(char::is_control) && description.len() < 300, "{description}");
}
