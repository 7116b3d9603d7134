use std::fs;

use base64::{Engine, prelude::BASE64_STANDARD};
use oauth_types::{ClientSecret, basic};
use reqwest::Certificate;
use serde_json::json;
use test_support::http::TestClient;

use crate::{
    client::{HttpClient, client_builder, send, wait_until},
    process::{ServerProcess, run, server_settings, set, succeed},
    registration::{registration_request, text, website_metadata},
    test_server::{ODD, OPAQUE_SHOP, ORDERS, ORDERS_API, SHOP, STOCK},
};

const SHARED: &str = "a secret of C and B, 32 bytes long";
const INITIAL: &str = "an-initial-access-token-77ab";
const GUESS: &str = "a guess that is wrong 5b1e";

/// Calls every endpoint with valid and invalid requests. Returns the issued secrets.
async fn call_every_endpoint(server: &HttpClient) -> Vec<String> {
    let header = basic::format(ODD.0, &ClientSecret::new(ODD.1));
    let grant = [("grant_type", "client_credentials")];
    let with_header =
        send(server.post("/oauth/token").header("authorization", &header).form(&grant)).await;
    let odd = with_header.json()["access_token"].as_str().unwrap().to_owned();
    let mut tokens = vec![
        odd,
        server.access_token(SHOP, &[("resource", ORDERS_API)]).await,
        server.access_token(OPAQUE_SHOP, &[]).await,
    ];
    for token in &tokens {
        for who in [ORDERS, STOCK] {
            server.introspect(who, token).await;
        }
        for who in [STOCK, ODD, SHOP, OPAQUE_SHOP] {
            server.revoke(who, token).await;
        }
        // Invalid requests: tokens and secrets in wrong places.
        server.get(&format!("/oauth/introspect?token={token}")).await;
        server.post_form("/oauth/introspect", &[("token", token)]).await;
        server.get(&format!("/made/up/{token}")).await;
        send(server.post("/oauth/token").bearer_auth(token).form(&grant)).await;
        send(
            server
                .http
                .get(format!("{}/", server.base))
                .header("cookie", format!("session={token}")),
        )
        .await;
    }
    server.client_credentials((SHOP.0, GUESS), &[]).await;
    server.client_credentials(("unknown", GUESS), &[]).await;
    for field in ["scope", "resource", "grant_type"] {
        server
            .post_raw_form(
                "/oauth/token",
                format!("{field}={}&client_id=shop&client_secret={}", SHOP.1, SHOP.1),
            )
            .await;
        server.client_credentials(SHOP, &[(field, SHOP.1)]).await;
    }
    server.post_form("/oauth/token", &[(SHOP.1, "a"), (SHOP.1, "b")]).await;
    send(
        server.post("/oauth/token").header("content-type", format!("text/{}", SHOP.1)).body("a=b"),
    )
    .await;
    server.client_credentials(SHOP, &[("client_secret", SHOP.1)]).await;
    server.post_form(&format!("/oauth/token?client_secret={GUESS}"), &grant).await;
    server
        .post_raw_form("/oauth/token", format!("client_id=shop&client_secret={}%zz", SHOP.1))
        .await;
    send(
        server
            .post("/oauth/token")
            .header("authorization", &header)
            .form(&[("client_secret", ODD.1)]),
    )
    .await;
    let json = format!(r#"{{"client_id":"shop","client_secret":"{}"}}"#, SHOP.1);
    send(server.post("/oauth/token").header("content-type", "application/json").body(json)).await;
    tokens.extend(register_and_change(server).await);
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration", "/openapi.json"] {
        assert_eq!(server.get(path).await.status, 200);
    }
    tokens
}

/// Registers and updates a client with valid and invalid requests. Returns the issued secrets.
async fn register_and_change(server: &HttpClient) -> Vec<String> {
    let registration =
        send(registration_request(server, &website_metadata(json!({}))).bearer_auth(INITIAL))
            .await
            .json();
    send(registration_request(server, &website_metadata(json!({}))).bearer_auth(GUESS)).await;
    send(
        registration_request(server, &json!({ "redirect_uris": SHOP.1, "client_secret": SHOP.1 }))
            .bearer_auth(INITIAL),
    )
    .await;
    let (id, token) =
        (text(&registration, "client_id"), text(&registration, "registration_access_token"));
    let (path, secret) =
        (format!("{}/oauth/register/{id}", server.base), text(&registration, "client_secret"));
    for presented in [token, GUESS] {
        send(server.http.get(&path).bearer_auth(presented)).await;
        let updated_metadata =
            website_metadata(json!({ "client_id": id, "client_secret": secret }));
        send(server.http.put(&path).bearer_auth(presented).json(&updated_metadata)).await;
        send(
            server
                .http
                .put(&path)
                .bearer_auth(presented)
                .json(&json!({ "client_id": id, "client_secret": GUESS })),
        )
        .await;
    }
    vec![token.to_owned(), secret.to_owned()]
}

