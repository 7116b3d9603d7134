//! What one caller may take of a server, and what is answered where no endpoint is asked.

#![expect(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use axum::{Router, routing::get};
use clock::Clock;
use flow_events::{EventSink, Party};
use prometheus_client::{encoding::text::encode, registry::Registry};
use reqwest::{Certificate, Client, Version};
use service_kit::{
    BoundListener, CancellationToken, Limits, Server, ServiceContext, metrics::HttpMetrics,
    tls::DevCa, with_request_context,
};

/// A server that answers at one path, and never at another.
struct Sample {
    address: SocketAddr,
    registry: Arc<Registry>,
    stop: CancellationToken,
}

fn app(limits: &Limits, registry: &mut Registry) -> Router {
    let context = ServiceContext {
        service: "sample",
        party: Party::ResourceServer,
        events: EventSink::disabled(),
        clock: Clock::system(),
        http_metrics: HttpMetrics::register(registry),
        limits: limits.clone(),
    };
    let routes = Router::new()
        .route("/", get(|| async { "here" }))
        .route("/never", get(std::future::pending::<()>))
        .route("/bug", get(bug));
    with_request_context(routes, context)
}

#[expect(clippy::panic, reason = "as a bug does it")]
async fn bug() {
    panic!("what only the log may tell");
}

impl Sample {
    fn start(change: impl FnOnce(&mut Limits), over: impl FnOnce(Server) -> Server) -> Self {
        let (mut limits, mut registry, stop) =
            (Limits::default(), Registry::default(), CancellationToken::new());
        change(&mut limits);
        let app = app(&limits, &mut registry);
        let bound = BoundListener::bind("localhost:0", "listen").unwrap();
        let address = bound.address();
        tokio::spawn(over(Server::new(bound, app, &limits)).run(stop.clone()));
        Self { address, registry: Arc::new(registry), stop }
    }

    async fn ask(&self, method: &str, path: &str) -> reqwest::Response {
        let http = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let url = format!("http://{}{path}", self.address);
        http.request(method.parse().unwrap(), url)
            .header("x-request-id", "mine")
            .send()
            .await
            .unwrap()
    }

    fn counted(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).unwrap();
        text
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// All that is said until the other side closes the connection.
async fn until_closed(mut connection: TcpStream) -> String {
    connection.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let read = move || {
        let mut said = Vec::new();
        connection.read_to_end(&mut said).unwrap();
        String::from_utf8_lossy(&said).into_owned()
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

#[tokio::test]
async fn a_connection_on_which_nothing_more_is_asked_is_cut_off() {
    let sample = Sample::start(|limits| limits.header_seconds = 1, |server| server);
    for beginning in ["", "GET / HTTP/1.1\r\nhost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut connection = TcpStream::connect(sample.address).unwrap();
        connection.write_all(beginning.as_bytes()).unwrap();
        let said = until_closed(connection).await;
        assert_eq!(said.contains("200 OK"), beginning.starts_with("GET"), "{said}");
    }
}

#[tokio::test]
async fn http_2_is_not_offered_and_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let ca = DevCa::open_or_create(folder.path(), &Clock::system()).unwrap();
    let tls = ca.server_tls(&["localhost".to_owned()], &Clock::system()).unwrap();
    let sample = Sample::start(|_| (), |server| server.with_tls(tls));
    let authority = Certificate::from_pem(&std::fs::read(ca.certificate()).unwrap()).unwrap();
    let client = || Client::builder().no_proxy().tls_certs_only([authority.clone()]);
    let url = format!("https://localhost:{}/", sample.address.port());
    let answer = client().build().unwrap().get(&url).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_11));
    assert!(client().http2_prior_knowledge().build().unwrap().get(&url).send().await.is_err());
}

#[tokio::test]
async fn a_bug_in_one_request_takes_neither_the_connection_nor_the_process() {
    let sample = Sample::start(|limits| limits.header_seconds = 1, |server| server);
    let mut connection = TcpStream::connect(sample.address).unwrap();
    for path in ["/bug", "/"] {
        connection.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).unwrap();
    }
    let said = until_closed(connection).await;
    let (failed, answered) =
        (said.find("500 Internal Server Error").unwrap(), said.find("200 OK").unwrap());
    assert!(
        failed < answered
            && said.contains("server_error")
            && !said.contains("what only the log may tell"),
        "{said}"
    );
    assert!(sample.counted().contains("status=\"500\"} 1"), "{}", sample.counted());
}

#[tokio::test]
async fn what_is_refused_before_any_endpoint_has_the_shape_the_id_and_the_count_of_all() {
    let sample = Sample::start(|limits| limits.request_seconds = 1, |server| server);
    for (method, path, status, words) in [
        ("GET", "/nowhere", 404, "nothing at this path"),
        ("DELETE", "/", 405, "not for this method"),
        ("GET", "/never", 408, "took too long"),
    ] {
        let answer = sample.ask(method, path).await;
        let allowed =
            answer.headers().get("allow").map(|methods| methods.to_str().unwrap().to_owned());
        assert_eq!(allowed.is_some(), status == 405, "{allowed:?}");
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["x-request-id"]),
            (status, &"mine".parse().unwrap())
        );
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(body["error"], "invalid_request");
        assert!(body["error_description"].as_str().unwrap().contains(words), "{body}");
        assert!(
            sample.counted().contains(&format!("status=\"{status}\"}} 1")),
            "{}",
            sample.counted()
        );
    }
}
