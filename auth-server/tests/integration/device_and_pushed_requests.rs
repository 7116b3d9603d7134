//! Devices without a browser (RFC 8628), requests sent ahead (RFC 9126) and signed.

use std::time::Duration;

use serde_json::Value;

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::{Response, wait_until},
    test_server::{ALICE, BANK, FORUM, SITE, TestServer},
};

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub async fn begin(server: &TestServer) -> Value {
    let fields = [("client_id", "app"), ("scope", "openid profile orders:read")];
    let response = server.post_form("/oauth/device_authorization", &fields).await;
    assert_eq!(
        (response.status, response.header("cache-control")),
        (200, "no-store"),
        "{response:?}"
    );
    response.json()
}

pub async fn poll(server: &TestServer, device: &Value) -> Response {
    server
        .token_request(
            DEVICE,
            ("app", ""),
            &[("device_code", device["device_code"].as_str().unwrap())],
        )
        .await
}

async fn at_the_page<'a>(browser: &Browser<'a>, device: &Value) -> crate::browser::Page {
    let path = format!("/device?user_code={}", device["user_code"].as_str().unwrap());
    let page = browser.open(&path).await;
    let page = browser.submit(&page, &[("user_code", device["user_code"].as_str().unwrap())]).await;
    if page.path != "/login" {
        return page;
    }
    let page = browser.sign_in(&page, ALICE).await;
    assert_eq!(page.path, "/device");
    browser
        .submit(&page, &[("user_code", &device["user_code"].as_str().unwrap().to_lowercase())])
        .await
}

#[tokio::test]
async fn device_receives_tokens_after_the_user_approves() {
    let server = TestServer::start().await;
    let device = begin(&server).await;
    assert_eq!((device["expires_in"].as_i64(), device["interval"].as_i64()), (Some(600), Some(5)));
    assert_eq!(device["verification_uri"], format!("{}/device", server.issuer()));
    poll(&server, &device).await.assert_error(400, "authorization_pending", "not decided");
    let browser = Browser::new(&server);
    let page = at_the_page(&browser, &device).await;
    page.assert_contains("The App");
    let page = browser.submit(&page, &[("decision", "allow")]).await;
    assert_eq!(page.status(), 200);
    server.clock.advance(Duration::from_secs(5));
    let tokens = poll(&server, &device).await.json();
    assert_eq!(server.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 200);
    assert!(tokens["id_token"].is_string());
    server.clock.advance(Duration::from_secs(5));
    poll(&server, &device).await.assert_error(400, "invalid_grant", "used before");
    assert_eq!(server.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 401);
}

/// The site's key, which it has registered when this returns.
async fn with_a_key_of_the_site(server: &TestServer) -> jsonwebtoken::EncodingKey {
    let rng = aws_lc_rs::rand::SystemRandom::new();
    let algorithm = &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let pair = aws_lc_rs::signature::EcdsaKeyPair::generate_pkcs8(algorithm, &rng).unwrap();
    let key = jsonwebtoken::EncodingKey::from_ec_der(pair.as_ref());
    let jwk =
        jsonwebtoken::jwk::Jwk::from_encoding_key(&key, jsonwebtoken::Algorithm::ES256).unwrap();
    let jwk = serde_json::to_value(&jwk).unwrap();
    let of = |name: &str| jwk[name].as_str().unwrap().to_owned();
    let keys = format!(
        "jwks = {{ keys = [{{ kty = \"EC\", crv = \"P-256\", alg = \"ES256\", x = \"{}\", y = \"{}\" }}] }}\n",
        of("x"),
        of("y")
    );
    let clients = std::fs::read_to_string(server.clients_file()).unwrap();
    let late = "\n[[clients]]\nclient_id = \"late\"\nclient_secret = \"late secret\"\n";
    let changed = clients
        .replace("client_name = \"The Site\"", &format!("client_name = \"The Site\"\n{keys}"));
    std::fs::write(server.clients_file(), changed + late).unwrap();
    wait_until("the changed file is in force", async || {
        server.can_authenticate(("late", "late secret")).await
    })
    .await;
    key
}

