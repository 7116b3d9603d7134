use serde_json::{Value, json};
use test_support::signer::{Signer, jwt_part};
use test_support::{
    http::{TestClient, TestResponse, send},
    mock::status,
};

use super::{
    browser::Browser,
    mock_provider::{CLIENT_ID, METADATA},
    test_site::{NOW, TestSite},
};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

async fn log_out(browser: &mut Browser) -> super::browser::BrowserPage {
    let token = browser.open("/account").await.csrf_token();
    browser.submit("/logout", &[("csrf_token", &token)]).await
}

#[tokio::test]
async fn logout_ends_the_session_and_redirects_to_the_provider() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    let mut thief = browser.clone();
    let request = log_out(&mut browser).await.authorization_request();
    assert_eq!(browser.session(), None);
    thief.open("/account").await.assert_error(401, "not_logged_in");

    assert!(request.0.as_str().starts_with(&format!("{}/end-session?", site.platform.name())));
    assert_eq!(request.parameter("post_logout_redirect_uri"), "http://localhost:9001/");
    assert_eq!(request.parameter("client_id"), CLIENT_ID);
    assert_eq!(request.parameter("id_token_hint").split('.').count(), 3);
    let back = browser.open(&format!("/?state={}", request.parameter("state"))).await;
    assert!(back.has("logged-out") && back.has("login-platform"));
    assert!(
        !browser.open(&format!("/?state={}", request.parameter("state"))).await.has("logged-out")
    );
    assert!(!browser.open("/?state=forged").await.has("logged-out"));
}

