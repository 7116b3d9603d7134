//! Limits of a server, and its responses to requests that no handler sees.

#![expect(clippy::unwrap_used, reason = "a test reports a failure by panicking")]

use std::{
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use axum::{Router, routing::get};
use clock::Clock;
use flow_events::{EventSink, Party};
use prometheus_client::{encoding::text::encode, registry::Registry};
use reqwest::{Certificate, Client, Version};
use service_kit::{
    BoundListener, CancellationToken, Hosts, Limits, ProxySettings, Server, ServiceContext,
    metrics::HttpMetrics, tls::DevCa, with_request_context,
};

/// A server with one normal path, one that never responds and one that panics.
struct TestServer {
    address: SocketAddr,
    registry: Arc<Registry>,
    shutdown: CancellationToken,
}

fn app(limits: &Limits, registry: &mut Registry) -> Router {
    let context = ServiceContext {
        service: "sample",
        party: Party::ResourceServer,
        events: EventSink::disabled(),
        clock: Clock::system(),
        http_metrics: HttpMetrics::register(registry),
        hosts: Hosts::default(),
        limits: limits.clone(),
    };
    let routes = Router::new()
        .route("/", get(|| async { "here" }))
        .route("/never", get(std::future::pending::<()>))
        .route("/bug", get(bug));
    with_request_context(routes, context)
}

#[expect(clippy::panic, reason = "simulates a bug")]
async fn bug() {
    panic!("internal detail");
}

impl TestServer {
    fn start(adjust: impl FnOnce(&mut Limits), wrap: impl FnOnce(Server) -> Server) -> Self {
        Self::start_on("127.0.0.1:0", adjust, wrap)
    }

    fn start_on(
        listen: &str,
        adjust: impl FnOnce(&mut Limits),
        wrap: impl FnOnce(Server) -> Server,
    ) -> Self {
        let (mut limits, mut registry, shutdown) =
            (Limits::default(), Registry::default(), CancellationToken::new());
        adjust(&mut limits);
        let app = app(&limits, &mut registry);
        let listener = BoundListener::bind(listen, "listen").unwrap();
        let address = listener.address();
        tokio::spawn(wrap(Server::new(listener, app, &limits)).run(shutdown.clone()));
        Self { address, registry: Arc::new(registry), shutdown }
    }

    async fn send(&self, method: &str, path: &str) -> reqwest::Response {
        let http = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let url = format!("http://{}{path}", self.address);
        http.request(method.parse().unwrap(), url)
            .header("x-request-id", "mine")
            .send()
            .await
            .unwrap()
    }

    fn metrics(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).unwrap();
        text
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Reads from the connection until the server closes it.
async fn read_to_end(mut connection: TcpStream) -> String {
    connection.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let read = move || {
        let mut received = Vec::new();
        connection.read_to_end(&mut received).unwrap();
        String::from_utf8_lossy(&received).into_owned()
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let server = TestServer::start(|limits| limits.header_timeout_seconds = 1, |server| server);
    for sent in
        ["", "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
    {
        let mut connection = TcpStream::connect(server.address).unwrap();
        connection.write_all(sent.as_bytes()).unwrap();
        let received = read_to_end(connection).await;
        assert_eq!(received.contains("200 OK"), sent.starts_with("GET"), "{received}");
    }
}

#[tokio::test]
async fn idle_connections_of_one_address_do_not_stop_another() {
    let limit = |limits: &mut Limits| {
        (limits.max_connections, limits.max_connections_per_address) = (4, 3);
        limits.header_timeout_seconds = 3_600;
    };
    let server = TestServer::start(limit, |server| server);
    let idle: Vec<_> = (0..3).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    let one_more = TcpStream::connect(server.address).unwrap();
    assert_eq!(read_to_end(one_more).await, "", "closed at once");
    let other = Client::builder().no_proxy().local_address(IpAddr::from([127, 0, 0, 2]));
    let url = format!("http://{}/", server.address);
    let response = other.build().unwrap().get(url).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    drop(idle);
}

/// Sends a request on a connection that stays open, after the PROXY protocol header for `source`.
fn keep_open(server: &TestServer, source: Option<[u8; 4]>) -> (TcpStream, String) {
    let mut connection = TcpStream::connect(server.address).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    if let Some(source) = source {
        // Version 2, command PROXY, TCP over IPv4, 12 bytes of addresses and ports.
        let header =
            [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..], &source, &[10, 0, 0, 1, 0, 1, 0, 2]];
        connection.write_all(&header.concat()).unwrap();
    }
    connection.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut received = [0; 12];
    // A connection beyond the limit is closed before anything is read from it.
    let response = match connection.read(&mut received) {
        Ok(length) => String::from_utf8_lossy(&received[..length]).into_owned(),
        Err(_) => String::new(),
    };
    (connection, response)
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_a_trusted_proxy_are_not_limited_by_address() {
    let two = |limits: &mut Limits| limits.max_connections_per_address = 2;
    let trusting =
        ProxySettings { trusted: "127.0.0.1".parse().unwrap(), ..ProxySettings::default() };
    let server = TestServer::start(two, |server| server.with_proxies(&trusting));
    let open: Vec<_> = (0..6).map(|_| keep_open(&server, None)).collect();
    assert!(open.iter().all(|(_, response)| response == "HTTP/1.1 200"), "{open:?}");
    let plain = TestServer::start(two, |server| server);
    let open: Vec<_> = (0..3).map(|_| keep_open(&plain, None)).collect();
    let responses: Vec<_> = open.iter().map(|(_, response)| &**response).collect();
    assert_eq!(responses, ["HTTP/1.1 200", "HTTP/1.1 200", ""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_limited_by_the_source_of_the_proxy_protocol() {
    let two = |limits: &mut Limits| limits.max_connections_per_address = 2;
    let listed =
        ProxySettings { proxy_protocol: "127.0.0.1".parse().unwrap(), ..ProxySettings::default() };
    let server = TestServer::start(two, |server| server.with_proxies(&listed));
    let mut open = Vec::new();
    for (source, expected) in [
        ([203, 0, 113, 7], "HTTP/1.1 200"),
        ([203, 0, 113, 7], "HTTP/1.1 200"),
        ([203, 0, 113, 7], ""),
        ([203, 0, 113, 8], "HTTP/1.1 200"),
    ] {
        let (connection, response) = keep_open(&server, Some(source));
        assert_eq!(response, expected, "{source:?}");
        open.push(connection);
    }
}

#[tokio::test]
async fn http_2_is_neither_offered_nor_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let ca = DevCa::open_or_create(folder.path(), &Clock::system()).unwrap();
    let tls = ca.server_tls(&["localhost".to_owned()], &Clock::system()).unwrap();
    let server = TestServer::start(|_| (), |server| server.with_tls(tls));
    let authority = Certificate::from_pem(&std::fs::read(ca.certificate()).unwrap()).unwrap();
    let client = || Client::builder().no_proxy().tls_certs_only([authority.clone()]);
    let url = format!("https://localhost:{}/", server.address.port());
    let response = client().build().unwrap().get(&url).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_11));
    assert!(client().http2_prior_knowledge().build().unwrap().get(&url).send().await.is_err());
}

#[tokio::test]
async fn only_tls_at_a_remote_host_has_strict_transport_security() {
    let folder = tempfile::tempdir().unwrap();
    let ca = DevCa::open_or_create(folder.path(), &Clock::system()).unwrap();
    let names = ["c.example", "c.localhost"].map(str::to_owned);
    let tls = ca.server_tls(&names, &Clock::system()).unwrap();
    let server = TestServer::start(|_| (), |server| server.with_tls(tls));
    let plain = TestServer::start(|_| (), |server| server);
    let authority = Certificate::from_pem(&std::fs::read(ca.certificate()).unwrap()).unwrap();
    for (scheme, host, server, path, expected) in [
        ("https", "c.example", &server, "/", Some("max-age=31536000")),
        ("https", "c.example", &server, "/nowhere", Some("max-age=31536000")),
        ("https", "c.localhost", &server, "/", None),
        ("http", "c.example", &plain, "/", None),
    ] {
        let client = Client::builder().no_proxy().tls_certs_only([authority.clone()]);
        let client = client.resolve(host, server.address).build().unwrap();
        let url = format!("{scheme}://{host}:{}{path}", server.address.port());
        let response = client.get(&url).send().await.unwrap();
        let policy = response.headers().get("strict-transport-security");
        assert_eq!(policy.map(|value| value.to_str().unwrap()), expected, "{url}");
    }
}

#[tokio::test]
async fn panic_in_a_handler_keeps_the_connection_open() {
    let server = TestServer::start(|limits| limits.header_timeout_seconds = 1, |server| server);
    let mut connection = TcpStream::connect(server.address).unwrap();
    for path in ["/bug", "/"] {
        connection
            .write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes())
            .unwrap();
    }
    let received = read_to_end(connection).await;
    let (panicked, succeeded) =
        (received.find("500 Internal Server Error").unwrap(), received.find("200 OK").unwrap());
    assert!(
        panicked < succeeded
            && received.contains("server_error")
            && !received.contains("internal detail"),
        "{received}"
    );
    assert!(server.metrics().contains("status=\"500\"} 1"), "{}", server.metrics());
}

#[tokio::test]
async fn framework_errors_have_json_body_request_id_and_metrics() {
    let server = TestServer::start(|limits| limits.request_timeout_seconds = 1, |server| server);
    for (method, path, status, words) in [
        ("GET", "/nowhere", 404, "no resource at this path"),
        ("DELETE", "/", 405, "method not allowed"),
        ("GET", "/never", 408, "took too long"),
    ] {
        let response = server.send(method, path).await;
        let allowed =
            response.headers().get("allow").map(|methods| methods.to_str().unwrap().to_owned());
        assert_eq!(allowed.is_some(), status == 405, "{allowed:?}");
        assert_eq!(
            (response.status().as_u16(), &response.headers()["x-request-id"]),
            (status, &"mine".parse().unwrap())
        );
        let body: serde_json::Value = response.json().await.unwrap();
        assert_eq!(body["error"], "invalid_request");
        assert!(body["error_description"].as_str().unwrap().contains(words), "{body}");
        assert!(
            server.metrics().contains(&format!("status=\"{status}\"}} 1")),
            "{}",
            server.metrics()
        );
    }
}

#[tokio::test]
async fn listener_on_all_interfaces_is_reached_at_every_loopback_address() {
    // Without IPv6, `[::]` cannot be bound.
    let has_ipv6 = std::net::TcpListener::bind("[::1]:0").is_ok();
    let (listen, hosts) = match has_ipv6 {
        true => ("[::]:0", &["127.0.0.1", "[::1]", "localhost"][..]),
        false => ("0.0.0.0:0", &["127.0.0.1", "localhost"][..]),
    };
    let server = TestServer::start_on(listen, |_| (), |server| server);
    let http = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    for host in hosts {
        let response = http.get(format!("http://{host}:{}/", server.address.port())).send().await;
        assert_eq!(response.unwrap().status(), 200, "{host}");
    }
}
