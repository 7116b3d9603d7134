use std::time::Duration;

use serde_json::json;
use test_support::mock::{json, status};
use wiremock::{Mock, MockServer, matchers::path};

use crate::test_servers::{
    ACCESS_TOKENS, METADATA, SECRET, TestServers, UNREACHABLE, assert_call_error, delayed,
    metadata, token_response,
};

#[tokio::test]
async fn error_of_c_names_the_failed_step() {
    let servers = TestServers::start().await;
    let a = servers.start_a().await;
    let echo =
        json!({ "error": "invalid_client", "error_description": format!("{SECRET} is wrong") });
    for (response, text) in [
        (status(500), "status 500"),
        (status(200).set_body_string("<html>"), "not a token response"),
        (
            json(200, &json!({ "access_token": ACCESS_TOKENS[0], "token_type": "mac" })),
            "token_type is not Bearer",
        ),
        (
            json(401, &json!({ "error": "invalid_client" })),
            "rejected the token request with status 401: invalid_client",
        ),
        (json(401, &echo), "rejected the token request with status 401: invalid_client"),
        (
            json(400, &json!({ "error": "invalid_scope", "error_description": "not for you" })),
            "not for you",
        ),
        (
            status(307).insert_header("location", UNREACHABLE),
            "neither a success nor an OAuth error",
        ),
    ] {
        servers.c.respond_in_order([response]);
        assert_call_error(&a.get("/api/call-b").await, 502, "get_token", text);
    }
    assert_eq!(servers.b.request_count(), 0, "B is not called without an access token");
    servers.c.respond_in_order([token_response(0)]);
    assert_eq!(a.get("/api/call-b").await.status, 200, "A recovers with C");
}

#[tokio::test]
async fn retry_after_of_c_is_forwarded() {
    let servers = TestServers::start().await;
    servers.c.respond_in_order([status(429).insert_header("retry-after", "9")]);
    let a = servers.start_a().await;
    let response = a.get("/api/call-b").await;
    assert_call_error(&response, 502, "get_token", "retry after 9 s");
    assert_eq!((response.header("retry-after"), servers.c.request_count()), ("9", 1));
}

#[tokio::test]
async fn slow_c_causes_a_timeout() {
    let servers = TestServers::start().await;
    servers.c.respond_in_order([delayed(token_response(0))]);
    let a = servers.start_a_with(|settings| settings.call_timeout_millis = 200).await;
    assert_call_error(
        &a.get("/api/call-b").await,
        504,
        "get_token",
        "did not respond within 200 ms",
    );
    assert_eq!(servers.c.request_count(), 1);
}

#[tokio::test]
async fn unreachable_c_is_named_with_its_url() {
    let servers = TestServers::start().await;
    let a = servers.start_a_with(|settings| settings.issuer = UNREACHABLE.to_owned()).await;
    assert_call_error(
        &a.get("/api/call-b").await,
        502,
        "get_token",
        &format!(
            "cannot reach the metadata endpoint of the authorization server at {UNREACHABLE}{METADATA}"
        ),
    );
}

#[tokio::test]
async fn cached_access_token_works_while_c_is_unavailable() {
    let servers = TestServers::start().await;
    let a = servers.start_a().await;
    assert_eq!(a.get("/api/call-b").await.status, 200);
    servers.c.respond_in_order([status(500)]);
    // The access token is due for refresh but still valid.
    servers.clock.advance(Duration::from_secs(1_799));
    assert_eq!(a.get("/api/call-b").await.status, 200);
    servers.clock.advance(Duration::from_secs(1));
    assert_call_error(&a.get("/api/call-b").await, 502, "get_token", "status 500");
}

#[tokio::test]
async fn access_token_without_expires_in_is_used_for_one_minute() {
    let servers = TestServers::start().await;
    servers.c.respond_in_order([json(
        200,
        &json!({ "access_token": ACCESS_TOKENS[0], "token_type": "bearer" }),
    )]);
    let a = servers.start_a().await;
    assert_eq!(a.get("/api/call-b").await.status, 200);
    assert_eq!(a.get("/api/call-b").await.status, 200);
    assert_eq!(servers.c.request_count(), 1);
    servers.clock.advance(Duration::from_secs(60));
    assert_eq!(a.get("/api/call-b").await.status, 200);
    assert_eq!(servers.c.request_count(), 2);
}

#[tokio::test]
async fn metadata_of_another_issuer_is_rejected_with_both_identifiers() {
    let servers = TestServers::start().await;
    let impostor = MockServer::start().await;
    let other = metadata("https://evil.example", &impostor.uri());
    Mock::given(path(METADATA)).respond_with(other).mount(&impostor).await;
    let a = servers.start_a_with(|settings| settings.issuer = impostor.uri()).await;
    let response = a.get("/api/call-b").await;
    assert_call_error(&response, 502, "get_token", "https://evil.example");
    assert_call_error(&response, 502, "get_token", &impostor.uri());
    let requests = impostor.received_requests().await.unwrap();
    assert!(!requests.is_empty());
    assert!(
        requests.iter().all(|request| request.url.path() == METADATA),
        "the secret is not sent"
    );
}

#[tokio::test]
async fn internal_url_is_used_with_the_public_issuer() {
    let servers = TestServers::start().await;
    let (c, name) = (MockServer::start().await, "https://login.example");
    Mock::given(path(METADATA)).respond_with(metadata(name, name)).mount(&c).await;
    Mock::given(path("/oauth/token")).respond_with(token_response(0)).mount(&c).await;
    let a = servers
        .start_a_with(|settings| {
            settings.issuer = name.to_owned();
            settings.internal_url = Some(c.uri());
        })
        .await;
    assert_eq!(a.get("/api/call-b").await.status, 200);
}
