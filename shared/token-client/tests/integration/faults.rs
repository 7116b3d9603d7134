use std::time::Duration;

use oauth_types::ErrorCode;
use token_client::{Endpoint, TokenError};
use wiremock::ResponseTemplate;

use crate::setup::{C, json, need, status, token};

async fn refusal(answer: ResponseTemplate) -> (TokenError, usize) {
    let c = C::answering([answer]).await;
    let error = c.client().token(&need()).await.unwrap_err();
    (error, c.asked())
}

#[tokio::test]
async fn c_is_too_slow() {
    let c = C::answering([token("t1").set_delay(Duration::from_secs(60))]).await;
    let limit = Duration::from_millis(50);
    let error = c.builder().timeout(limit).build().unwrap().token(&need()).await.unwrap_err();
    let url = format!("{}/oauth/token", c.server.uri());
    assert_eq!(error, TokenError::TimedOut { endpoint: Endpoint::Token, url, timeout: limit });
    assert_eq!(c.asked(), 1, "a server that is slow is not asked again");
}

#[tokio::test]
async fn c_is_down() {
    let c = C::answering([token("t1")]).await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let client =
        c.builder().token_endpoint(format!("http://127.0.0.1:{port}/oauth/token")).build().unwrap();
    let error = client.token(&need()).await.unwrap_err();
    assert!(
        matches!(&error, TokenError::Unreachable { reason, .. } if reason.contains("refused")),
        "{error}"
    );
}

#[tokio::test]
async fn c_fails_once_and_is_asked_again() {
    for code in [502, 503, 504, 429] {
        let c = C::answering([status(code), token("t1")]).await;
        assert_eq!(c.client().token(&need()).await.unwrap().access_token.expose(), "t1");
        assert_eq!(c.asked(), 2);
    }
}

#[tokio::test]
async fn c_stays_unavailable_and_is_asked_three_times() {
    let (error, asked) = refusal(status(503)).await;
    assert!(matches!(error, TokenError::Unavailable { status: 503, .. }), "{error}");
    assert_eq!(asked, 3);
}

#[tokio::test]
async fn a_bug_in_c_is_not_asked_again() {
    let (error, asked) = refusal(status(500)).await;
    assert!(matches!(error, TokenError::Unavailable { status: 500, .. }), "{error}");
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn a_short_retry_after_is_waited_for() {
    let c = C::answering([status(429).insert_header("retry-after", "1"), token("t1")]).await;
    let started = std::time::Instant::now();
    c.client().token(&need()).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn long_retry_after_is_returned_at_once() {
    let (error, asked) = refusal(status(429).insert_header("retry-after", "60")).await;
    assert_eq!((error.retry_after(), asked), (Some(Duration::from_secs(60)), 1));
}

#[tokio::test]
async fn wrong_secret_returns_the_error_of_c_without_retry() {
    let body = r#"{"error":"invalid_client","error_description":"unknown client or wrong secret"}"#;
    for code in [400, 401] {
        let (error, asked) = refusal(json(code, body)).await;
        let TokenError::ErrorResponse { status, error } = error else { panic!("{error}") };
        assert_eq!((status, error.error, asked), (code, ErrorCode::InvalidClient, 1));
        assert_eq!(error.error_description.unwrap(), "unknown client or wrong secret");
    }
}

#[tokio::test]
async fn what_is_no_token_is_garbage_and_not_asked_for_again() {
    let answer =
        |rest: &str| json(200, &format!(r#"{{"access_token":"t1","token_type":"Bearer"{rest}}}"#));
    for invalid in [
        json(200, "<html>"),
        json(200, r#"{"token_type":"Bearer","expires_in":1800}"#),
        json(200, r#"{"access_token":"","token_type":"Bearer"}"#),
        json(200, "{\"access_token\":\"a\\r\\nb\",\"token_type\":\"Bearer\"}"),
        answer(r#","expires_in":0"#),
        answer(r#","expires_in":-5"#),
        answer(r#","expires_in":1e300"#),
        answer(r#","expires_in":1800,"expires_in":1801"#),
        answer(&format!(r#","padding":"{}""#, "x".repeat(64 * 1024))),
        json(401, "no"),
        json(400, r#"{"error":"because"}"#),
        status(204),
        status(307).insert_header("location", "http://127.0.0.1:1/"),
    ] {
        let (error, asked) = refusal(invalid).await;
        assert!(
            matches!(error, TokenError::InvalidResponse { endpoint: Endpoint::Token, .. }),
            "{error}"
        );
        assert_eq!(asked, 1);
    }
}

#[tokio::test]
async fn a_token_of_another_type_is_refused_by_its_type() {
    let (error, _) =
        refusal(json(200, r#"{"access_token":"t1","token_type":"mac","expires_in":9}"#)).await;
    assert!(error.to_string().contains("token_type is not Bearer"), "{error}");
}
