use std::time::Duration;

use oauth_types::Fingerprint;
use serde_json::{Value, json};
use test_support::mock::json;
use test_support::signer::{Signer, jwt_part};
use wiremock::ResponseTemplate;

use super::{
    browser::{Browser, BrowserPage},
    mock_provider::{ACCESS_TOKEN, tokens},
    test_site::{NOW, TestSite},
};
use crate::test_servers::SECRET;

/// Logs in with the ID token that `make` returns for valid claims.
async fn log_in_with(site: &TestSite, make: impl FnOnce(Value) -> String) -> BrowserPage {
    let mut browser = site.browser();
    let request = browser.start_login("/login/platform").await;
    site.platform.issue_id_token(&make(site.platform.claims(&request)));
    let page = browser.open(&request.callback("platform")).await;
    assert_eq!(browser.session().is_some(), page.status == 303);
    page
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

#[tokio::test]
async fn id_token_that_fails_any_check_is_rejected() {
    let site = TestSite::start().await;
    let elsewhere = format!("{}/", site.platform.name());
    for (name, wrong) in [
        ("iss", json!("https://evil.example")),
        ("iss", json!(elsewhere)),
        ("aud", json!("another-client")),
        ("aud", json!(["service-a", "another-client"])),
        ("aud", json!([])),
        ("azp", json!("another-client")),
        ("exp", json!(NOW - 61)),
        ("exp", json!(NOW as f64 - 60.5)),
        ("exp", json!(NOW.to_string())),
        ("exp", json!(-1)),
        ("exp", json!(253_402_300_800_i64)),
        ("iat", json!(NOW + 61)),
        ("iat", json!(NOW as f64 + 60.5)),
        ("iat", json!(-1)),
        ("nbf", json!(NOW as f64 + 60.5)),
        ("nbf", json!(NOW.to_string())),
        ("nbf", Value::Null),
        ("iss", Value::Null),
        ("aud", Value::Null),
        ("aud", json!(7)),
        ("azp", json!(7)),
        ("exp", Value::Null),
        ("iat", Value::Null),
        ("sub", Value::Null),
        ("sub", json!(7)),
        ("nonce", json!(7)),
        ("nonce", json!("another")),
        ("nonce", Value::Null),
        ("sub", json!("")),
        ("sub", json!("x".repeat(256))),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
    ] {
        let page = log_in_with(&site, |claims| {
            site.platform.signer.sign(&json!({}), &with(claims, name, wrong.clone()))
        });
        let page = page.await;
        assert_eq!(page.status, 502, "{name} = {wrong}");
        page.assert_error(502, "untrusted");
    }
}

/// The page of an error compares both values, in the language of the page.
#[tokio::test]
async fn page_shows_the_expected_and_the_received_value() {
    let site = TestSite::start().await;
    let fingerprint = |value: &str| Fingerprint::of(value).to_string();
    for (language, not, hash) in [
        ("en", "not this client", "the hash of the access token is"),
        ("zh", "不是本客户端", "访问令牌的哈希值是"),
    ] {
        for (name, wrong) in
            [("nonce", "another-nonce"), ("aud", "another-client"), ("at_hash", "AAAA")]
        {
            let mut browser = Browser { language, ..site.browser() };
            let request = browser.start_login("/login/platform").await;
            let claims = with(site.platform.claims(&request), name, json!(wrong));
            site.platform.issue_claims(&claims);
            let page = browser.open(&request.callback("platform")).await;
            page.assert_error(502, "untrusted");
            let detail = page.text("error-detail").unwrap();
            let nonce = request.parameter("nonce");
            let (received, expected) = match name {
                "nonce" => (fingerprint(wrong), fingerprint(&nonce)),
                "aud" => (wrong.to_owned(), "service-a".to_owned()),
                _ => (wrong.to_owned(), at_hash()),
            };
            for part in [name, &received, &expected] {
                assert!(detail.contains(part), "{language}: no `{part}` in {detail}");
            }
            assert_eq!(detail.contains(not), name == "aud", "{language}: {detail}");
            assert_eq!(detail.contains(hash), name == "at_hash", "{language}: {detail}");
            assert!(!detail.contains(&nonce), "the nonce itself is shown: {detail}");
        }
    }
}

/// OpenID Connect Core §5.3.2.
#[tokio::test]
async fn signed_userinfo_for_another_client_is_rejected_with_both_values() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let request = browser.start_login("/login/platform").await;
    site.platform.issue_claims(&site.platform.claims(&request));
    let claims = json!({ "iss": site.platform.name(), "sub": "ada", "aud": "another-client" });
    let signed = site.platform.signer.sign(&json!({}), &claims);
    let response = ResponseTemplate::new(200).set_body_raw(signed, "application/jwt");
    site.platform.set_response("/userinfo", response);
    let page = browser.open(&request.callback("platform")).await;
    page.assert_error(502, "untrusted");
    let detail = page.text("error-detail").unwrap();
    assert!(detail.contains("another-client") && detail.contains("service-a"), "{detail}");
}

