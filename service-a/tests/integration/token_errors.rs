use std::time::Duration;

use serde_json::json;
use wiremock::{Mock, MockServer, matchers::path};

use crate::test_servers::{
    METADATA, NOBODY, PASSES, SECRET, World, late, metadata, pass, refused, said, status,
};

#[tokio::test]
async fn what_c_says_instead_of_a_pass_is_told_as_the_step_that_failed() {
    let world = World::new().await;
    let a = world.start().await;
    let echo =
        json!({ "error": "invalid_client", "error_description": format!("{SECRET} is wrong") });
    for (answer, words) in [
        (status(500), "status 500"),
        (status(200).set_body_string("<html>"), "not a token response"),
        (
            said(&json!({ "access_token": PASSES[0], "token_type": "mac" })),
            "token_type is not Bearer",
        ),
        (
            refused(401, &json!({ "error": "invalid_client" })),
            "rejected the token request with status 401: invalid_client",
        ),
        (refused(401, &echo), "rejected the token request with status 401: invalid_client"),
        (
            refused(400, &json!({ "error": "invalid_scope", "error_description": "not for you" })),
            "not for you",
        ),
        (status(307).insert_header("location", NOBODY), "neither a token nor an OAuth error"),
    ] {
        world.c.answers([answer]);
        a.get("/api/call-b").await.failed(502, "get_token", words);
    }
    assert_eq!(world.b.asked(), 0, "without a pass B is not troubled");
    world.c.answers([pass(0)]);
    assert_eq!(a.get("/api/call-b").await.status, 200, "and when C is well again, so is A");
}

#[tokio::test]
async fn when_c_says_how_long_to_wait_the_caller_hears_it() {
    let world = World::new().await;
    world.c.answers([status(429).insert_header("retry-after", "9")]);
    let a = world.start().await;
    let answer = a.get("/api/call-b").await;
    answer.failed(502, "get_token", "retry after 9 s");
    assert_eq!((answer.header("retry-after"), world.c.asked()), ("9", 1));
}

#[tokio::test]
async fn a_slow_c_is_a_timeout() {
    let world = World::new().await;
    world.c.answers([late(pass(0))]);
    let a = world.start_with(|settings| settings.call_timeout_millis = 200).await;
    a.get("/api/call-b").await.failed(504, "get_token", "did not respond within 200 ms");
    assert_eq!(world.c.asked(), 1);
}

#[tokio::test]
async fn a_c_that_is_away_is_named_with_its_address() {
    let world = World::new().await;
    let a = world.start_with(|settings| settings.issuer = NOBODY.to_owned()).await;
    a.get("/api/call-b").await.failed(
        502,
        "get_token",
        &format!(
            "cannot reach the metadata endpoint of the authorization server at {NOBODY}{METADATA}"
        ),
    );
}

#[tokio::test]
async fn with_a_pass_in_the_cache_a_goes_on_while_c_is_away() {
    let world = World::new().await;
    let a = world.start().await;
    assert_eq!(a.get("/api/call-b").await.status, 200);
    world.c.answers([status(500)]);
    // The pass is old enough to be replaced, and young enough to be used.
    world.clock.advance(Duration::from_secs(1_799));
    assert_eq!(a.get("/api/call-b").await.status, 200);
    world.clock.advance(Duration::from_secs(1));
    a.get("/api/call-b").await.failed(502, "get_token", "status 500");
}

#[tokio::test]
async fn a_pass_that_does_not_tell_its_life_is_used_for_a_minute() {
    let world = World::new().await;
    world.c.answers([said(&json!({ "access_token": PASSES[0], "token_type": "bearer" }))]);
    let a = world.start().await;
    assert_eq!(a.get("/api/call-b").await.status, 200);
    assert_eq!(a.get("/api/call-b").await.status, 200);
    assert_eq!(world.c.asked(), 1);
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(a.get("/api/call-b").await.status, 200);
    assert_eq!(world.c.asked(), 2);
}

#[tokio::test]
async fn metadata_of_another_issuer_is_not_believed_and_both_names_are_told() {
    let world = World::new().await;
    let impostor = MockServer::start().await;
    let other = metadata("https://evil.example", &impostor.uri());
    Mock::given(path(METADATA)).respond_with(other).mount(&impostor).await;
    let a = world.start_with(|settings| settings.issuer = impostor.uri()).await;
    let answer = a.get("/api/call-b").await;
    answer.failed(502, "get_token", "https://evil.example");
    answer.failed(502, "get_token", &impostor.uri());
    let asked = impostor.received_requests().await.unwrap();
    assert!(asked.iter().all(|request| request.url.path() == METADATA), "the secret stays here");
}

#[tokio::test]
async fn c_is_reached_by_its_internal_url_and_keeps_its_name() {
    let world = World::new().await;
    let (c, name) = (MockServer::start().await, "https://login.example");
    Mock::given(path(METADATA)).respond_with(metadata(name, name)).mount(&c).await;
    Mock::given(path("/oauth/token")).respond_with(pass(0)).mount(&c).await;
    let a = world
        .start_with(|settings| {
            settings.issuer = name.to_owned();
            settings.internal_url = Some(c.uri());
        })
        .await;
    assert_eq!(a.get("/api/call-b").await.status, 200);
}
