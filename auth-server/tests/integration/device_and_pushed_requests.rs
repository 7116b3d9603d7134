//! Devices without a browser (RFC 8628), requests sent ahead (RFC 9126) and signed.

use std::time::Duration;

use serde_json::Value;

use crate::{
    browser::{Asking, Person},
    client::{Answer, until},
    test_server::{ALICE, BANK, C, FORUM, SITE},
};

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub async fn begin(c: &C) -> Value {
    let fields = [("client_id", "app"), ("scope", "openid profile orders:read")];
    let answer = c.form("/oauth/device_authorization", &fields).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{answer:?}");
    answer.json()
}

pub async fn poll(c: &C, device: &Value) -> Answer {
    c.granted(DEVICE, ("app", ""), &[("device_code", device["device_code"].as_str().unwrap())])
        .await
}

async fn at_the_page<'a>(person: &Person<'a>, device: &Value) -> crate::browser::Page {
    let path = format!("/device?user_code={}", device["user_code"].as_str().unwrap());
    let page = person.open(&path).await;
    let page = person.send(&page, &[("user_code", device["user_code"].as_str().unwrap())]).await;
    if page.path != "/login" {
        return page;
    }
    let page = person.sign_in(&page, ALICE).await;
    assert_eq!(page.path, "/device");
    person
        .send(&page, &[("user_code", &device["user_code"].as_str().unwrap().to_lowercase())])
        .await
}

#[tokio::test]
async fn device_receives_tokens_after_the_user_approves() {
    let c = C::start().await;
    let device = begin(&c).await;
    assert_eq!((device["expires_in"].as_i64(), device["interval"].as_i64()), (Some(600), Some(5)));
    assert_eq!(device["verification_uri"], format!("{}/device", c.issuer()));
    poll(&c, &device).await.refused(400, "authorization_pending", "not decided");
    let person = Person::at(&c);
    let page = at_the_page(&person, &device).await;
    page.says("The App");
    let page = person.send(&page, &[("decision", "allow")]).await;
    assert_eq!(page.status(), 200);
    c.clock.advance(Duration::from_secs(5));
    let tokens = poll(&c, &device).await.json();
    assert_eq!(c.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 200);
    assert!(tokens["id_token"].is_string());
    c.clock.advance(Duration::from_secs(5));
    poll(&c, &device).await.refused(400, "invalid_grant", "used before");
    assert_eq!(c.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 401);
}

/// The site's key, which it has registered when this returns.
async fn with_a_key_of_the_site(c: &C) -> jsonwebtoken::EncodingKey {
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
    let clients = std::fs::read_to_string(c.clients_file()).unwrap();
    let late = "\n[[clients]]\nclient_id = \"late\"\nclient_secret = \"late secret\"\n";
    let changed = clients
        .replace("client_name = \"The Site\"", &format!("client_name = \"The Site\"\n{keys}"));
    std::fs::write(c.clients_file(), changed + late).unwrap();
    until("the changed file is in force", async || c.lets_in(("late", "late secret")).await).await;
    key
}

/// A request of the site, signed and good for a minute.
fn signed(c: &C, asking: &Asking, key: &jsonwebtoken::EncodingKey) -> String {
    let mut claims: serde_json::Map<String, Value> =
        asking.pairs().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    claims.insert("iss".to_owned(), SITE.0.into());
    claims.insert("aud".to_owned(), c.issuer().into());
    claims.insert("exp".to_owned(), (c.clock.seconds() + 60).into());
    jsonwebtoken::encode(&jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256), &claims, key)
        .unwrap()
}

#[tokio::test]
async fn signed_request_may_expire_during_sign_in() {
    let c = C::start().await;
    let key = with_a_key_of_the_site(&c).await;
    let asking = Asking::site().with("scope", "openid");
    let person = Person::at(&c);
    let object = signed(&c, &asking, &key);
    let sent =
        Asking::of(SITE.0, "https://site.example/cb?shop=1", "openid").with("request", &object);
    let page = person.asked(&sent).await;
    c.clock.advance(Duration::from_secs(120));
    let page = person.sign_in(&page, ALICE).await;
    c.clock.advance(Duration::from_secs(120));
    let code = person.allow(&page).await.parameter("code");
    assert_eq!(c.fetch(SITE, &asking, &code).await.status, 200);
    Person::at(&c).asked(&sent).await.tells_client("invalid_request_object");

    // Sent ahead, it is the same.
    let object = signed(&c, &asking, &key);
    let form = [("client_id", SITE.0), ("client_secret", SITE.1), ("request", &object)];
    let pushed = c.form("/oauth/par", &form).await.json();
    let person = Person::at(&c);
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", SITE.0)
        .append_pair("request_uri", pushed["request_uri"].as_str().unwrap())
        .finish();
    c.clock.advance(Duration::from_secs(30));
    let page = person.open(&format!("/oauth/authorize?{query}")).await;
    c.clock.advance(Duration::from_secs(120));
    let code = person.sign_in(&page, ALICE).await.parameter("code");
    assert_eq!(c.fetch(SITE, &asking, &code).await.status, 200);
}

#[tokio::test]
async fn device_grants_are_listed_and_can_be_withdrawn() {
    let c = C::start().await;
    let fields = [
        ("client_id", SITE.0),
        ("client_secret", SITE.1),
        ("scope", "openid offline_access orders:read"),
    ];
    let device = c.form("/oauth/device_authorization", &fields).await.json();
    let person = Person::at(&c);
    let page = at_the_page(&person, &device).await;
    person.send(&page, &[("decision", "allow")]).await;
    let code = [("device_code", device["device_code"].as_str().unwrap())];
    let tokens = c.granted(DEVICE, SITE, &code).await.json();
    let page = person.open("/account").await;
    page.says("value=\"site\"");
    let csrf = page.hidden().into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    person.post("/account/withdraw-consent", &[("csrf", &csrf), ("client_id", "site")]).await;
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    c.refresh(SITE, refresh_token, &[]).await.refused(400, "invalid_grant", "void");
    assert!(!person.open("/account").await.text().contains("value=\"site\""));
}

