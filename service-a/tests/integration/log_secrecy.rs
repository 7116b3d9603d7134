use std::{io, net::TcpListener, path::Path, sync::Arc};

use axum::{
    Json, Router,
    routing::{any, get},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use clock::Clock;
use oauth_types::{ClientSecret, basic};
use serde_json::json;
use service_a::ServiceASettings;
use service_kit::tls::{DevCa, RustlsConfig};
use test_support::{
    http::send,
    mock::{json, status},
};
use tokio::task::JoinHandle;

use crate::{
    process::{Process, settings_arguments},
    test_servers::{
        ACCESS_TOKENS, METADATA, SECRET, TestServers, UNREACHABLE, assert_call_error, delayed,
        token_response,
    },
};

/// Returns every encoding in which a secret is sent or logged.
fn forms(secret: &str) -> Vec<String> {
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let in_url = reqwest::Url::parse_with_params("http://b/", [("secret", secret)]).unwrap();
    let in_query = in_url.query().unwrap().trim_start_matches("secret=").to_owned();
    // Decimal bytes, the `Debug` format of a buffer.
    let bytes = secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    vec![secret.to_owned(), form, in_query, BASE64_STANDARD.encode(secret), bytes]
}

fn hidden() -> Vec<String> {
    let header = basic::format("service-a", &ClientSecret::new(SECRET));
    let mut hidden = vec![header.trim_start_matches("Basic ").to_owned()];
    hidden.extend([SECRET, ACCESS_TOKENS[0], ACCESS_TOKENS[1]].into_iter().flat_map(forms));
    hidden
}

fn assert_silent(log: &str) {
    for secret in hidden() {
        let found = log.lines().find(|line| line.contains(&secret));
        assert!(found.is_none(), "`{secret}` in: {}", found.unwrap_or(""));
    }
}

/// Calls every endpoint with valid and invalid requests.
async fn use_everything(a: &Process) {
    for path in ["/api/call-b", "/api/call-b?target=introspection", "/openapi.json"] {
        assert_eq!(a.get(path).await.status, 200, "{path}");
    }
    for path in ["/metrics", "/healthz", "/readyz"] {
        assert_eq!(a.manage.get(path).await.status, 200, "{path}");
    }
    assert_eq!(
        send(a.post("/api/call-b").body(format!("{{\"mine\":\"{}\"}}", ACCESS_TOKENS[1])))
            .await
            .status,
        200
    );
    for how in ["basic", "query"] {
        assert_eq!(a.get(&format!("/api/call-b-legacy?how={how}")).await.status, 200);
    }
    // Invalid: secrets and tokens where they do not belong.
    let encoded = &forms(SECRET)[1];
    for path in
        ["/api/call-b?secret=", "/api/call-b?target=", "/api/call-b-legacy?how=", "/made/up/"]
    {
        assert!((400..500).contains(&a.get(&format!("{path}{encoded}")).await.status));
        a.get(&format!("{path}{}", ACCESS_TOKENS[0])).await;
    }
    let request = a
        .http
        .get(format!("{}/api/call-b", a.base))
        .header("x-request-id", SECRET)
        .bearer_auth(ACCESS_TOKENS[0]);
    send(request.header("cookie", format!("session={}", ACCESS_TOKENS[0]))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_contains_no_secret_or_token_at_any_level() {
    for method in ["client_secret_post", "client_secret_basic"] {
        let servers = TestServers::start().await;
        let loud = [
            ("log.filter", "trace"),
            ("token_endpoint_auth_method", method),
            ("legacy_secret_demo", "true"),
            ("call_timeout_millis", "300"),
        ];
        let a = Process::serve(&settings_arguments(&servers.settings(), &loud));
        use_everything(&a).await;
        let echo = json!({ "error": "invalid_token", "error_description": format!("{} {SECRET}", ACCESS_TOKENS[0]), "x": ACCESS_TOKENS[1] });
        for response in [
            status(401),
            json(401, &echo),
            json(403, &echo),
            json(503, &echo),
            json(200, &echo),
            delayed(status(200)),
        ] {
            servers.c.respond_in_order([token_response(0), token_response(1)]);
            servers.b.respond_in_order([response]);
            a.get("/api/call-b").await;
            send(a.post("/api/call-b")).await;
            a.get("/api/call-b-legacy?how=query").await;
        }
        // A 401 invalidates the token, so that A calls C each time.
        servers.b.respond_in_order([status(401)]);
        for response in [
            status(500),
            json(401, &echo),
            json(200, &echo),
            status(429),
            delayed(token_response(0)),
            json(400, &json!(SECRET)),
        ] {
            servers.c.respond_in_order([
                response.set_body_string(format!("{SECRET} {}", ACCESS_TOKENS[0])),
                token_response(0),
            ]);
            a.get("/api/call-b").await;
        }
        let log = a.kill_and_read_log();
        assert!(
            log.contains("API request failed") && log.contains("\"target\":\"hyper"),
            "the test must cover this log target"
        );
        assert_silent(&log);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn log_contains_no_secret_when_b_or_c_is_unreachable() {
    let servers = TestServers::start().await;
    let mut settings = servers.settings();
    settings.targets.local.url = UNREACHABLE.to_owned();
    let loud = [("log.filter", "trace"), ("legacy_secret_demo", "true")];
    let a = Process::serve(&settings_arguments(&settings, &loud));
    assert_call_error(&a.get("/api/call-b").await, 502, "call_b", "is unreachable");
    for how in ["basic", "query"] {
        assert_call_error(
            &a.get(&format!("/api/call-b-legacy?how={how}")).await,
            502,
            "call_b",
            "is unreachable",
        );
    }
    settings.issuer = UNREACHABLE.to_owned();
    let other = Process::serve(&settings_arguments(&settings, &loud));
    assert_call_error(&other.get("/api/call-b").await, 502, "get_token", "cannot reach");
    assert_silent(&a.kill_and_read_log());
    assert_silent(&other.kill_and_read_log());
}

/// C and B in one server with TLS and HTTP/2, which Gatepass itself does not offer.
fn c_and_b_over_tls(dir: &Path) -> (String, String, JoinHandle<io::Result<()>>) {
    let ca = DevCa::open_or_create(dir, &Clock::system()).unwrap();
    let tls = ca.server_tls(&["localhost".to_owned()], &Clock::system()).unwrap();
    let mut offer = (*tls.get_inner()).clone();
    offer.alpn_protocols = vec![b"h2".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let base = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let metadata =
        Arc::new(json!({ "issuer": base, "token_endpoint": format!("{base}/oauth/token") }));
    let token =
        json!({ "access_token": ACCESS_TOKENS[0], "token_type": "Bearer", "expires_in": 600 });
    let app = Router::new()
        .route(METADATA, get(move || std::future::ready(Json((*metadata).clone()))))
        .route("/oauth/token", any(move || std::future::ready(Json(token.clone()))))
        .fallback(|| std::future::ready(Json(json!({ "b": "over TLS" }))));
    let server =
        axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(Arc::new(offer))).unwrap();
    let running = tokio::spawn(server.serve(app.into_make_service()));
    (base, ca.certificate().display().to_string(), running)
}

#[tokio::test(flavor = "multi_thread")]
async fn log_contains_no_secret_with_tls_and_http2() {
    let dir = tempfile::tempdir().unwrap();
    let (base, ca, running) = c_and_b_over_tls(dir.path());
    let mut settings =
        ServiceASettings { issuer: base.clone(), ..TestServers::start().await.settings() };
    (settings.targets.local.url, settings.targets.introspection.url) = (base.clone(), base);
    for method in ["client_secret_post", "client_secret_basic"] {
        let loud = [
            ("log.filter", "trace"),
            ("token_endpoint_auth_method", method),
            ("legacy_secret_demo", "true"),
            ("ca_file", &ca),
        ];
        let a = Process::serve(&settings_arguments(&settings, &loud));
        use_everything(&a).await;
        let log = a.kill_and_read_log();
        assert!(
            log.contains("\"target\":\"h2") && log.contains("\"target\":\"rustls"),
            "the test must cover this log target"
        );
        assert_silent(&log);
    }
    running.abort();
}
