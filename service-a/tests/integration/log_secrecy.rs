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
use tokio::task::JoinHandle;

use crate::{
    client::answer,
    process::{Process, settings_of},
    test_servers::{METADATA, NOBODY, PASSES, SECRET, World, late, pass, refused, said, status},
};

/// A secret in every form in which it travels.
fn forms(secret: &str) -> Vec<String> {
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let in_url = reqwest::Url::parse_with_params("http://b/", [("secret", secret)]).unwrap();
    let in_query = in_url.query().unwrap().trim_start_matches("secret=").to_owned();
    // As bytes in decimal: how `{:?}` shows a buffer.
    let bytes = secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    vec![secret.to_owned(), form, in_query, BASE64_STANDARD.encode(secret), bytes]
}

fn hidden() -> Vec<String> {
    let header = basic::format("service-a", &ClientSecret::new(SECRET));
    let mut hidden = vec![header.trim_start_matches("Basic ").to_owned()];
    hidden.extend([SECRET, PASSES[0], PASSES[1]].into_iter().flat_map(forms));
    hidden
}

fn assert_silent(log: &str) {
    for secret in hidden() {
        let found = log.lines().find(|line| line.contains(&secret));
        assert!(found.is_none(), "`{secret}` in: {}", found.unwrap_or(""));
    }
}

/// Use every endpoint, rightly and wrongly.
async fn use_everything(a: &Process) {
    for path in [
        "/api/call-b",
        "/api/call-b?target=introspection",
        "/openapi.json",
        "/metrics",
        "/healthz",
        "/readyz",
    ] {
        assert_eq!(a.get(path).await.status, 200, "{path}");
    }
    assert_eq!(
        answer(a.post("/api/call-b").body(format!("{{\"mine\":\"{}\"}}", PASSES[1]))).await.status,
        200
    );
    for how in ["basic", "query"] {
        assert_eq!(a.get(&format!("/api/call-b-legacy?how={how}")).await.status, 200);
    }
    // Wrongly: where tokens and secrets do not belong.
    let encoded = &forms(SECRET)[1];
    for path in
        ["/api/call-b?secret=", "/api/call-b?target=", "/api/call-b-legacy?how=", "/made/up/"]
    {
        assert!((400..500).contains(&a.get(&format!("{path}{encoded}")).await.status));
        a.get(&format!("{path}{}", PASSES[0])).await;
    }
    let request = a
        .http
        .get(format!("{}/api/call-b", a.base))
        .header("x-request-id", SECRET)
        .bearer_auth(PASSES[0]);
    answer(request.header("cookie", format!("session={}", PASSES[0]))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_pass_stands_in_the_log_at_any_level() {
    for method in ["client_secret_post", "client_secret_basic"] {
        let world = World::new().await;
        let loud = [
            ("log.filter", "trace"),
            ("token_endpoint_auth_method", method),
            ("legacy_secret_demo", "true"),
            ("call_timeout_millis", "300"),
        ];
        let a = Process::serve(&settings_of(&world.settings(), &loud));
        use_everything(&a).await;
        let echo = json!({ "error": "invalid_token", "error_description": format!("{} {SECRET}", PASSES[0]), "x": PASSES[1] });
        for trouble in [
            status(401),
            refused(401, &echo),
            refused(403, &echo),
            refused(503, &echo),
            said(&echo),
            late(status(200)),
        ] {
            world.c.answers([pass(0), pass(1)]);
            world.b.answers([trouble]);
            a.get("/api/call-b").await;
            answer(a.post("/api/call-b")).await;
            a.get("/api/call-b-legacy?how=query").await;
        }
        // The pass is dropped by a 401, so that C is asked each time.
        world.b.answers([status(401)]);
        for trouble in [
            status(500),
            refused(401, &echo),
            said(&echo),
            status(429),
            late(pass(0)),
            refused(400, &json!(SECRET)),
        ] {
            world.c.answers([trouble.set_body_string(format!("{SECRET} {}", PASSES[0])), pass(0)]);
            a.get("/api/call-b").await;
        }
        let log = a.kill_and_read_log();
        assert!(
            log.contains("API request failed") && log.contains("\"target\":\"hyper"),
            "else it reads too little"
        );
        assert_silent(&log);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_when_b_or_c_is_away() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.targets.local.url = NOBODY.to_owned();
    let loud = [("log.filter", "trace"), ("legacy_secret_demo", "true")];
    let a = Process::serve(&settings_of(&settings, &loud));
    a.get("/api/call-b").await.failed(502, "call_b", "is unreachable");
    for how in ["basic", "query"] {
        a.get(&format!("/api/call-b-legacy?how={how}")).await.failed(
            502,
            "call_b",
            "is unreachable",
        );
    }
    settings.issuer = NOBODY.to_owned();
    let other = Process::serve(&settings_of(&settings, &loud));
    other.get("/api/call-b").await.failed(502, "get_token", "cannot reach");
    assert_silent(&a.kill_and_read_log());
    assert_silent(&other.kill_and_read_log());
}

/// C and B in one, over TLS and HTTP/2, which the servers of this house do not offer, and others
/// do.
fn c_and_b_over_tls(folder: &Path) -> (String, String, JoinHandle<io::Result<()>>) {
    let ca = DevCa::open_or_create(folder, &Clock::system()).unwrap();
    let tls = ca.server_tls(&["localhost".to_owned()], &Clock::system()).unwrap();
    let mut offer = (*tls.get_inner()).clone();
    offer.alpn_protocols = vec![b"h2".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let base = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let metadata =
        Arc::new(json!({ "issuer": base, "token_endpoint": format!("{base}/oauth/token") }));
    let token = json!({ "access_token": PASSES[0], "token_type": "Bearer", "expires_in": 600 });
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
async fn nor_when_tls_and_http2_are_spoken() {
    let folder = tempfile::tempdir().unwrap();
    let (base, ca, running) = c_and_b_over_tls(folder.path());
    let mut settings = ServiceASettings { issuer: base.clone(), ..World::new().await.settings() };
    (settings.targets.local.url, settings.targets.introspection.url) = (base.clone(), base);
    for method in ["client_secret_post", "client_secret_basic"] {
        let loud = [
            ("log.filter", "trace"),
            ("token_endpoint_auth_method", method),
            ("legacy_secret_demo", "true"),
            ("ca_file", &ca),
        ];
        let a = Process::serve(&settings_of(&settings, &loud));
        use_everything(&a).await;
        let log = a.kill_and_read_log();
        assert!(
            log.contains("\"target\":\"h2") && log.contains("\"target\":\"rustls"),
            "else it reads too little"
        );
        assert_silent(&log);
    }
    running.abort();
}