/// A request of the site, signed and good for a minute.
fn signed(
    server: &TestServer,
    auth_request: &AuthorizationRequest,
    key: &jsonwebtoken::EncodingKey,
) -> String {
    let mut claims: serde_json::Map<String, Value> = auth_request
        .pairs()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    claims.insert("iss".to_owned(), SITE.0.into());
    claims.insert("aud".to_owned(), server.issuer().into());
    claims.insert("exp".to_owned(), (server.clock.seconds() + 60).into());
    jsonwebtoken::encode(&jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256), &claims, key)
        .unwrap()
}

#[tokio::test]
async fn signed_request_may_expire_during_sign_in() {
    let server = TestServer::start().await;
    let key = with_a_key_of_the_site(&server).await;
    let auth_request = AuthorizationRequest::site().with("scope", "openid");
    let browser = Browser::new(&server);
    let object = signed(&server, &auth_request, &key);
    let sent = AuthorizationRequest::new(SITE.0, "https://site.example/cb?shop=1", "openid")
        .with("request", &object);
    let page = browser.authorize(&sent).await;
    server.clock.advance(Duration::from_secs(120));
    let page = browser.sign_in(&page, ALICE).await;
    server.clock.advance(Duration::from_secs(120));
    let code = browser.allow(&page).await.redirect_parameter("code");
    assert_eq!(server.redeem_code(SITE, &auth_request, &code).await.status, 200);
    Browser::new(&server).authorize(&sent).await.assert_client_error("invalid_request_object");

    // Sent ahead, it is the same.
    let object = signed(&server, &auth_request, &key);
    let form = [("client_id", SITE.0), ("client_secret", SITE.1), ("request", &object)];
    let pushed = server.post_form("/oauth/par", &form).await.json();
    let browser = Browser::new(&server);
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", SITE.0)
        .append_pair("request_uri", pushed["request_uri"].as_str().unwrap())
        .finish();
    server.clock.advance(Duration::from_secs(30));
    let page = browser.open(&format!("/oauth/authorize?{query}")).await;
    server.clock.advance(Duration::from_secs(120));
    let code = browser.sign_in(&page, ALICE).await.redirect_parameter("code");
    assert_eq!(server.redeem_code(SITE, &auth_request, &code).await.status, 200);
}

#[tokio::test]
async fn device_grants_are_listed_and_can_be_withdrawn() {
    let server = TestServer::start().await;
    let fields = [
        ("client_id", SITE.0),
        ("client_secret", SITE.1),
        ("scope", "openid offline_access orders:read"),
    ];
    let device = server.post_form("/oauth/device_authorization", &fields).await.json();
    let browser = Browser::new(&server);
    let page = at_the_page(&browser, &device).await;
    browser.submit(&page, &[("decision", "allow")]).await;
    let code = [("device_code", device["device_code"].as_str().unwrap())];
    let tokens = server.token_request(DEVICE, SITE, &code).await.json();
    let page = browser.open("/account").await;
    page.assert_contains("value=\"site\"");
    let csrf = page.hidden_fields().into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    browser.post("/account/withdraw-consent", &[("csrf", &csrf), ("client_id", "site")]).await;
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    server.refresh(SITE, refresh_token, &[]).await.assert_error(400, "invalid_grant", "void");
    assert!(!browser.open("/account").await.text().contains("value=\"site\""));
}

#[tokio::test]
async fn polling_by_another_client_does_not_slow_the_device() {
    let server = TestServer::start().await;
    let device = begin(&server).await;
    let code = device["device_code"].as_str().unwrap();
    for _ in 0..3 {
        server.token_request(DEVICE, SITE, &[("device_code", code)]).await.assert_error(
            400,
            "invalid_grant",
            "another client",
        );
    }
    poll(&server, &device).await.assert_error(400, "authorization_pending", "not decided");
}

#[tokio::test]
async fn polling_too_often_returns_slow_down() {
    let server = TestServer::start().await;
    let device = begin(&server).await;
    poll(&server, &device).await.assert_error(400, "authorization_pending", "");
    server.clock.advance(Duration::from_secs(4));
    poll(&server, &device).await.assert_error(400, "slow_down", "5 seconds longer");
    server.clock.advance(Duration::from_secs(9));
    poll(&server, &device).await.assert_error(400, "slow_down", "");
    server.clock.advance(Duration::from_secs(15));
    poll(&server, &device).await.assert_error(400, "authorization_pending", "");
}

