//! Calls of a resource server with [`AuthorizedClient`].

use token_client::{
    AuthorizedClient, CallError, TokenError,
    reqwest::{Body, Client},
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::header};

use crate::setup::{AuthServer, json, target, token};

/// A resource server that accepts only this token.
async fn resource_server(accepted: &str) -> MockServer {
    let server = MockServer::start().await;
    let authorized = Mock::given(header("authorization", format!("Bearer {accepted}")));
    authorized.respond_with(ResponseTemplate::new(200)).with_priority(1).mount(&server).await;
    let otherwise = Mock::given(wiremock::matchers::any());
    otherwise.respond_with(ResponseTemplate::new(401)).mount(&server).await;
    server
}

fn client(c: &AuthServer) -> (Client, AuthorizedClient) {
    let http = Client::new();
    (http.clone(), AuthorizedClient::new(http, c.client(), target()))
}

#[tokio::test]
async fn requests_carry_the_cached_token() {
    let (c, b) = tokio::join!(AuthServer::with_responses([token("t1")]), resource_server("t1"));
    let (http, client) = client(&c);
    for _ in 0..2 {
        let response = client.send(http.get(b.uri()).build().unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    assert_eq!(c.request_count(), 1);
}

#[tokio::test]
async fn rejected_token_is_replaced_once() {
    let c = AuthServer::with_responses([token("t1"), token("t2"), token("t3")]).await;
    let b = resource_server("t2").await;
    let (http, client) = client(&c);
    let response = client.send(http.post(b.uri()).body("order").build().unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    let received = b.received_requests().await.unwrap();
    assert!(received.len() == 2 && received.iter().all(|request| request.body == b"order"));

    let (b, c) =
        (resource_server("none").await, AuthServer::with_responses([token("t"), token("u")]).await);
    let (http, client) = self::client(&c);
    let response = client.send(http.get(b.uri()).build().unwrap()).await.unwrap();
    assert_eq!((response.status().as_u16(), c.request_count()), (401, 2));
}

#[tokio::test]
async fn streamed_request_is_not_repeated() {
    let c = AuthServer::with_responses([token("t1"), token("t2")]).await;
    let b = resource_server("t2").await;
    let (http, client) = client(&c);
    let request = || {
        let body = Body::wrap(String::from("order"));
        http.post(b.uri()).body(body).build().unwrap()
    };
    assert_eq!(client.send(request()).await.unwrap().status(), 401);
    assert_eq!(b.received_requests().await.unwrap().len(), 1);
    assert_eq!(client.send(request()).await.unwrap().status(), 200, "the next one has a new token");
}

#[tokio::test]
async fn without_token_nothing_is_sent() {
    let refusal = json(401, r#"{"error":"invalid_client"}"#);
    let (c, b) = tokio::join!(AuthServer::with_responses([refusal]), resource_server("t"));
    let (http, client) = client(&c);
    let error = client.send(http.get(b.uri()).build().unwrap()).await.unwrap_err();
    assert!(matches!(error, CallError::Token(TokenError::ErrorResponse { .. })), "{error}");
    assert!(b.received_requests().await.unwrap().is_empty());
}
