use std::time::Duration;

use serde_json::{Value, json};

use super::{
    mock_provider::{ACCESS_TOKEN, tokens},
    test_site::{NOW, Site},
    token_signer::{Signer, part},
};
use crate::test_servers::{SECRET, said};

/// A login whose ID token is what `make` makes of the good claims.
async fn log_in_with(site: &Site, make: impl FnOnce(Value) -> String) -> super::browser::Shown {
    let mut browser = site.browser();
    let away = browser.away("/login/platform").await;
    site.platform.will_hand_out(&make(site.platform.claims(&away)));
    let shown = browser.open(&away.back("platform")).await;
    assert_eq!(browser.session().is_some(), shown.status == 303);
    shown
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

#[tokio::test]
async fn an_id_token_that_fails_one_check_logs_nobody_in() {
    let site = Site::open().await;
    let elsewhere = format!("{}/", site.platform.name());
    for (name, wrong) in [
        ("iss", json!("https://evil.example")),
        ("iss", json!(elsewhere)),
        ("aud", json!("another-client")),
        ("aud", json!(["service-a", "another-client"])),
        ("aud", json!([])),
        ("azp", json!("another-client")),
        ("exp", json!(NOW - 61)),
        ("iat", json!(NOW + 61)),
        ("nonce", json!("another")),
        ("nonce", Value::Null),
        ("sub", json!("")),
        ("sub", json!("x".repeat(256))),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
    ] {
        let shown = log_in_with(&site, |claims| {
            site.platform.signer.sign(&json!({}), &with(claims, name, wrong.clone()))
        });
        let shown = shown.await;
        assert_eq!(shown.status, 502, "{name} = {wrong}");
        shown.refuses(502, "untrusted");
    }
}

#[tokio::test]
async fn what_stays_within_bounds_is_taken() {
    let site = Site::open().await;
    for (name, right) in [
        ("aud", json!(["service-a"])),
        ("azp", json!("service-a")),
        ("exp", json!(NOW - 59)),
        ("iat", json!(NOW + 59)),
        ("at_hash", json!(at_hash())),
    ] {
        let shown = log_in_with(&site, |claims| {
            site.platform.signer.sign(&json!({}), &with(claims, name, right.clone()))
        });
        assert_eq!(shown.await.status, 303, "{name} = {right}");
    }
}

/// OpenID Connect Core §3.1.3.6: the left half of the hash.
fn at_hash() -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, ACCESS_TOKEN.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}

#[tokio::test]
async fn a_signature_of_nobody_or_of_somebody_else_is_none() {
    let site = Site::open().await;
    let (stranger, secret) = (Signer::es256("one"), Signer::hs256(SECRET));
    let sign = |signer: &Signer, claims: &Value| signer.sign(&json!({}), claims);
    log_in_with(&site, |claims| sign(&stranger, &claims)).await.refuses(502, "untrusted");
    // Whoever knows the client secret is not the provider.
    log_in_with(&site, |claims| sign(&secret, &claims)).await.refuses(502, "untrusted");
    let none = |claims: Value| {
        format!("{}.{}.", part(&json!({ "alg": "none", "kid": "one" })), part(&claims))
    };
    assert_ne!(log_in_with(&site, none).await.status, 303);
    let cut = |claims: Value| {
        sign(&site.platform.signer, &claims).rsplit_once('.').unwrap().0.to_owned() + "."
    };
    assert_ne!(log_in_with(&site, cut).await.status, 303);
    assert_ne!(log_in_with(&site, |_| "garbage".to_owned()).await.status, 303);
}

#[tokio::test]
async fn without_an_id_token_nobody_is_logged_in() {
    let site = Site::open().await;
    let mut browser = site.browser();
    let away = browser.away("/login/platform").await;
    site.platform.answers("/token", said(&tokens(ACCESS_TOKEN)));
    browser.open(&away.back("platform")).await.refuses(502, "untrusted");
}

#[tokio::test]
async fn user_info_of_another_person_is_refused() {
    let site = Site::open().await;
    let mut browser = site.browser();
    let away = browser.away("/login/platform").await;
    site.platform.will_say(&site.platform.claims(&away));
    site.platform.answers("/userinfo", said(&json!({ "sub": "bob", "nickname": "Bob" })));
    browser.open(&away.back("platform")).await.refuses(502, "untrusted");
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn new_keys_are_found_at_the_first_token_that_names_them() {
    let site = Site::open().await;
    site.log_in(&mut site.browser()).await;
    let newer = Signer::es256("two");
    site.platform.publishes(&[&newer]);
    let shown = log_in_with(&site, |claims| newer.sign(&json!({}), &claims)).await;
    assert_eq!(shown.status, 303, "{}", shown.html);
    // The old key is gone, and what it signs is worth nothing.
    log_in_with(&site, |claims| site.platform.signer.sign(&json!({}), &claims))
        .await
        .refuses(502, "untrusted");
}

#[tokio::test]
async fn made_up_keys_cost_one_request_in_a_cool_down() {
    let site = Site::open().await;
    site.log_in(&mut site.browser()).await;
    let asked = async || site.platform.requests("/jwks").await.len();
    let before = asked().await;
    for kid in ["made", "up", "again"] {
        let stranger = Signer::es256(kid);
        log_in_with(&site, |claims| stranger.sign(&json!({}), &claims))
            .await
            .refuses(502, "untrusted");
    }
    assert_eq!(asked().await, before + 1);
    site.clock.advance(Duration::from_secs(30));
    let stranger = Signer::es256("later");
    log_in_with(&site, |claims| stranger.sign(&json!({}), &claims)).await.refuses(502, "untrusted");
    assert_eq!(asked().await, before + 2);
}
