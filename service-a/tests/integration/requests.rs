//! What A itself is asked.

use crate::{
    client::answer,
    test_servers::{World, header},
};

#[tokio::test]
async fn an_unknown_target_or_parameter_is_refused_and_the_right_one_named() {
    let world = World::new().await;
    let a = world.start().await;
    for (query, words) in [
        ("target=else", "target must be `local` or `introspection`"),
        ("target=", "target must be `local` or `introspection`"),
        ("tarket=local", "unknown field `tarket`, expected `target`"),
        ("target=local&target=local", "duplicate field `target`"),
        ("access_token=x", "expected `target`"),
    ] {
        let path = format!("/api/call-b?{query}");
        for answer in [a.get(&path).await, answer(a.post(&path)).await] {
            answer.failed(400, "request", words);
            assert_eq!(answer.json()["error"], "invalid_request");
        }
    }
    assert_eq!((world.c.asked(), world.b.asked()), (0, 0), "nobody was troubled with it");
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_before_anybody_is_asked() {
    let world = World::new().await;
    let a = world.start().await;
    assert_eq!(answer(a.post("/api/call-b").body("x".repeat(64 * 1024))).await.status, 200);
    answer(a.post("/api/call-b").body("x".repeat(64 * 1024 + 1))).await.failed(
        413,
        "request",
        "length limit",
    );
    assert_eq!(world.b.asked(), 1);
}

#[tokio::test]
async fn the_callers_request_id_comes_back_also_in_a_failure() {
    let world = World::new().await;
    let a = world.start().await;
    for path in ["/api/call-b", "/api/call-b?target=else", "/openapi.json"] {
        let answer =
            answer(a.http.get(format!("{}{path}", a.base)).header("x-request-id", "order-7")).await;
        assert_eq!(answer.header("x-request-id"), "order-7");
    }
    let made = a.get("/api/call-b").await;
    assert_eq!(made.header("x-request-id").len(), 32, "without one it is the trace's");
}

#[tokio::test]
async fn the_callers_trace_goes_on_to_c_and_to_b() {
    let world = World::new().await;
    let a = world.start().await;
    let (trace, caller) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let request = a.http.get(format!("{}/api/call-b", a.base));
    assert_eq!(
        answer(request.header("traceparent", format!("00-{trace}-{caller}-01"))).await.status,
        200
    );
    let all = [world.c.requests().await, world.b.requests().await].concat();
    assert_eq!(all.len(), 3, "metadata, pass, call");
    for request in &all {
        let sent = header(request, "traceparent");
        assert!(sent.starts_with(&format!("00-{trace}-")), "{}: {sent}", request.url);
        assert!(!sent.contains(caller), "the parent is A's own span: {sent}");
    }
}

#[tokio::test]
async fn without_a_trace_one_begins_and_c_and_b_see_the_same() {
    let world = World::new().await;
    let a = world.start().await;
    let id = a.get("/api/call-b").await.header("x-request-id").to_owned();
    for request in [world.c.requests().await, world.b.requests().await].concat() {
        assert!(
            header(&request, "traceparent").starts_with(&format!("00-{id}-")),
            "{}",
            request.url
        );
    }
}