#[tokio::test]
async fn id_token_within_the_limits_is_accepted() {
    let site = TestSite::start().await;
    for (name, right) in [
        ("aud", json!(["service-a"])),
        ("azp", json!("service-a")),
        ("exp", json!(NOW - 59)),
        ("exp", json!(NOW as f64 - 59.5)),
        ("iat", json!(NOW + 59)),
        ("iat", json!(NOW as f64 + 59.5)),
        ("nbf", json!(NOW as f64 + 59.5)),
        ("at_hash", json!(at_hash())),
    ] {
        let page = log_in_with(&site, |claims| {
            site.platform.signer.sign(&json!({}), &with(claims, name, right.clone()))
        });
        assert_eq!(page.await.status, 303, "{name} = {right}");
    }
}

/// RFC 7515 §4.1.11.
#[tokio::test]
async fn id_token_with_critical_extension_is_rejected() {
    let site = TestSite::start().await;
    for header in [
        json!({ "crit": ["b64"], "b64": true }),
        json!({ "crit": null }),
        json!({ "crit": [] }),
        json!({ "b64": true }),
    ] {
        let page = log_in_with(&site, |claims| site.platform.signer.sign(&header, &claims));
        page.await.assert_error(502, "untrusted");
    }
}

/// OpenID Connect Core §3.1.3.6: the left half of the hash.
fn at_hash() -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, ACCESS_TOKEN.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}

#[tokio::test]
async fn id_token_without_valid_signature_is_rejected() {
    let site = TestSite::start().await;
    let (other_signer, secret) = (Signer::es256("one"), Signer::hs256("one", SECRET.as_bytes()));
    let sign = |signer: &Signer, claims: &Value| signer.sign(&json!({}), claims);
    log_in_with(&site, |claims| sign(&other_signer, &claims)).await.assert_error(502, "untrusted");
    // The client secret is not a verification key.
    log_in_with(&site, |claims| sign(&secret, &claims)).await.assert_error(502, "untrusted");
    let none = |claims: Value| {
        format!("{}.{}.", jwt_part(&json!({ "alg": "none", "kid": "one" })), jwt_part(&claims))
    };
    log_in_with(&site, none).await.assert_error(502, "untrusted");
    let cut = |claims: Value| {
        sign(&site.platform.signer, &claims).rsplit_once('.').unwrap().0.to_owned() + "."
    };
    log_in_with(&site, cut).await.assert_error(502, "untrusted");
    log_in_with(&site, |_| "garbage".to_owned()).await.assert_error(502, "untrusted");
}

#[tokio::test]
async fn token_response_without_id_token_is_rejected() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let request = browser.start_login("/login/platform").await;
    site.platform.set_response("/token", json(200, &tokens(ACCESS_TOKEN)));
    browser.open(&request.callback("platform")).await.assert_error(502, "untrusted");
}

#[tokio::test]
async fn userinfo_of_another_subject_is_rejected() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let request = browser.start_login("/login/platform").await;
    site.platform.issue_claims(&site.platform.claims(&request));
    site.platform.set_response("/userinfo", json(200, &json!({ "sub": "bob", "nickname": "Bob" })));
    browser.open(&request.callback("platform")).await.assert_error(502, "untrusted");
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn unknown_kid_triggers_a_key_fetch() {
    let site = TestSite::start().await;
    site.log_in(&mut site.browser()).await;
    let newer = Signer::es256("two");
    site.platform.publish_keys(&[&newer]);
    let page = log_in_with(&site, |claims| newer.sign(&json!({}), &claims)).await;
    assert_eq!(page.status, 303, "{}", page.html);
    // Tokens signed with the removed key are rejected.
    log_in_with(&site, |claims| site.platform.signer.sign(&json!({}), &claims))
        .await
        .assert_error(502, "untrusted");
}

#[tokio::test]
async fn unknown_kids_trigger_at_most_one_key_fetch_per_interval() {
    let site = TestSite::start().await;
    site.log_in(&mut site.browser()).await;
    let key_fetches = async || site.platform.requests("/jwks").await.len();
    let before = key_fetches().await;
    for kid in ["made", "up", "again"] {
        let other_signer = Signer::es256(kid);
        log_in_with(&site, |claims| other_signer.sign(&json!({}), &claims))
            .await
            .assert_error(502, "untrusted");
    }
    assert_eq!(key_fetches().await, before + 1);
    site.clock.advance(Duration::from_secs(30));
    let other_signer = Signer::es256("later");
    log_in_with(&site, |claims| other_signer.sign(&json!({}), &claims))
        .await
        .assert_error(502, "untrusted");
    assert_eq!(key_fetches().await, before + 2);
}
