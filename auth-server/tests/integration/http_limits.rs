//! What one caller may take of C, tried on bare sockets.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::{
    client::until,
    test_server::{C, SHOP},
};

const HEADERS: &str =
    "POST /oauth/token HTTP/1.1\r\nHost: c\r\nContent-Type: application/x-www-form-urlencoded\r\n";

fn connect(c: &C) -> TcpStream {
    let stream = TcpStream::connect(c.base.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// What the server says until it closes; an error when it does not close.
async fn until_closed(mut stream: TcpStream) -> Result<String, ErrorKind> {
    let read = move || {
        let mut said = Vec::new();
        match stream.read_to_end(&mut said) {
            Ok(_) => Ok(String::from_utf8(said).unwrap()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                Ok(String::from_utf8(said).unwrap())
            }
            Err(error) => Err(error.kind()),
        }
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

#[tokio::test]
async fn bodies_over_64_kib_are_rejected() {
    let c = C::start().await;
    let form = |bytes: usize| format!("grant_type=client_credentials&pad={}", "x".repeat(bytes));
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        c.raw(path, form(65 * 1024)).await.refused(
            413,
            "invalid_request",
            "longer than is taken here",
        );
        c.raw(path, form(63 * 1024)).await.refused(401, "invalid_client", "client_id is missing");
    }
}

#[tokio::test]
async fn body_limit_is_configurable() {
    let c = C::start_with(|settings| settings.limits.body_bytes = 100).await;
    c.raw("/oauth/token", "x".repeat(101)).await.refused(
        413,
        "invalid_request",
        "longer than is taken here",
    );
    c.raw("/oauth/token", "x".repeat(100)).await.refused(
        401,
        "invalid_client",
        "client_id is missing",
    );
}

#[tokio::test]
async fn chunked_bodies_have_the_same_limit() {
    let c = C::start().await;
    let mut stream = connect(&c);
    let chunk = "x".repeat(66 * 1024);
    write!(stream, "{HEADERS}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{chunk}\r\n", chunk.len())
        .unwrap();
    let said = until_closed(stream).await.unwrap();
    assert!(
        said.starts_with("HTTP/1.1 413") && said.contains("longer than is taken here"),
        "{said}"
    );
}

#[tokio::test]
async fn slow_headers_close_the_connection() {
    let c = C::start_with(|settings| settings.limits.header_seconds = 1).await;
    let mut stream = connect(&c);
    stream.write_all(&HEADERS.as_bytes()[..HEADERS.len() - 10]).unwrap();
    assert!(until_closed(stream).await.is_ok());
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let c = C::start_with(|settings| settings.limits.header_seconds = 1).await;
    for beginning in ["", "P", "PRI * HTTP/2.0\r\n"] {
        let mut stream = connect(&c);
        stream.write_all(beginning.as_bytes()).unwrap();
        assert!(until_closed(stream).await.is_ok(), "after `{beginning}`");
    }
}

#[tokio::test]
async fn slow_body_gets_408_and_closes_the_connection() {
    let c = C::start_with(|settings| settings.limits.request_seconds = 1).await;
    let mut stream = connect(&c);
    write!(stream, "{HEADERS}Content-Length: 100\r\n\r\ngrant_type=").unwrap();
    let said = until_closed(stream).await.unwrap();
    assert!(
        said.starts_with("HTTP/1.1 408 Request Timeout") && said.contains("x-request-id: "),
        "{said}"
    );
    assert!(said.contains("\"error\":\"invalid_request\""), "{said}");
    let counted = c.get("/metrics").await.text;
    assert!(counted.contains(r#"method="POST",route="/oauth/token",status="408"} 1"#), "{counted}");
}

#[tokio::test]
async fn connection_limit_closes_new_connections_until_one_ends() {
    let c = C::start_with(|settings| settings.limits.connections = 2).await;
    let answers = |mut stream: TcpStream| async move {
        let ask = move || {
            let (mut said, mut byte) = (String::new(), [0]);
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: c\r\n\r\n").ok()?;
            while !said.ends_with("{\"status\":\"ok\"}") {
                stream.read_exact(&mut byte).ok()?;
                said.push(char::from(byte[0]));
            }
            Some(stream)
        };
        tokio::task::spawn_blocking(ask).await.unwrap()
    };
    let (one, two) = (answers(connect(&c)).await.unwrap(), answers(connect(&c)).await.unwrap());
    assert!(answers(connect(&c)).await.is_none(), "there are two places");
    let one = answers(one).await.unwrap();
    drop(two);
    until("the freed place is taken", async || answers(connect(&c)).await.is_some()).await;
    assert!(answers(one).await.is_some());
}

#[tokio::test]
async fn one_hundred_concurrent_requests_succeed() {
    let c = C::start().await;
    let asked: Vec<_> = (0..100)
        .map(|_| {
            let caller = c.caller.clone();
            tokio::spawn(async move { caller.pass(SHOP, &[]).await })
        })
        .collect();
    let mut passes = Vec::new();
    for task in asked {
        passes.push(task.await.unwrap());
    }
    passes.sort();
    passes.dedup();
    assert_eq!(passes.len(), 100);
}