#[tokio::test]
async fn denied_and_expired_device_codes_return_their_errors() {
    let server = TestServer::start().await;
    let device = begin(&server).await;
    let browser = Browser::new(&server);
    let page = at_the_page(&browser, &device).await;
    browser.submit(&page, &[("decision", "deny")]).await;
    poll(&server, &device).await.assert_error(400, "access_denied", "no");
    let device = begin(&server).await;
    server.clock.advance(Duration::from_secs(600));
    poll(&server, &device).await.assert_error(400, "expired_token", "in time");
    let page = at_the_page(&browser, &device).await;
    assert_eq!(page.status(), 400, "too late for the user as well");
    let foreign = [("device_code", device["device_code"].as_str().unwrap())];
    server.token_request(DEVICE, SITE, &foreign).await.assert_error(
        400,
        "invalid_grant",
        "another client",
    );
}

#[tokio::test]
async fn user_code_guesses_are_rate_limited() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    let mut page = browser.open("/device").await;
    for _ in 0..5 {
        page = browser.submit(&page, &[("user_code", "BCDF-GHJK")]).await;
        assert_eq!(page.status(), 400);
    }
    assert_eq!(browser.submit(&page, &[("user_code", "BCDF-GHJK")]).await.status(), 429);
}

async fn push(
    server: &TestServer,
    (id, secret): (&str, &str),
    auth_request: &AuthorizationRequest,
) -> Response {
    let form: Vec<_> =
        auth_request.pairs().into_iter().filter(|(name, _)| *name != "client_id").collect();
    server
        .post_form(
            "/oauth/par",
            &[&[("client_id", id), ("client_secret", secret)], &form[..]].concat(),
        )
        .await
}

fn short(client_id: &str, uri: &Value) -> String {
    let uri = uri.as_str().unwrap();
    format!("/oauth/authorize?client_id={client_id}&request_uri={uri}")
}

#[tokio::test]
async fn pushed_request_is_consumed_by_one_response() {
    let server = TestServer::start().await;
    let auth_request = AuthorizationRequest::new("bank", "https://bank.example/cb", "openid");
    let pushed = push(&server, BANK, &auth_request).await;
    assert_eq!((pushed.status, pushed.json()["expires_in"].as_i64()), (201, Some(60)));
    let uri = pushed.json()["request_uri"].clone();
    let browser = Browser::new(&server);
    // Looked at twice, and slowly: it is spent by the answer, not by a visit.
    server.clock.advance(Duration::from_secs(59));
    assert_eq!(browser.open(&short("bank", &uri)).await.path, "/login");
    server.clock.advance(Duration::from_secs(300));
    let page = browser.open(&short("bank", &uri)).await;
    let page = browser.sign_in(&page, ALICE).await;
    let code = browser.allow(&page).await.redirect_parameter("code");
    assert_eq!(server.redeem_code(BANK, &auth_request, &code).await.status, 200);
    browser.open(&short("bank", &uri)).await.assert_error_page("request_uri");
}

#[tokio::test]
async fn pushed_request_is_bound_to_its_client_and_expires() {
    let server = TestServer::start().await;
    let pushed = push(&server, SITE, &AuthorizationRequest::site()).await.json();
    let browser = Browser::new(&server);
    browser.open(&short("forum", &pushed["request_uri"])).await.assert_error_page("another client");
    server.clock.advance(Duration::from_secs(60));
    browser.open(&short("site", &pushed["request_uri"])).await.assert_error_page("expired");
    let made_up = Value::from("urn:ietf:params:oauth:request_uri:made-up");
    browser.open(&short("site", &made_up)).await.assert_error_page("unknown");
}

#[tokio::test]
async fn invalid_pushed_requests_are_rejected_immediately() {
    let server = TestServer::start().await;
    let wrong = AuthorizationRequest::site().with("scope", "orders:write");
    push(&server, SITE, &wrong).await.assert_error(400, "invalid_scope", "orders:write");
    push(&server, SITE, &AuthorizationRequest::site().with("redirect_uri", "https://evil.example"))
        .await
        .assert_error(400, "invalid_request", "");
    push(&server, FORUM, &AuthorizationRequest::site().with("request_uri", "x"))
        .await
        .assert_error(400, "invalid_request", "another one");
    push(&server, ("site", "guess"), &AuthorizationRequest::site()).await.assert_error(
        401,
        "invalid_client",
        "",
    );
}
