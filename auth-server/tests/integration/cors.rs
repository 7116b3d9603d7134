//! Which pages of other origins may read C's responses.

use auth_server::{
    domain::{Actor, Client, UserLoginConfig},
    storage::{AuditedChange, SqliteStore, Store},
};

use crate::{
    client::{Response, send, wait_until},
    test_server::TestServer,
};

/// The origin of a redirect URI, and one of `allowed_origins`.
const OWN: [&str; 2] = ["https://spa.example", "http://localhost:5173"];
const CHECKED: [&str; 4] = ["/oauth/token", "/oauth/revoke", "/oauth/par", "/userinfo"];

const SPA: &str = r#"
[[clients]]
client_id = "spa"
scopes = "openid"

[clients.login]
public = true
redirect_uris = ["https://spa.example/cb", "com.example.spa:/cb"]
allowed_origins = ["http://localhost:5173"]
"#;

async fn start() -> TestServer {
    let server = TestServer::start_with(|settings| settings.registration.enabled = true).await;
    server.change_clients_file(|clients| clients + SPA).await;
    server
}

async fn preflight(server: &TestServer, path: &str, origin: &str) -> Response {
    let request = server.request("OPTIONS", path).header("origin", origin);
    send(request.header("access-control-request-method", "POST")).await
}

fn cors_headers(response: &Response) -> Vec<&str> {
    let names = response.headers.keys().map(reqwest::header::HeaderName::as_str);
    names.filter(|name| name.starts_with("access-control-")).collect()
}

#[tokio::test]
async fn every_page_reads_metadata_and_keys() {
    let server = start().await;
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/.well-known/jwks.json",
    ] {
        for method in ["GET", "HEAD"] {
            let request = server.request(method, path).header("origin", "https://any.example");
            let response = send(request).await;
            assert_eq!(response.status, 200, "{path}");
            assert_eq!(response.header("access-control-allow-origin"), "*");
            assert!(!response.headers.contains_key("access-control-allow-credentials"));
            assert!(!response.headers.contains_key("vary"), "the response is one for all");
        }
        let response = preflight(&server, path, "https://any.example").await;
        assert_eq!((response.status, response.header("access-control-allow-headers")), (204, "*"));
    }
}

#[tokio::test]
async fn every_page_can_register_a_client_where_registration_is_on() {
    let server = start().await;
    let origin = "https://new.example";
    for path in ["/oauth/register", "/oauth/register/some-client"] {
        let response = preflight(&server, path, origin).await;
        assert_eq!(response.status, 204);
        assert_eq!(response.header("access-control-allow-methods"), "GET, POST, PUT, DELETE");
        let headers = response.header("access-control-allow-headers");
        assert_eq!(headers, "authorization, content-type, *");
    }
    let request = server.post("/oauth/register").header("origin", origin);
    let response = send(request.json(&serde_json::json!({}))).await;
    assert_eq!(response.status, 400);
    assert_eq!(response.header("access-control-allow-origin"), "*");
    let off = TestServer::start().await;
    assert!(cors_headers(&preflight(&off, "/oauth/register", origin).await).is_empty());
}

#[tokio::test]
async fn page_of_a_public_client_reads_responses_and_errors() {
    let server = start().await;
    let post = |path: &str| server.post(path).form(&[("client_id", "spa")]);
    let large = "x".repeat(server.settings.limits.max_body_bytes + 1);
    for origin in OWN {
        for (request, status) in [
            (post("/oauth/token"), 400),
            (post("/oauth/revoke"), 400),
            (post("/oauth/par"), 400),
            (server.request("GET", "/userinfo"), 401),
            (server.request("GET", "/oauth/token"), 405),
            (server.post("/oauth/token").form(&[("grant_type", &large)]), 413),
            (post("/oauth/token").header("host", "evil.example"), 421),
        ] {
            let response = send(request.header("origin", origin)).await;
            assert_eq!(response.status, status, "{response:?}");
            assert_eq!(response.header("access-control-allow-origin"), origin, "{status}");
            let exposed = response.header("access-control-expose-headers");
            assert!(exposed.contains("www-authenticate"), "{exposed}");
            assert!(!response.headers.contains_key("access-control-allow-credentials"));
            assert_eq!(response.header("vary"), "origin");
        }
    }
}