/// Every encoding of a secret that could appear in the log.
fn encodings(secret: &str) -> Vec<String> {
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut encodings = vec![secret.to_owned(), form, BASE64_STANDARD.encode(secret)];
    // Decimal bytes: the `Debug` format of a buffer.
    encodings.push(secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", "));
    if let Some((_, signature)) = secret.rsplit_once('.') {
        encodings.push(signature.to_owned());
    }
    encodings
}

#[tokio::test(flavor = "multi_thread")]
async fn log_contains_no_secret_and_no_token_at_any_level() {
    let folder = tempfile::tempdir().unwrap();
    let (data, clients) = (folder.path().join("data"), folder.path().join("clients.toml"));
    fs::write(&clients, include_str!("clients.toml")).unwrap();
    let trace_settings = set(&[
        ("log.filter", "trace"),
        ("keys.hs256_secret", SHARED),
        ("rate_limits.client_auth.burst", "10000"),
        ("registration.enabled", "true"),
        ("registration.initial_access_token", INITIAL),
        ("rate_limits.registration.burst", "10000"),
        ("rate_limits.client_auth_address.burst", "10000"),
    ]);
    let settings = [server_settings(&data, &clients), trace_settings].concat();
    let server = ServerProcess::start(&settings);
    for path in ["/readyz", "/metrics"] {
        assert_eq!(server.manage.get(path).await.status, 200);
    }
    let ca =
        Certificate::from_pem(&fs::read(succeed(&["dev-ca"], &settings).await).unwrap()).unwrap();
    let secret = succeed(&["client", "add", "robot"], &settings).await;
    wait_until("the generated secret is accepted", async || {
        server.can_authenticate(("robot", &secret)).await
    })
    .await;

    let mut secrets = call_every_endpoint(&server).await;
    let http = client_builder().tls_certs_only([ca]).build().unwrap();
    secrets.extend(
        call_every_endpoint(&HttpClient(TestClient { base: server.tls.clone().unwrap(), http }))
            .await,
    );
    let rotated = succeed(&["client", "rotate-secret", "robot"], &settings).await;
    wait_until("the rotated secret is accepted", async || {
        server.can_authenticate(("robot", &rotated)).await
    })
    .await;
    fs::write(
        &clients,
        format!("[[clients]]\nclient_id = \"x\"\nclient_secret = \"{}\"\nnonsense", SHOP.1),
    )
    .unwrap();
    run(&["keys", "rotate"], &settings).await;
    wait_until("the broken file is seen", async || {
        server.can_authenticate(("robot", &rotated)).await
    })
    .await;

    for (id, secret) in [SHOP, OPAQUE_SHOP, ODD, ORDERS, STOCK] {
        secrets.push(secret.to_owned());
        secrets.push(basic::format(id, &ClientSecret::new(secret))[6..].to_owned());
    }
    secrets.extend([secret, rotated, SHARED.to_owned(), GUESS.to_owned(), INITIAL.to_owned()]);
    let log = server.kill_and_read_log();
    assert!(
        log.contains("request rejected") && log.len() > 100_000,
        "the test must produce more log lines: {}",
        log.len()
    );
    for noisy in ["rustls", "sqlx"] {
        assert!(
            log.contains(&format!("\"target\":\"{noisy}")),
            "the test must cover the log target {noisy}"
        );
    }
    let lines: Vec<&str> = log.lines().collect();
    let completed = lines.iter().find(|line| line.contains("request completed")).unwrap();
    let completed: serde_json::Value = serde_json::from_str(completed).unwrap();
    assert!(completed["micros"].is_u64(), "a number, not text: {completed}");
    for secret in &secrets {
        for form in encodings(secret) {
            let found = lines.iter().find(|line| line.contains(&form));
            assert!(found.is_none(), "`{form}` in: {}", found.unwrap_or(&""));
        }
    }
}
