use std::{
    io::{Read, Write},
    net::TcpStream,
};

use crate::{
    client::{answer, until},
    harness::{C, good},
    signer::Signer,
};

#[tokio::test]
async fn oversized_body_is_rejected_after_the_token_was_verified() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.b_with(|settings| settings.limits.max_body_bytes = 100);
    let pass = signer.pass(&good());
    let post = |bytes: usize| b.post("/api/do_something").body("x".repeat(bytes));
    assert_eq!(answer(post(100).bearer_auth(&pass)).await.status, 200);
    answer(post(101).bearer_auth(&pass)).await.refused(413, "invalid_request", "too long");
    assert_eq!(answer(post(101)).await.status, 401);
}

#[tokio::test]
async fn a_form_is_limited_by_the_same_setting() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.b_with(|settings| settings.limits.max_body_bytes = 100);
    let pass = signer.pass(&good());
    let post = |bytes: usize| {
        b.post("/api/do_something").bearer_auth(&pass).form(&[("x", "x".repeat(bytes - 2))])
    };
    assert_eq!(answer(post(100)).await.status, 200);
    answer(post(101)).await.refused(413, "invalid_request", "too long");
}

/// Ask on a connection that stays open.
fn ask(connection: &mut TcpStream) -> String {
    let mut start = [0; 15];
    let _ = connection.write_all(b"GET /healthz HTTP/1.1\r\nhost: b\r\n\r\n");
    let read = connection.read(&mut start).unwrap_or(0);
    String::from_utf8_lossy(&start[..read]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many_is_closed_and_the_place_is_free_again_later() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.b_with(|settings| settings.limits.max_connections = 1);
    let connect = || TcpStream::connect(b.listen()).unwrap();
    let mut first = connect();
    assert_eq!(ask(&mut first), "HTTP/1.1 200 OK");
    assert_eq!(ask(&mut connect()), "", "it is closed before anything is read");
    drop(first);
    until("there is a place again", async || ask(&mut connect()) == "HTTP/1.1 200 OK").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_dribble_in_do_not_hold_a_connection() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.b_with(|settings| settings.limits.header_timeout_seconds = 1);
    let mut slow = TcpStream::connect(b.listen()).unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost:").unwrap();
    let mut rest = Vec::new();
    assert!(slow.read_to_end(&mut rest).is_ok(), "B has closed it");
    assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
}
