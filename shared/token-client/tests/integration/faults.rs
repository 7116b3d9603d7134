use std::time::Duration;

use oauth_types::ErrorCode;
use test_support::mock::status;
use token_client::{Endpoint, TokenError};
use tokio::net::TcpSocket;
use wiremock::ResponseTemplate;

use crate::setup::{AuthServer, json, target, token};

/// Requests a token. Returns the error and the number of requests sent.
async fn token_error(response: ResponseTemplate) -> (TokenError, usize) {
    let c = AuthServer::with_responses([response]).await;
    let error = c.client().token(&target()).await.unwrap_err();
    (error, c.request_count())
}

#[tokio::test]
async fn timeout_is_not_retried() {
    let c = AuthServer::with_responses([token("t1").set_delay(Duration::from_secs(60))]).await;
    let limit = Duration::from_millis(50);
    let error = c.builder().timeout(limit).build().unwrap().token(&target()).await.unwrap_err();
    let url = format!("{}/oauth/token", c.server.uri());
    assert_eq!(error, TokenError::TimedOut { endpoint: Endpoint::Token, url, timeout: limit });
    assert_eq!(c.request_count(), 1, "a slow server gets no second request");
}

#[tokio::test]
async fn refused_connection_is_reported_as_unreachable() {
    let c = AuthServer::with_responses([token("t1")]).await;
    // Bound, so that no other program gets the port, and not listening.
    let bound = TcpSocket::new_v4().unwrap();
    bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = bound.local_addr().unwrap().port();
    let client =
        c.builder().token_endpoint(format!("http://127.0.0.1:{port}/oauth/token")).build().unwrap();
    let error = client.token(&target()).await.unwrap_err();
    assert!(
        matches!(&error, TokenError::Unreachable { reason, .. } if reason.contains("refused")),
        "{error}"
    );
}

#[tokio::test]
async fn transient_failure_is_retried() {
    for code in [502, 503, 504, 429] {
        let c = AuthServer::with_responses([status(code), token("t1")]).await;
        assert_eq!(c.client().token(&target()).await.unwrap().access_token.expose(), "t1");
        assert_eq!(c.request_count(), 2);
    }
}

#[tokio::test]
async fn retries_stop_after_three_attempts() {
    let (error, requests) = token_error(status(503)).await;
    assert!(matches!(error, TokenError::Unavailable { status: 503, .. }), "{error}");
    assert_eq!(requests, 3);
}

#[tokio::test]
async fn status_500_is_not_retried() {
    let (error, requests) = token_error(status(500)).await;
    assert!(matches!(error, TokenError::Unavailable { status: 500, .. }), "{error}");
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn short_retry_after_is_honoured() {
    let c =
        AuthServer::with_responses([status(429).insert_header("retry-after", "1"), token("t1")])
            .await;
    c.client().token(&target()).await.unwrap();
    assert_eq!(c.request_count(), 2);
}

#[tokio::test]
async fn long_retry_after_is_returned_at_once() {
    let (error, requests) = token_error(status(429).insert_header("retry-after", "60")).await;
    assert_eq!((error.retry_after(), requests), (Some(Duration::from_secs(60)), 1));
}

#[tokio::test]
async fn invalid_client_error_is_not_retried() {
    let body = r#"{"error":"invalid_client","error_description":"unknown client or wrong secret"}"#;
    for code in [400, 401] {
        let (error, requests) = token_error(json(code, body)).await;
        let TokenError::ErrorResponse { status, error } = error else { panic!("{error}") };
        assert_eq!((status, error.error, requests), (code, ErrorCode::InvalidClient, 1));
        assert_eq!(error.error_description.unwrap(), "unknown client or wrong secret");
    }
}

/// RFC 6749 §8.5: extensions define error codes of their own.
#[tokio::test]
async fn unknown_error_code_is_reported_and_not_retried() {
    let body = r#"{"error":"use_dpop_nonce","error_description":"nonce \"n\" required"}"#;
    let (error, requests) = token_error(json(400, body)).await;
    let expected = TokenError::OtherErrorResponse {
        status: 400,
        code: "use_dpop_nonce".to_owned(),
        description: Some("nonce 'n' required".to_owned()),
    };
    assert_eq!((&error, requests), (&expected, 1));
    assert!(error.to_string().contains("status 400: use_dpop_nonce: nonce"), "{error}");
    let body = format!(r#"{{"error":"{}\u0007"}}"#, "x".repeat(1_000));
    let (error, _) = token_error(json(400, &body)).await;
    let TokenError::OtherErrorResponse { code, description: None, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(code, "x".repeat(64));
}

#[tokio::test]
async fn invalid_response_is_not_retried() {
    let token_response =
        |rest: &str| json(200, &format!(r#"{{"access_token":"t1","token_type":"Bearer"{rest}}}"#));
    for invalid in [
        json(200, "<html>"),
        json(200, r#"{"token_type":"Bearer","expires_in":1800}"#),
        json(200, r#"{"access_token":"","token_type":"Bearer"}"#),
        json(200, "{\"access_token\":\"a\\r\\nb\",\"token_type\":\"Bearer\"}"),
        token_response(r#","expires_in":0"#),
        token_response(r#","expires_in":-5"#),
        token_response(r#","expires_in":1e300"#),
        token_response(r#","expires_in":"soon""#),
        token_response(r#","expires_in":true"#),
        token_response(r#","expires_in":1800,"expires_in":1801"#),
        token_response(&format!(r#","padding":"{}""#, "x".repeat(64 * 1024))),
        json(401, "no"),
        json(400, r#"{"error":7}"#),
        json(400, r#"{"error":""}"#),
        json(400, r#"{"message":"because"}"#),
        status(204),
        status(307).insert_header("location", "http://127.0.0.1:1/"),
    ] {
        let (error, requests) = token_error(invalid).await;
        assert!(
            matches!(error, TokenError::InvalidResponse { endpoint: Endpoint::Token, .. }),
            "{error}"
        );
        assert_eq!(requests, 1);
    }
}

#[tokio::test]
async fn unknown_token_type_is_rejected() {
    let (error, _) =
        token_error(json(200, r#"{"access_token":"t1","token_type":"mac","expires_in":9}"#)).await;
    assert!(error.to_string().contains("token_type is not Bearer"), "{error}");
}
