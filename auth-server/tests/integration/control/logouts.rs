//! Logouts by the control API, with right and wrong logout tokens.

use std::time::Duration;

use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

use super::{Controlled, assert_error_at};
use crate::{
    browser::{AuthorizationRequest, Browser},
    client::wait_until,
    jwt,
    test_server::{ALICE, NOON, SITE},
};

const LOGOUTS: &str = "/control/logouts";

/// A server whose client `site` has a back-channel logout URI, and that client's HTTP server.
async fn start(status: u16) -> (Controlled, MockServer) {
    let website = MockServer::start().await;
    let response = ResponseTemplate::new(status);
    Mock::given(method("POST")).respond_with(response).mount(&website).await;
    let controlled = Controlled::start().await;
    let path = "/control/clients/site";
    let mut site = controlled.control.get_json(path).await;
    site["login"]["backchannel_logout_uri"] = json!(format!("{}/logout", website.uri()));
    assert_eq!(controlled.call("PUT", path, &site).await.status, 200);
    (controlled, website)
}

async fn received(website: &MockServer) -> Vec<String> {
    let requests = website.received_requests().await.unwrap();
    let token = |body: &[u8]| form_urlencoded::parse(body).next().unwrap().1.into_owned();
    requests.iter().map(|request| token(&request.body)).collect()
}

async fn log_out(controlled: &Controlled, body: Value) -> Value {
    let response = controlled.call("POST", LOGOUTS, &body).await;
    assert_eq!(response.status, 200, "{response:?}");
    response.json()
}

#[tokio::test]
async fn session_ends_and_each_client_is_notified_once() {
    let (controlled, website) = start(204).await;
    let browser = Browser::new(&controlled.server);
    let tokens = browser.tokens(&AuthorizationRequest::site(), ALICE, SITE).await;
    browser.authorization_code(&AuthorizationRequest::portal(), ALICE).await;
    let sid = jwt::claims(tokens["id_token"].as_str().unwrap())["sid"].clone();
    let result = log_out(&controlled, json!({ "user": "alice", "session": sid })).await;
    assert_eq!(result["sessions"], json!([sid]));
    let deliveries = result["deliveries"].as_array().unwrap();
    assert_eq!(deliveries.len(), 1, "the portal has no URI: {result}");
    let delivery = &deliveries[0];
    assert_eq!(
        (&delivery["client_id"], &delivery["sid"], &delivery["status"]),
        (&json!("site"), &sid, &json!(204))
    );
    assert_eq!(received(&website).await, [delivery["logout_token"].as_str().unwrap()]);
    let claims = jwt::claims(delivery["logout_token"].as_str().unwrap());
    assert_eq!((&claims["sid"], &claims["aud"]), (&sid, &json!("site")));
    assert_eq!(browser.authorize(&AuthorizationRequest::site()).await.path, "/login");
    let again = controlled.call("POST", LOGOUTS, &json!({ "user": "alice" })).await;
    again.assert_error(404, "unknown_session", "has no session");
}

#[tokio::test]
async fn failed_delivery_is_reported_and_not_repeated() {
    let (controlled, website) = start(500).await;
    let browser = Browser::new(&controlled.server);
    for _ in 0..2 {
        browser.tokens(&AuthorizationRequest::site(), ALICE, SITE).await;
        let result = log_out(&controlled, json!({ "user": "alice" })).await;
        assert_eq!(result["deliveries"][0]["status"], json!(500), "{result}");
    }
    website.reset().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(204)).mount(&website).await;
    // Past the time of a retry. Notifications that are due are sent together.
    controlled.server.clock.advance(Duration::from_secs(61));
    for number in 1..=2 {
        browser.tokens(&AuthorizationRequest::site(), ALICE, SITE).await;
        let page = browser.open("/logout").await;
        browser.submit(&page, &[("decision", "logout")]).await;
        wait_until("the logout is delivered", async || received(&website).await.len() >= number)
            .await;
    }
    assert_eq!(received(&website).await.len(), 2);
    let path = "/control/clients/site";
    let mut site = controlled.control.get_json(path).await;
    // A port that no program can listen on.
    site["login"]["backchannel_logout_uri"] = json!("http://127.0.0.1:0/logout");
    assert_eq!(controlled.call("PUT", path, &site).await.status, 200);
    browser.tokens(&AuthorizationRequest::site(), ALICE, SITE).await;
    let delivery = log_out(&controlled, json!({ "user": "alice" })).await["deliveries"][0].clone();
    assert!(delivery["error"].is_string() && delivery.get("status").is_none(), "{delivery}");
}

