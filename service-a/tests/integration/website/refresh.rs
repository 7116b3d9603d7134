//! The ID token of a refresh (OpenID Connect Core §12.2).

use std::time::Duration;

use serde_json::{Value, json};
use test_support::mock::json;
use test_support::signer::Signer;

use super::{
    browser::{Browser, BrowserPage},
    mock_provider::tokens,
    test_site::{NOW, TestSite},
};

const NEWER: &str = "a-newer-access-token";

/// Logs in, and lets the access token expire. Returns the claims of the ID token.
async fn log_in(site: &TestSite, change: impl FnOnce(&mut Value)) -> (Browser, Value) {
    let mut browser = site.browser();
    let request = browser.start_login("/login/platform").await;
    let mut claims = site.platform.claims(&request);
    claims["auth_time"] = json!(NOW - 5);
    change(&mut claims);
    site.platform.issue_claims(&claims);
    browser.open(&request.callback("platform")).await.assert_redirect("/account");
    site.clock.advance(Duration::from_secs(700));
    (browser, claims)
}

/// Opens a page for which A refreshes its access token, and gets this ID token with it.
async fn refresh(site: &TestSite, browser: &mut Browser, id_token: &str) -> BrowserPage {
    let mut response = tokens(NEWER);
    response["id_token"] = json!(id_token);
    site.platform.set_response("/token", json(200, &response));
    site.b.respond_in_order([json(200, &json!({ "b": "data" }))]);
    browser.open("/my-resource").await
}

/// The claims of a refreshed ID token: as at login, with newer times and without `nonce`.
fn refreshed(claims: &Value) -> Value {
    let mut claims = claims.clone();
    (claims["iat"], claims["exp"]) = (json!(NOW + 700), json!(NOW + 1_300));
    claims.as_object_mut().unwrap().remove("nonce");
    claims
}

#[tokio::test]
async fn refreshed_id_token_of_the_same_login_is_accepted() {
    for (name, value) in [
        ("sub", json!("ada")),
        ("at_hash", Value::Null),
        ("aud", json!(["service-a"])),
        ("nickname", json!("Countess")),
    ] {
        let site = TestSite::start().await;
        let (mut browser, claims) = log_in(&site, |_| ()).await;
        let mut claims = refreshed(&claims);
        claims[name] = value.clone();
        let token = site.platform.signer.sign(&json!({}), &claims);
        let page = refresh(&site, &mut browser, &token).await;
        assert_eq!(page.status, 200, "{name} = {value}: {}", page.html);
    }
    // The provider may repeat the nonce, and leave `auth_time` out.
    let site = TestSite::start().await;
    let (mut browser, claims) = log_in(&site, |_| ()).await;
    let nonce = claims["nonce"].clone();
    let mut claims = refreshed(&claims);
    claims["nonce"] = nonce;
    claims.as_object_mut().unwrap().remove("auth_time");
    let token = site.platform.signer.sign(&json!({}), &claims);
    assert_eq!(refresh(&site, &mut browser, &token).await.status, 200);
}

#[tokio::test]
async fn refreshed_id_token_that_fails_any_check_is_rejected() {
    let site = TestSite::start().await;
    let (mut browser, claims) = log_in(&site, |claims| claims["azp"] = json!("service-a")).await;
    for (name, wrong) in [
        ("iss", json!("https://evil.example")),
        ("sub", json!("bob")),
        ("sub", Value::Null),
        ("aud", json!("another-client")),
        ("aud", json!(["service-a", "another-client"])),
        ("iat", Value::Null),
        ("iat", json!(NOW + 800)),
        ("iat", json!(NOW - 100)),
        ("exp", json!(NOW)),
        ("auth_time", json!(NOW + 600)),
        ("azp", json!("another-client")),
        ("azp", Value::Null),
        ("nonce", json!("another")),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
    ] {
        let mut claims = refreshed(&claims);
        claims[name] = wrong.clone();
        let token = site.platform.signer.sign(&json!({}), &claims);
        let page = refresh(&site, &mut browser, &token).await;
        assert_eq!(page.status, 502, "{name} = {wrong}: {}", page.html);
        page.assert_error(502, "untrusted");
    }
    let claims = refreshed(&claims);
    let stranger = Signer::es256("one").sign(&json!({}), &claims);
    for token in [stranger.as_str(), "garbage"] {
        refresh(&site, &mut browser, token).await.assert_error(502, "untrusted");
    }
    // The access token that came with them was not used.
    assert_eq!(site.b.request_count(), 0);
    let token = site.platform.signer.sign(&json!({}), &claims);
    assert_eq!(refresh(&site, &mut browser, &token).await.status, 200);
}