#[tokio::test]
async fn logout_works_without_end_session_endpoint_or_provider() {
    let site = TestSite::start().await;
    site.platform.change_metadata(|metadata| metadata["end_session_endpoint"] = Value::Null);
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    log_out(&mut browser).await.assert_redirect("/");
    // After a restart the metadata is not cached, and the provider is unreachable.
    site.log_in(&mut browser).await;
    site.platform.set_response(METADATA, status(500));
    browser.client.base = site.start_again().await;
    log_out(&mut browser).await.assert_redirect("/");
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn forms_of_other_origins_are_rejected() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    let token = browser.open("/account").await.csrf_token();
    let own_origin = site.base.clone();
    let post = async |browser: &Browser, path: &str, (name, value): (&str, &str)| {
        let form = browser.client.post(path).form(&[("csrf_token", &token)]);
        let cookie = browser.cookies.header().unwrap();
        send(form.header("cookie", cookie).header(name, value)).await
    };
    for path in ["/logout", "/link/platform", "/unlink"] {
        for foreign in [
            ("origin", "http://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
        ] {
            let response = post(&browser, path, foreign).await;
            response.assert_error(403, "invalid_request", "another origin");
        }
    }
    assert_eq!(browser.open("/account").await.status, 200, "still logged in");
    assert_eq!(post(&browser, "/logout", ("origin", &own_origin)).await.status, 303);
}

#[tokio::test]
async fn logout_without_session_succeeds() {
    let site = TestSite::start().await;
    site.browser().submit("/logout", &[]).await.assert_redirect("/");
}

/// Returns a logged-in browser whose session has this `sid` at the provider.
async fn logged_in(site: &TestSite, sid: &str) -> Browser {
    let mut browser = site.browser();
    let request = browser.start_login("/login/platform").await;
    let mut claims = site.platform.claims(&request);
    claims["sid"] = json!(sid);
    site.platform.issue_claims(&claims);
    browser.open(&request.callback("platform")).await.assert_redirect("/account");
    browser
}

fn logout_claims(site: &TestSite) -> Value {
    json!({
        "iss": site.platform.name(), "aud": CLIENT_ID, "iat": NOW, "exp": NOW + 120, "jti": "l1",
        "events": { EVENT: {} }, "sid": "one",
    })
}

async fn notify(site: &TestSite, token: &str) -> TestResponse {
    let client = TestClient::new(site.base.clone());
    send(client.post("/backchannel-logout/platform").form(&[("logout_token", token)])).await
}

fn signed(site: &TestSite, claims: &Value) -> String {
    site.platform.signer.sign(&json!({ "typ": "logout+jwt" }), claims)
}

#[tokio::test]
async fn backchannel_logout_ends_sessions_by_sid_or_subject() {
    let site = TestSite::start().await;
    let mut browsers = Vec::new();
    for sid in ["one", "two", "three"] {
        browsers.push(logged_in(&site, sid).await);
    }
    let output = notify(&site, &signed(&site, &logout_claims(&site))).await;
    assert_eq!((output.status, output.header("cache-control")), (200, "no-store"), "{output:?}");
    browsers[0].open("/account").await.assert_error(401, "not_logged_in");
    assert_eq!(browsers[1].open("/account").await.status, 200);

    let mut all = logout_claims(&site);
    (all["sid"], all["sub"], all["jti"]) = (Value::Null, json!("ada"), json!("l2"));
    assert_eq!(notify(&site, &signed(&site, &all)).await.status, 200);
    for browser in &mut browsers {
        browser.open("/account").await.assert_error(401, "not_logged_in");
    }
}

#[tokio::test]
async fn logout_token_that_fails_any_check_is_rejected() {
    let site = TestSite::start().await;
    let mut browser = logged_in(&site, "one").await;
    for (name, wrong) in [
        ("iss", json!("https://evil.example")),
        ("iss", Value::Null),
        ("aud", json!("another-client")),
        ("aud", Value::Null),
        ("iat", json!(NOW + 61)),
        ("iat", json!(NOW as f64 + 60.5)),
        ("iat", json!(-1)),
        ("nbf", json!(NOW as f64 + 60.5)),
        ("nbf", Value::Null),
        ("iat", Value::Null),
        ("exp", json!(NOW - 60)),
        ("exp", json!(NOW as f64 - 60.5)),
        ("exp", json!((NOW + 120).to_string())),
        // More than ten minutes after `iat`.
        ("exp", json!(NOW as f64 + 600.5)),
        ("exp", json!(NOW + 1_000)),
        ("exp", Value::Null),
        ("jti", json!("")),
        ("jti", Value::Null),
        ("events", json!({})),
        ("events", json!({ EVENT: "x" })),
        ("events", Value::Null),
        ("nonce", json!("n")),
        ("sid", Value::Null),
    ] {
        let mut claims = logout_claims(&site);
        claims[name] = wrong.clone();
        let output = notify(&site, &signed(&site, &claims)).await;
        assert_eq!(output.status, 400, "{name} = {wrong}: {output:?}");
        assert_eq!(output.json()["error"], "invalid_request");
    }
    assert_eq!(browser.open("/account").await.status, 200);
}

#[tokio::test]
async fn logout_token_with_wrong_typ_or_signature_is_rejected() {
    let site = TestSite::start().await;
    let mut browser = logged_in(&site, "one").await;
    let claims = logout_claims(&site);
    let secret = Signer::hs256("one", crate::test_servers::SECRET.as_bytes())
        .sign(&json!({ "typ": "logout+jwt" }), &claims);
    let none = format!(
        "{}.{}.",
        jwt_part(&json!({ "alg": "none", "typ": "logout+jwt" })),
        jwt_part(&claims)
    );
    for token in [
        site.platform.signer.sign(&json!({ "typ": "at+jwt" }), &claims),
        // RFC 7515 §4.1.11: a critical extension that is not understood.
        site.platform.signer.sign(&json!({ "typ": "logout+jwt", "crit": ["b64"] }), &claims),
        site.platform.signer.sign(&json!({ "typ": "logout+jwt", "crit": null }), &claims),
        site.platform.signer.sign(&json!({ "typ": "logout+jwt", "b64": true }), &claims),
        Signer::es256("one").sign(&json!({ "typ": "logout+jwt" }), &claims),
        Signer::es256("unknown").sign(&json!({ "typ": "logout+jwt" }), &claims),
        secret,
        none,
        "garbage".to_owned(),
        String::new(),
    ] {
        let output = notify(&site, &token).await;
        assert_eq!(output.status, 400, "{token}: {output:?}");
    }
    assert_eq!(browser.open("/account").await.status, 200);
}

/// OpenID Connect Back-Channel Logout §2.4: `typ` is recommended, not required.
#[tokio::test]
async fn logout_token_of_type_jwt_or_without_type_or_kid_is_accepted() {
    let site = TestSite::start().await;
    let signer = &site.platform.signer;
    for (number, header) in [
        json!({ "alg": "ES256", "kid": signer.kid, "typ": "JWT" }),
        json!({ "alg": "ES256", "kid": signer.kid }),
        json!({ "alg": "ES256", "kid": signer.kid, "typ": "application/logout+jwt" }),
        json!({ "alg": "ES256" }),
    ]
    .iter()
    .enumerate()
    {
        let mut browser = logged_in(&site, "one").await;
        // One RSA key beside the EC key: without `kid`, exactly one fits the algorithm.
        site.platform.publish_keys(&[signer, &Signer::rs256("rsa")]);
        let mut claims = logout_claims(&site);
        claims["jti"] = json!(format!("l{number}"));
        let token = signer.sign_text(&header.to_string(), &claims.to_string());
        let output = notify(&site, &token).await;
        assert_eq!(output.status, 200, "{header}: {output:?}");
        browser.open("/account").await.assert_error(401, "not_logged_in");
    }
}

#[tokio::test]
async fn times_of_a_logout_token_may_have_fractions() {
    let site = TestSite::start().await;
    let mut claims = logout_claims(&site);
    claims["iat"] = json!(NOW as f64 - 150.5);
    claims["exp"] = json!(NOW as f64 - 59.5);
    assert_eq!(notify(&site, &signed(&site, &claims)).await.status, 200);
}

#[tokio::test]
async fn logout_token_is_accepted_with_the_headers_of_another_origin() {
    let site = TestSite::start().await;
    let token = signed(&site, &logout_claims(&site));
    let client = TestClient::new(site.base.clone());
    let request = client.post("/backchannel-logout/platform").form(&[("logout_token", token)]);
    let request = request.header("origin", site.platform.name());
    assert_eq!(send(request.header("sec-fetch-site", "cross-site")).await.status, 200);
}

#[tokio::test]
async fn logout_token_is_accepted_once() {
    let site = TestSite::start().await;
    let token = signed(&site, &logout_claims(&site));
    assert_eq!(notify(&site, &token).await.status, 200);
    let mut browser = logged_in(&site, "one").await;
    assert_eq!(notify(&site, &token).await.status, 400);
    assert_eq!(
        browser.open("/account").await.status,
        200,
        "a used logout token does not end a new session"
    );
}

#[tokio::test]
async fn unverifiable_logout_token_can_be_sent_again() {
    let site = TestSite::start().await;
    site.platform.set_response(METADATA, status(500));
    assert_eq!(notify(&site, &signed(&site, &logout_claims(&site))).await.status, 503);
    let client = TestClient::new(site.base.clone());
    assert_eq!(send(client.post("/backchannel-logout/nobody")).await.status, 404);
}