#[tokio::test]
async fn rate_limited_page_can_read_how_long_to_wait() {
    let server = TestServer::start_with(|settings| {
        settings.rate_limits.pushed_authorization.burst = 1;
    })
    .await;
    server.change_clients_file(|clients| clients + SPA).await;
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let push = || {
        let form = [
            ("client_id", "spa"),
            ("response_type", "code"),
            ("scope", "openid"),
            ("redirect_uri", "https://spa.example/cb"),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
        ];
        send(server.post("/oauth/par").form(&form).header("origin", OWN[0]))
    };
    assert_eq!(push().await.status, 201);
    let response = push().await;
    assert_eq!(response.status, 429, "{response:?}");
    assert_eq!(response.header("access-control-allow-origin"), OWN[0]);
    assert!(response.header("access-control-expose-headers").contains("retry-after"));
}

#[tokio::test]
async fn preflight_of_a_public_clients_page_permits_the_authorization_header() {
    let server = start().await;
    for (path, origin) in CHECKED.into_iter().flat_map(|path| OWN.map(|origin| (path, origin))) {
        let response = preflight(&server, path, origin).await;
        assert_eq!(response.status, 204, "{path}");
        assert_eq!(response.header("access-control-allow-origin"), origin);
        assert_eq!(response.header("access-control-allow-methods"), "GET, POST");
        let headers = response.header("access-control-allow-headers");
        assert_eq!(headers, "authorization, content-type", "DPoP is not served");
        assert!(!response.headers.contains_key("access-control-allow-credentials"));
    }
}

#[tokio::test]
async fn other_pages_cannot_read_token_responses() {
    let server = start().await;
    for origin in [
        "null",
        "*",
        "https://evil.example",
        "https://spa.example.evil",
        "http://spa.example",
        "https://spa.example:8443",
        "http://localhost:5174",
        // The origin of a confidential client.
        "https://site.example",
    ] {
        for path in CHECKED {
            let response = preflight(&server, path, origin).await;
            assert!(cors_headers(&response).is_empty(), "{origin} {path} {response:?}");
        }
        let response = send(server.post("/oauth/token").header("origin", origin)).await;
        assert!(cors_headers(&response).is_empty(), "{origin} {response:?}");
        assert_eq!(response.header("vary"), "origin", "caches keep both apart");
    }
    let two = server.post("/oauth/token").header("origin", OWN[0]).header("origin", OWN[1]);
    assert!(cors_headers(&send(two).await).is_empty());
}

#[tokio::test]
async fn authorization_endpoint_and_endpoints_of_servers_are_closed_to_pages() {
    let server = start().await;
    for path in [
        "/oauth/authorize",
        "/oauth/introspect",
        "/oauth/device_authorization",
        "/login",
        "/consent",
        "/logout",
        "/account",
        "/openapi.json",
        "/",
    ] {
        for request in [server.request("GET", path), server.post(path)] {
            let response = send(request.header("origin", OWN[0])).await;
            assert!(cors_headers(&response).is_empty(), "{path} {response:?}");
        }
        let response = preflight(&server, path, OWN[0]).await;
        assert!(cors_headers(&response).is_empty(), "{path} {response:?}");
    }
}

#[tokio::test]
async fn origins_of_a_stored_client_end_when_it_is_disabled() {
    let server = TestServer::start().await;
    let store = SqliteStore::open(&server.settings.data_dir.join("auth-server.db")).await.unwrap();
    let login = UserLoginConfig {
        public: true,
        redirect_uris: vec!["https://stored.example/cb".to_owned()],
        allowed_origins: vec!["https://preview.example".to_owned()],
        ..UserLoginConfig::default()
    };
    let client = Client { login: Some(login), ..Client::without_access("stored") };
    let now = server.clock.millis();
    store.apply(AuditedChange::add_client(client, Actor::Cli, now)).await.unwrap();
    let is_allowed = async |origin: &str| {
        !cors_headers(&preflight(&server, "/oauth/token", origin).await).is_empty()
    };
    for origin in ["https://stored.example", "https://preview.example"] {
        wait_until("the client is loaded", async || is_allowed(origin).await).await;
    }
    store.apply(AuditedChange::disable_client("stored", Actor::Cli, now)).await.unwrap();
    for origin in ["https://stored.example", "https://preview.example"] {
        wait_until("the client is gone", async || !is_allowed(origin).await).await;
    }
}
