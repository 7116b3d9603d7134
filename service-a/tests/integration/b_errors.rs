use serde_json::json;
use service_a::ServiceASettings;
use wiremock::ResponseTemplate;

use crate::{
    client::answer,
    test_servers::{NOBODY, PASSES, World, late, pass, refused, status},
};

#[tokio::test]
async fn what_b_will_not_or_cannot_do_is_told_as_the_step_that_failed() {
    let error = |code: &str| json!({ "error": code, "error_description": "B's reason" });
    let world = World::new().await;
    let a = world.start().await;
    for (answer, words) in [
        (
            refused(400, &error("invalid_request")),
            "B responded with status 400: invalid_request: B's reason",
        ),
        (
            refused(403, &error("insufficient_scope")),
            "B responded with status 403: insufficient_scope: B's reason",
        ),
        (status(404), "B responded with status 404"),
        (status(500).set_body_string("<h1>boom"), "B responded with status 500"),
        (
            status(307).insert_header("location", "http://else.example/"),
            "B responded with status 307",
        ),
    ] {
        world.b.answers([answer]);
        let asked = world.b.asked();
        a.get("/api/call-b").await.failed(502, "call_b", words);
        assert_eq!(world.b.asked(), asked + 1, "{words}: an answer is an answer");
    }
    assert_eq!(world.c.asked(), 1, "the pass is not to blame");
}

#[tokio::test]
async fn when_b_says_how_long_to_wait_the_caller_hears_it() {
    let world = World::new().await;
    world.b.answers([status(503).insert_header("retry-after", "7")]);
    let a = world.start().await;
    let answer = a.get("/api/call-b").await;
    answer.failed(502, "call_b", "B responded with status 503");
    assert_eq!(answer.header("retry-after"), "7");
}

#[tokio::test]
async fn what_is_no_answer_of_b_is_not_handed_on() {
    let world = World::new().await;
    let a = world.start().await;
    let page = ResponseTemplate::new(200).set_body_raw("<script>alert(1)</script>", "text/html");
    for answer in [page, status(200), status(200).set_body_string("{\"half\":")] {
        world.b.answers([answer]);
        a.get("/api/call-b").await.failed(502, "call_b", "a body that is not JSON");
    }
}

#[tokio::test]
async fn an_endless_answer_of_b_is_cut_off() {
    let world = World::new().await;
    let long = |bytes: usize| status(200).set_body_string(format!("\"{}\"", "x".repeat(bytes - 2)));
    world.b.answers([long(1024 * 1024), long(1024 * 1024 + 1)]);
    let a = world.start().await;
    assert_eq!(a.get("/api/call-b").await.status, 200);
    a.get("/api/call-b").await.failed(502, "call_b", "longer than 1048576 bytes");
}

#[tokio::test]
async fn a_slow_b_is_a_timeout_and_is_not_asked_again() {
    let world = World::new().await;
    world.b.answers([late(status(200))]);
    let a = world.start_with(|settings| settings.call_timeout_millis = 200).await;
    for answer in [a.get("/api/call-b").await, answer(a.post("/api/call-b")).await] {
        answer.failed(504, "call_b", "did not respond in time");
        assert_eq!(answer.json()["error"], "gateway_timeout");
    }
    assert_eq!(world.b.asked(), 2);
}

#[tokio::test]
async fn a_call_that_would_outlast_its_request_tells_which_step_it_was() {
    let world = World::new().await;
    world.b.answers([late(status(200))]);
    let slow = |settings: &mut ServiceASettings| {
        (settings.call_timeout_millis, settings.limits.request_timeout_seconds) = (60_000, 1)
    };
    let a = world.start_with(slow).await;
    a.get("/api/call-b").await.failed(504, "call_b", "did not respond in time");
    let world = World::new().await;
    world.c.answers([late(pass(0))]);
    let a = world.start_with(slow).await;
    a.get("/api/call-b").await.failed(
        504,
        "get_token",
        "no access token within the timeout of the request",
    );
}

#[tokio::test]
async fn a_b_that_is_away_is_named_with_its_address() {
    let world = World::new().await;
    let a = world.start_with(|settings| settings.targets.local.url = NOBODY.to_owned()).await;
    a.get("/api/call-b").await.failed(
        502,
        "call_b",
        &format!("B is unreachable at {NOBODY}/api/resource"),
    );
    assert_eq!(a.get("/api/call-b?target=introspection").await.status, 200, "the other B is there");
}

#[tokio::test]
async fn a_b_that_repeats_the_pass_does_not_give_it_away() {
    let world = World::new().await;
    let a = world.start().await;
    let words = format!("the token {} is bad", PASSES[0]);
    world.b.answers([refused(
        403,
        &json!({ "error": "insufficient_scope", "error_description": words }),
    )]);
    a.get("/api/call-b").await.failed(502, "call_b", "B responded with status 403");
    world.b.answers([refused(200, &json!({ "your_token": PASSES[0] }))]);
    a.get("/api/call-b").await.failed(502, "call_b", "B responded with status 200");
}

#[tokio::test]
async fn bs_words_cannot_forge_a_line_in_the_log_nor_fill_it() {
    let world = World::new().await;
    let a = world.start().await;
    let words = format!("x\nERROR all is lost\u{1b}[2J{}", "y".repeat(5_000));
    world.b.answers([refused(
        403,
        &json!({ "error": "insufficient_scope", "error_description": words }),
    )]);
    let description =
        a.get("/api/call-b").await.json()["error_description"].as_str().unwrap().to_owned();
    assert!(!description.contains(char::is_control) && description.len() < 300, "{description}");
}
