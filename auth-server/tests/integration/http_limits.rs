//! Limits of connections and requests, over plain sockets.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    time::Duration,
};

use tokio::{io::AsyncReadExt, net::TcpSocket};

use crate::{
    client::{HttpClient, wait_until},
    process::{AUTH_SERVER, server_settings},
    test_server::{SHOP, TestServer},
};

const HEADERS: &str = "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n";

fn connect(server: &TestServer) -> TcpStream {
    let stream = TcpStream::connect(server.base.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// Reads until the server closes the connection. Returns an error if it does not close.
async fn until_closed(mut stream: TcpStream) -> Result<String, ErrorKind> {
    let read = move || {
        let mut response = Vec::new();
        match stream.read_to_end(&mut response) {
            Ok(_) => Ok(String::from_utf8(response).unwrap()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                Ok(String::from_utf8(response).unwrap())
            }
            Err(error) => Err(error.kind()),
        }
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

#[tokio::test]
async fn bodies_over_64_kib_are_rejected() {
    let server = TestServer::start().await;
    let form = |bytes: usize| format!("grant_type=client_credentials&pad={}", "x".repeat(bytes));
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        server.post_raw_form(path, form(65 * 1024)).await.assert_error(
            413,
            "invalid_request",
            "longer than this server accepts",
        );
        server.post_raw_form(path, form(63 * 1024)).await.assert_error(
            401,
            "invalid_client",
            "client_id is missing",
        );
    }
}

#[tokio::test]
async fn body_limit_is_configurable() {
    let server = TestServer::start_with(|settings| settings.limits.max_body_bytes = 100).await;
    server.post_raw_form("/oauth/token", "x".repeat(101)).await.assert_error(
        413,
        "invalid_request",
        "longer than this server accepts",
    );
    server.post_raw_form("/oauth/token", "x".repeat(100)).await.assert_error(
        401,
        "invalid_client",
        "client_id is missing",
    );
}

#[tokio::test]
async fn chunked_bodies_have_the_same_limit() {
    let server = TestServer::start().await;
    let mut stream = connect(&server);
    let chunk = "x".repeat(66 * 1024);
    write!(stream, "{HEADERS}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{chunk}\r\n", chunk.len())
        .unwrap();
    let response = until_closed(stream).await.unwrap();
    assert!(
        response.starts_with("HTTP/1.1 413")
            && response.contains("longer than this server accepts"),
        "{response}"
    );
}

#[tokio::test]
async fn slow_headers_close_the_connection() {
    let server =
        TestServer::start_with(|settings| settings.limits.header_timeout_seconds = 1).await;
    let mut stream = connect(&server);
    stream.write_all(&HEADERS.as_bytes()[..HEADERS.len() - 10]).unwrap();
    assert!(until_closed(stream).await.is_ok());
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let server =
        TestServer::start_with(|settings| settings.limits.header_timeout_seconds = 1).await;
    for beginning in ["", "P", "PRI * HTTP/2.0\r\n"] {
        let mut stream = connect(&server);
        stream.write_all(beginning.as_bytes()).unwrap();
        assert!(until_closed(stream).await.is_ok(), "after `{beginning}`");
    }
}

#[tokio::test]
async fn slow_body_gets_408_and_closes_the_connection() {
    let server =
        TestServer::start_with(|settings| settings.limits.request_timeout_seconds = 1).await;
    let mut stream = connect(&server);
    write!(stream, "{HEADERS}Content-Length: 100\r\n\r\ngrant_type=").unwrap();
    let response = until_closed(stream).await.unwrap();
    assert!(
        response.starts_with("HTTP/1.1 408 Request Timeout") && response.contains("x-request-id: "),
        "{response}"
    );
    assert!(response.contains("\"error\":\"invalid_request\""), "{response}");
    let counted = server.manage.get("/metrics").await.text;
    assert!(counted.contains(r#"method="POST",route="/oauth/token",status="408"} 1"#), "{counted}");
}

#[tokio::test]
async fn connection_limit_closes_new_connections_until_one_ends() {
    let server = TestServer::start_with(|settings| settings.limits.max_connections = 2).await;
    let request_succeeds = |mut stream: TcpStream| async move {
        let ask = move || {
            let (mut response, mut byte) = (String::new(), [0]);
            stream.write_all(b"HEAD /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n").ok()?;
            while !response.ends_with("\r\n\r\n") {
                stream.read_exact(&mut byte).ok()?;
                response.push(char::from(byte[0]));
            }
            Some(stream)
        };
        tokio::task::spawn_blocking(ask).await.unwrap()
    };
    let (one, two) = (
        request_succeeds(connect(&server)).await.unwrap(),
        request_succeeds(connect(&server)).await.unwrap(),
    );
    assert!(request_succeeds(connect(&server)).await.is_none(), "the limit is two");
    let one = request_succeeds(one).await.unwrap();
    drop(two);
    wait_until("the freed connection slot is usable", async || {
        request_succeeds(connect(&server)).await.is_some()
    })
    .await;
    assert!(request_succeeds(one).await.is_some());
}

#[tokio::test]
async fn one_hundred_concurrent_requests_succeed() {
    let server = TestServer::start().await;
    let requests: Vec<_> = (0..100)
        .map(|_| {
            let client = server.client.clone();
            tokio::spawn(async move { client.access_token(SHOP, &[]).await })
        })
        .collect();
    let mut tokens = Vec::new();
    for task in requests {
        tokens.push(task.await.unwrap());
    }
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 100);
}

#[tokio::test]
async fn soft_limit_of_open_files_is_raised_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let settings = server_settings(folder.path(), Path::new("/dev/null"));
    let lower = "ulimit -S -n 256";
    let server = AUTH_SERVER.serve_after(lower, &[], &settings, "auth-server starts");
    wait_until("the limit is raised", async || {
        server.has_logged("limit of open files raised") && server.has_logged("\"from\":256")
    })
    .await;
}

/// Otherwise two addresses with idle connections could make an orchestrator restart the server.
#[tokio::test]
async fn probes_succeed_while_the_public_listener_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let settings = server_settings(folder.path(), Path::new("/dev/null"));
    let server = AUTH_SERVER.serve_after("ulimit -n 256", &[], &settings, "auth-server starts");
    let public: SocketAddr = server.started("http").unwrap().parse().unwrap();
    let connect = async |from: [u8; 4]| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((from, 0))).unwrap();
        socket.connect(public).await.unwrap()
    };
    // The process takes 192 connections.
    let mut idle = Vec::new();
    for last in 1..=4 {
        for _ in 0..64 {
            idle.push(connect([127, 0, 0, last]).await);
        }
    }
    wait_until("the public listener is full", async || {
        let mut one_more = connect([127, 0, 0, 5]).await;
        let closed = tokio::time::timeout(Duration::from_secs(1), one_more.read_u8()).await;
        closed.is_ok_and(|read| read.is_err())
    })
    .await;
    let manage = HttpClient::new(format!("http://{}", server.started("manage").unwrap()));
    assert_eq!(manage.get("/readyz").await.status, 200);
    drop(idle);
}
