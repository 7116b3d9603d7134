//! Limits that every server applies to a caller: time, body size and connections.

use e2e_tests::{
    harness::{Harness, ResourceServer},
    http::{send, until, url},
};
use gatepass::StackSettings;
use service_kit::Limits;

use crate::raw_requests::{Connection, RawRequest};

fn everywhere(change: impl Fn(&mut Limits)) -> impl FnOnce(&mut StackSettings) {
    move |settings| {
        change(&mut settings.auth_server.limits);
        change(&mut settings.service_a.limits);
        change(&mut settings.b_local.limits);
        change(&mut settings.b_introspection.limits);
    }
}

#[tokio::test]
async fn idle_connections_and_slow_headers_are_closed() {
    let harness = Harness::start_with(everywhere(|limits| limits.header_timeout_seconds = 1)).await;
    let mut connections = Vec::new();
    for request in RawRequest::of_each(&harness).await {
        for beginning in ["", "P", &request.head[..request.head.len() - 10]] {
            let mut connection = Connection::to(request.address).await;
            connection.write(beginning).await;
            connections.push(connection);
        }
    }
    for connection in connections {
        let response = connection.read_to_end().await;
        assert!(response.is_empty() || response.starts_with("HTTP/1.1 4"), "{response}");
    }
}

#[tokio::test]
async fn slow_bodies_get_408() {
    let harness =
        Harness::start_with(everywhere(|limits| limits.request_timeout_seconds = 1)).await;
    let mut connections = Vec::new();
    for request in RawRequest::of_each(&harness).await {
        let mut connection = request.send_head().await;
        connection.write(&request.body[..3]).await;
        connections.push((connection, request.head));
    }
    for (connection, head) in connections {
        let response = connection.read_to_end().await;
        assert!(response.starts_with("HTTP/1.1 408"), "{head}: {response}");
    }
}

#[tokio::test]
async fn bodies_over_64_kib_get_413() {
    let harness = Harness::start().await;
    let body = |bytes: usize| "x".repeat(bytes);
    let post = |url: String, bytes: usize| send(harness.http.post(url).body(body(bytes)));
    let a = url(harness.addresses.service_a, "/api/call-b");
    assert_eq!(post(a.clone(), 64 * 1024).await.status, 200);
    let response = post(a, 64 * 1024 + 1).await;
    assert_eq!(
        (response.status, response.member("step").as_str()),
        (413, "request"),
        "{response:?}"
    );
    for b in ResourceServer::BOTH {
        let token = harness.access_token("service-a", b).await;
        let write = |bytes: usize| {
            harness.http.post(harness.b_url(b, "/api/do_something")).body(body(bytes))
        };
        assert_eq!(send(write(64 * 1024).bearer_auth(&token)).await.status, 200);
        assert_eq!(send(write(64 * 1024 + 1).bearer_auth(&token)).await.status, 413);
        assert_eq!(
            send(write(64 * 1024 + 1)).await.status,
            401,
            "the token is checked before the body is read"
        );
    }
    let response = harness.post_to_c("/oauth/token", &[("pad", &body(65 * 1024))]).await;
    assert_eq!((response.status, response.member("error").as_str()), (413, "invalid_request"));
}

#[tokio::test]
async fn connections_over_the_limit_are_closed() {
    let harness = Harness::start_with(everywhere(|limits| limits.max_connections = 8)).await;
    let at = harness.addresses;
    for address in [at.auth_server, at.service_a, at.b_local, at.b_introspection] {
        let connect = async || {
            let mut connection = Connection::to(address).await;
            connection.write("HEAD /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
            connection.read_until("\r\n\r\n").await.map(|_| connection)
        };
        let mut open = Vec::new();
        while let Some(connection) = connect().await {
            open.push(connection);
            assert!(open.len() <= 8, "at most eight connections");
        }
        assert!(!open.is_empty());
        open.pop();
        until("a new connection replaces the closed one", async || connect().await.is_some()).await;
    }
}