#[tokio::test]
async fn wrong_logout_tokens_are_sent_and_the_session_goes_on() {
    let (controlled, website) = start(400).await;
    let browser = Browser::new(&controlled.server);
    browser.tokens(&AuthorizationRequest::site(), ALICE, SITE).await;
    let jwks = controlled.server.get_json("/.well-known/jwks.json").await;
    let is_signed = |token: &str| jwt::is_signed_by(token, &jwks, jsonwebtoken::Algorithm::RS256);
    for (flaw, member, wrong) in [
        ("wrong_issuer", "iss", json!("https://wrong-issuer.example")),
        ("wrong_audience", "aud", json!("https://wrong-audience.example")),
        ("expired", "exp", json!(NOON - 3_600)),
        ("no_exp", "exp", Value::Null),
        ("no_iat", "iat", Value::Null),
        ("no_jti", "jti", Value::Null),
        ("no_events", "events", Value::Null),
        ("with_nonce", "nonce", json!("wrong-nonce")),
        ("no_subject", "sub", Value::Null),
        ("no_subject", "sid", Value::Null),
    ] {
        let body = json!({ "user": "alice", "flaws": [flaw] });
        let result = log_out(&controlled, body).await;
        let delivery = &result["deliveries"][0];
        let token = delivery["logout_token"].as_str().unwrap();
        assert_eq!((&result["sessions"], &delivery["status"]), (&json!([]), &json!(400)));
        assert_eq!(jwt::claims(token)[member], wrong, "{flaw}");
        assert!(is_signed(token), "{flaw}");
    }
    for (flaw, member, wrong) in
        [("wrong_typ", "typ", json!("at+jwt")), ("unknown_kid", "kid", json!("unknown-kid"))]
    {
        let result = log_out(&controlled, json!({ "user": "alice", "flaws": [flaw] })).await;
        let token = result["deliveries"][0]["logout_token"].as_str().unwrap().to_owned();
        assert_eq!(jwt::header(&token)[member], wrong, "{flaw}");
    }
    for flaw in ["signature", "foreign_key"] {
        let result = log_out(&controlled, json!({ "user": "alice", "flaws": [flaw] })).await;
        assert!(!is_signed(result["deliveries"][0]["logout_token"].as_str().unwrap()), "{flaw}");
    }
    assert_eq!(received(&website).await.len(), 14);
    let signed_in = AuthorizationRequest::site().with("prompt", "none");
    assert!(!browser.authorize(&signed_in).await.redirect_parameter("code").is_empty());
}

#[tokio::test]
async fn logout_that_makes_no_sense_is_rejected() {
    let controlled = Controlled::start().await;
    Browser::new(&controlled.server).authorization_code(&AuthorizationRequest::site(), ALICE).await;
    for (body, status, pointer, words) in [
        (json!({}), 400, "/user", "is missing"),
        (json!({ "user": "nobody" }), 404, "/user", "no user `nobody`"),
        (json!({ "user": "alice", "flaws": ["revoked"] }), 400, "/flaws/0", "no flaw `revoked`"),
        (
            json!({ "user": "alice", "flaws": ["signature", "alg_none"] }),
            400,
            "/flaws/1",
            "cannot be combined",
        ),
    ] {
        let response = controlled.call("POST", LOGOUTS, &body).await;
        assert_error_at(&response, status, pointer, words);
    }
    let body = json!({ "user": "alice", "session": "x" });
    let unknown = controlled.call("POST", LOGOUTS, &body).await;
    unknown.assert_error(404, "unknown_session", "no session `x`");
    assert_eq!(unknown.member("pointer"), "/session");
    let none = controlled.call("POST", LOGOUTS, &json!({ "user": "bob" })).await;
    none.assert_error(404, "unknown_session", "has no session");
}

#[tokio::test]
async fn client_of_a_minted_id_token_gets_a_logout_token() {
    let (controlled, _website) = start(204).await;
    let request = json!({ "token": "id", "client_id": "site", "user": "alice" });
    let minted = controlled.call("POST", "/control/tokens", &request).await;
    let sid = minted.json()["claims"]["sid"].clone();
    let result = log_out(&controlled, json!({ "user": "alice", "session": sid })).await;
    assert_eq!(result["deliveries"][0]["client_id"], json!("site"), "{result}");
}
