use std::{
    io::{Read, Write},
    net::TcpStream,
};

use test_support::signer::Signer;

use crate::{
    client::{send, until},
    harness::{C, access_token, valid_claims},
};

#[tokio::test]
async fn oversized_body_is_rejected_after_the_token_was_verified() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.start_b_with(|settings| settings.limits.max_body_bytes = 100);
    let token = access_token(&signer, &valid_claims());
    let post = |bytes: usize| b.post("/api/do_something").body("x".repeat(bytes));
    assert_eq!(send(post(100).bearer_auth(&token)).await.status, 200);
    send(post(101).bearer_auth(&token)).await.assert_bearer_error(
        413,
        "invalid_request",
        "too long",
    );
    assert_eq!(send(post(101)).await.status, 401);
}

#[tokio::test]
async fn oversized_form_is_rejected() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.start_b_with(|settings| settings.limits.max_body_bytes = 100);
    let token = access_token(&signer, &valid_claims());
    let post = |bytes: usize| {
        b.post("/api/do_something").bearer_auth(&token).form(&[("x", "x".repeat(bytes - 2))])
    };
    assert_eq!(send(post(100)).await.status, 200);
    send(post(101)).await.assert_bearer_error(413, "invalid_request", "too long");
}

/// Requests the API's document and returns the beginning of the response. The connection stays
/// open.
fn request_document(connection: &mut TcpStream) -> String {
    let mut start = [0; 15];
    let _ = connection.write_all(b"HEAD /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let read = connection.read(&mut start).unwrap_or(0);
    String::from_utf8_lossy(&start[..read]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn connection_over_the_limit_is_closed() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.start_b_with(|settings| settings.limits.max_connections = 1);
    let connect = || TcpStream::connect(b.listen()).unwrap();
    let mut first = connect();
    assert_eq!(request_document(&mut first), "HTTP/1.1 200 OK");
    assert_eq!(request_document(&mut connect()), "", "the connection is closed without a response");
    drop(first);
    until("the closed connection no longer counts", async || {
        request_document(&mut connect()) == "HTTP/1.1 200 OK"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connection_with_slow_headers_is_closed() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.start_b_with(|settings| settings.limits.header_timeout_seconds = 1);
    let mut slow = TcpStream::connect(b.listen()).unwrap();
    slow.write_all(b"GET /openapi.json HTTP/1.1\r\nhost:").unwrap();
    let mut rest = Vec::new();
    assert!(slow.read_to_end(&mut rest).is_ok(), "B closes the connection");
    assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
}