#[tokio::test]
async fn polling_by_another_client_does_not_slow_the_device() {
    let c = C::start().await;
    let device = begin(&c).await;
    let code = device["device_code"].as_str().unwrap();
    for _ in 0..3 {
        c.granted(DEVICE, SITE, &[("device_code", code)]).await.refused(
            400,
            "invalid_grant",
            "another client",
        );
    }
    poll(&c, &device).await.refused(400, "authorization_pending", "not decided");
}

#[tokio::test]
async fn polling_too_often_returns_slow_down() {
    let c = C::start().await;
    let device = begin(&c).await;
    poll(&c, &device).await.refused(400, "authorization_pending", "");
    c.clock.advance(Duration::from_secs(4));
    poll(&c, &device).await.refused(400, "slow_down", "5 seconds longer");
    c.clock.advance(Duration::from_secs(9));
    poll(&c, &device).await.refused(400, "slow_down", "");
    c.clock.advance(Duration::from_secs(15));
    poll(&c, &device).await.refused(400, "authorization_pending", "");
}

#[tokio::test]
async fn denied_and_expired_device_codes_return_their_errors() {
    let c = C::start().await;
    let device = begin(&c).await;
    let person = Person::at(&c);
    let page = at_the_page(&person, &device).await;
    person.send(&page, &[("decision", "deny")]).await;
    poll(&c, &device).await.refused(400, "access_denied", "no");
    let device = begin(&c).await;
    c.clock.advance(Duration::from_secs(600));
    poll(&c, &device).await.refused(400, "expired_token", "in time");
    let page = at_the_page(&person, &device).await;
    assert_eq!(page.status(), 400, "too late for the user as well");
    let foreign = [("device_code", device["device_code"].as_str().unwrap())];
    c.granted(DEVICE, SITE, &foreign).await.refused(400, "invalid_grant", "another client");
}

#[tokio::test]
async fn user_code_guesses_are_rate_limited() {
    let c = C::start().await;
    let person = Person::at(&c);
    person.code(&Asking::site(), ALICE).await;
    let mut page = person.open("/device").await;
    for _ in 0..5 {
        page = person.send(&page, &[("user_code", "BCDF-GHJK")]).await;
        assert_eq!(page.status(), 400);
    }
    assert_eq!(person.send(&page, &[("user_code", "BCDF-GHJK")]).await.status(), 429);
}

async fn push(c: &C, (id, secret): (&str, &str), asking: &Asking) -> Answer {
    let form: Vec<_> =
        asking.pairs().into_iter().filter(|(name, _)| *name != "client_id").collect();
    c.form("/oauth/par", &[&[("client_id", id), ("client_secret", secret)], &form[..]].concat())
        .await
}

fn short(client_id: &str, uri: &Value) -> String {
    let uri = uri.as_str().unwrap();
    format!("/oauth/authorize?client_id={client_id}&request_uri={uri}")
}

#[tokio::test]
async fn pushed_request_is_consumed_by_one_response() {
    let c = C::start().await;
    let asking = Asking::of("bank", "https://bank.example/cb", "openid");
    let pushed = push(&c, BANK, &asking).await;
    assert_eq!((pushed.status, pushed.json()["expires_in"].as_i64()), (201, Some(60)));
    let uri = pushed.json()["request_uri"].clone();
    let person = Person::at(&c);
    // Looked at twice, and slowly: it is spent by the answer, not by a visit.
    c.clock.advance(Duration::from_secs(59));
    assert_eq!(person.open(&short("bank", &uri)).await.path, "/login");
    c.clock.advance(Duration::from_secs(300));
    let page = person.open(&short("bank", &uri)).await;
    let page = person.sign_in(&page, ALICE).await;
    let code = person.allow(&page).await.parameter("code");
    assert_eq!(c.fetch(BANK, &asking, &code).await.status, 200);
    person.open(&short("bank", &uri)).await.tells_user("request_uri");
}

#[tokio::test]
async fn pushed_request_is_bound_to_its_client_and_expires() {
    let c = C::start().await;
    let pushed = push(&c, SITE, &Asking::site()).await.json();
    let person = Person::at(&c);
    person.open(&short("forum", &pushed["request_uri"])).await.tells_user("another client");
    c.clock.advance(Duration::from_secs(60));
    person.open(&short("site", &pushed["request_uri"])).await.tells_user("expired");
    let made_up = Value::from("urn:ietf:params:oauth:request_uri:made-up");
    person.open(&short("site", &made_up)).await.tells_user("unknown");
}

#[tokio::test]
async fn invalid_pushed_requests_are_rejected_immediately() {
    let c = C::start().await;
    let wrong = Asking::site().with("scope", "orders:write");
    push(&c, SITE, &wrong).await.refused(400, "invalid_scope", "orders:write");
    push(&c, SITE, &Asking::site().with("redirect_uri", "https://evil.example")).await.refused(
        400,
        "invalid_request",
        "",
    );
    push(&c, FORUM, &Asking::site().with("request_uri", "x")).await.refused(
        400,
        "invalid_request",
        "another one",
    );
    push(&c, ("site", "guess"), &Asking::site()).await.refused(401, "invalid_client", "");
}
