//! Responses of real providers that differ from the specifications, or from what others send.

use std::time::Duration;

use clock::Clock;
use doctor::Verdict;
use serde_json::{Value, json};
use test_support::mock::{json, status};
use test_support::signer::{Algorithm, Signer};

use super::{
    browser::{Browser, BrowserPage},
    mock_provider::{ACCESS_TOKEN, CLIENT_ID, MockProvider, tokens},
    test_site::{NOW, TestSite, provider},
};
use crate::process::{Process, settings_arguments};

/// Starts a website with the provider `other`.
async fn site_with(
    signer: Signer,
    change: impl FnOnce(&mut service_a::settings::ProviderSettings),
) -> (TestSite, MockProvider) {
    let other = MockProvider::start_with_signer(signer).await;
    let mut settings = provider(&other);
    change(&mut settings);
    let site = TestSite::start_with(|all| {
        all.providers.insert("other".to_owned(), settings);
    });
    (site.await, other)
}

/// Logs in with an ID token that `make` returns for valid claims.
async fn log_in(
    site: &TestSite,
    other: &MockProvider,
    make: impl FnOnce(Value) -> String,
) -> BrowserPage {
    let mut browser = site.browser();
    let request = browser.start_login("/login/other").await;
    other.issue_id_token(&make(other.claims(&request)));
    browser.open(&request.callback("other")).await
}

fn with(mut claims: Value, name: &str, value: &Value) -> Value {
    claims[name] = value.clone();
    claims
}

#[tokio::test]
async fn claim_that_is_not_needed_never_stops_a_login() {
    let (site, other) = site_with(Signer::es256("one"), |_| ()).await;
    for (name, odd) in [
        ("updated_at", json!("2026-11-27T09:00:00.000Z")),
        ("updated_at", json!("1800000000")),
        ("updated_at", json!({})),
        ("locale", json!({ "language": "en" })),
        ("locale", json!(7)),
        ("address", json!("1 Street")),
        ("address", json!([])),
        ("amr", json!("pwd")),
        ("amr", json!({ "pwd": true })),
        ("acr", json!(0)),
        ("auth_time", json!("yesterday")),
        ("auth_time", Value::Null),
        ("azp", Value::Null),
        ("sid", json!(7)),
        ("at_hash", Value::Null),
        ("c_hash", json!(7)),
        ("nickname", json!(["Ada"])),
        ("name", json!(7)),
        ("picture", json!({ "url": "x" })),
        ("email", json!(["ada@example.com"])),
        ("phone_number", json!(7)),
        ("gender", json!(1)),
        ("birthdate", json!(1815)),
        ("zoneinfo", json!({})),
        ("profile", json!("no URL")),
        ("website", json!("no URL")),
        ("https://claims.example/roles", json!(["a", { "b": 1 }])),
    ] {
        let make = |claims| other.signer.sign(&json!({}), &with(claims, name, &odd));
        log_in(&site, &other, make).await.assert_redirect("/account");
        // The same claim in the userinfo response.
        let mut browser = site.browser();
        let request = browser.start_login("/login/other").await;
        other.issue_claims(&other.claims(&request));
        let user_info = with(json!({ "sub": "ada" }), name, &odd);
        other.set_response("/userinfo", json(200, &user_info));
        browser.open(&request.callback("other")).await.assert_redirect("/account");
    }
}

#[tokio::test]
async fn log_names_the_claim_that_stopped_a_login() {
    let site = TestSite::start().await;
    let a = Process::serve(&settings_arguments(&site.settings, &[]));
    let mut browser = Browser::new(&a.client.base);
    let now = Clock::system().seconds();
    let cases = [
        ("sub", Value::Null, "ID token: `sub` is missing"),
        ("iat", Value::Null, "ID token: `iat` is missing"),
        ("exp", json!(now - 600), "ID token: it has expired (`exp`)"),
        ("aud", json!("another"), "ID token: `aud` is 'another', not this client"),
        ("nonce", json!("another"), "ID token: `nonce` is not the one of this login"),
    ];
    for (name, wrong, _) in &cases {
        let request = browser.start_login("/login/platform").await;
        let mut claims = site.platform.claims(&request);
        (claims["iat"], claims["exp"]) = (json!(now), json!(now + 600));
        let mut claims = with(claims, name, wrong);
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        site.platform.issue_claims(&claims);
        browser.open(&request.callback("platform")).await.assert_error(502, "untrusted");
    }
    let log = a.kill_and_read_log();
    for (_, _, reason) in cases {
        assert!(log.contains(reason), "not logged: {reason}\n{log}");
    }
}

#[tokio::test]
async fn doctor_names_the_claim_that_stopped_a_login() {
    let (site, other) = site_with(Signer::es256("one"), |_| ()).await;
    let last_failure = async || {
        let report = service_a::doctor::examine(&site.settings, &site.clock).await;
        report.checks.into_iter().find(|check| check.check == "login other: last failure")
    };
    assert_eq!(last_failure().await, None);
    for (name, wrong, reason) in [
        ("iss", json!("https://another.example"), "ID token: `iss` is 'https://another.example'"),
        ("sub", json!(7), "ID token: `sub` is not text"),
    ] {
        let make = |claims| other.signer.sign(&json!({}), &with(claims, name, &wrong));
        log_in(&site, &other, make).await.assert_error(502, "untrusted");
        let check = last_failure().await.unwrap();
        assert_eq!((check.verdict, &*check.message), (Verdict::Warn, "a login failed 0 min ago"));
        let found = check.diagnosis.unwrap().found;
        assert!(found.contains(reason), "{found}");
    }
    site.clock.advance(Duration::from_secs(120));
    // A made-up response does not replace the reason.
    let mut browser = site.browser();
    for (response, status, error) in
        [("error=made_up", 502, "provider_error"), ("code=made-up", 400, "code_rejected")]
    {
        let request = browser.start_login("/login/other").await;
        other.set_response("/token", json(400, &json!({ "error": "invalid_grant" })));
        let state = request.parameter("state");
        let page = browser.open(&format!("/callback/other?{response}&state={state}")).await;
        page.assert_error(status, error);
    }
    assert_eq!(last_failure().await.unwrap().message, "a login failed 2 min ago");

    site.log_in_with(&mut browser, &other, "other").await.assert_redirect("/account");
    let check = last_failure().await.unwrap();
    assert_eq!(check.verdict, Verdict::Ok);
    let expected = "2 min ago, another login succeeded since: the claims of the provider cannot be trusted: ID token: `sub` is not text";
    assert_eq!(check.message, expected);
    site.clock.advance(Duration::from_secs(24 * 3_600));
    assert_eq!(last_failure().await, None, "not reported after a day");
}

#[tokio::test]
async fn email_verified_that_is_no_boolean_counts_as_false() {
    let (site, other) = site_with(Signer::es256("one"), |_| ()).await;
    for (number, odd) in [json!("true"), json!(1), json!({}), Value::Null].iter().enumerate() {
        let make = |claims| {
            let claims = with(claims, "sub", &json!(format!("user-{number}")));
            other.signer.sign(&json!({}), &with(claims, "email_verified", odd))
        };
        log_in(&site, &other, make).await.assert_redirect("/account");
    }
    // None of them reserved the address.
    site.log_in(&mut site.browser()).await;
}

#[tokio::test]
async fn further_audiences_are_accepted_if_they_are_trusted() {
    let zitadel = json!([CLIENT_ID, "281234567890@project", "281234567890"]);
    let trust = |audiences: &str| {
        let audiences = audiences.to_owned();
        site_with(Signer::rs256("one"), |settings| settings.trusted_audiences = audiences)
    };
    let (site, other) = trust("281234567890@project 281234567890").await;
    let sign = |claims, audience| other.signer.sign(&json!({}), &with(claims, "aud", audience));
    log_in(&site, &other, |claims| sign(claims, &zitadel)).await.assert_redirect("/account");
    // The trusted audiences alone are not enough.
    let without_a = json!(["281234567890"]);
    log_in(&site, &other, |claims| sign(claims, &without_a)).await.assert_error(502, "untrusted");
    let (site, other) = trust("281234567890").await;
    let sign = |claims| other.signer.sign(&json!({}), &with(claims, "aud", &zitadel));
    log_in(&site, &other, sign).await.assert_error(502, "untrusted");
}

#[tokio::test]
async fn lifetime_of_the_access_token_may_be_text() {
    let (site, other) = site_with(Signer::es256("one"), |_| ()).await;
    for odd in [json!("600"), json!("soon"), json!(599.5), Value::Null] {
        let mut browser = site.browser();
        let request = browser.start_login("/login/other").await;
        let mut response = tokens(ACCESS_TOKEN);
        response["id_token"] = json!(other.signer.sign(&json!({}), &other.claims(&request)));
        response["expires_in"] = odd;
        other.set_response("/token", json(200, &response));
        browser.open(&request.callback("other")).await.assert_redirect("/account");
    }
}

#[tokio::test]
async fn id_token_without_kid_is_accepted_if_one_key_fits_its_algorithm() {
    let signer = Signer::rs256("rsa");
    let (site, other) = site_with(Signer::rs256("rsa"), |_| ()).await;
    let sign = |claims: Value| {
        signer.sign_text(&json!({ "alg": "RS256" }).to_string(), &claims.to_string())
    };
    other.publish_keys(&[&signer, &Signer::es256("ec")]);
    log_in(&site, &other, sign).await.assert_redirect("/account");
    // With a second RSA key, the token does not tell which one signed it.
    other.publish_keys(&[&signer, &Signer::es256("ec"), &Signer::rs256("rsa-2")]);
    site.clock.advance(Duration::from_secs(600));
    let later = |mut claims: Value| {
        (claims["iat"], claims["exp"]) = (json!(NOW + 600), json!(NOW + 1_200));
        sign(claims)
    };
    log_in(&site, &other, later).await.assert_error(502, "untrusted");
}

#[tokio::test]
async fn every_supported_algorithm_verifies_id_tokens() {
    let rsa = Signer::rs256("one");
    for signer in [
        rsa.with_algorithm(Algorithm::RS384),
        rsa.with_algorithm(Algorithm::RS512),
        rsa.with_algorithm(Algorithm::PS256),
        Signer::es384("one"),
        Signer::eddsa("one"),
    ] {
        let (site, other) = site_with(signer, |_| ()).await;
        let sign = |claims| other.signer.sign(&json!({}), &claims);
        log_in(&site, &other, sign).await.assert_redirect("/account");
    }
    // RFC 9864: another name of `EdDSA`.
    let (site, other) = site_with(Signer::eddsa("one"), |_| ()).await;
    let sign = |claims| other.signer.sign(&json!({ "alg": "Ed25519" }), &claims);
    log_in(&site, &other, sign).await.assert_redirect("/account");
}

#[tokio::test]
async fn access_and_logout_tokens_are_no_id_tokens() {
    let (site, other) = site_with(Signer::es256("one"), |_| ()).await;
    for typ in ["at+jwt", "logout+jwt", "application/at+jwt"] {
        let make = |claims| other.signer.sign(&json!({ "typ": typ }), &claims);
        log_in(&site, &other, make).await.assert_error(502, "untrusted");
    }
    let make = |claims| other.signer.sign(&json!({ "typ": "JWT" }), &claims);
    log_in(&site, &other, make).await.assert_redirect("/account");
}

#[tokio::test]
async fn signed_userinfo_is_verified() {
    let (site, other) = site_with(Signer::es256("one"), |_| ()).await;
    let stranger = Signer::es256("one");
    let claims =
        json!({ "sub": "ada", "iss": other.name(), "aud": CLIENT_ID, "name": "Ada Byron" });
    for (signer, name, value, expected) in [
        (&other.signer, "sub", json!("ada"), 303),
        (&other.signer, "iss", json!("https://evil.example"), 502),
        (&other.signer, "aud", json!("another-client"), 502),
        (&stranger, "sub", json!("ada"), 502),
    ] {
        let mut browser = site.browser();
        let request = browser.start_login("/login/other").await;
        other.issue_claims(&other.claims(&request));
        let token = signer.sign(&json!({}), &with(claims.clone(), name, &value));
        let response = status(200).set_body_raw(token, "application/jwt; charset=utf-8");
        other.set_response("/userinfo", response);
        let page = browser.open(&request.callback("other")).await;
        assert_eq!(page.status, expected, "{name} = {value}: {}", page.html);
        if expected == 502 {
            page.assert_error(502, "untrusted");
        }
    }
}

#[tokio::test]
async fn provider_that_moved_is_found_without_a_restart() {
    let (site, other) = site_with(Signer::es256("one"), |_| ()).await;
    let sign = |claims| other.signer.sign(&json!({}), &claims);
    log_in(&site, &other, sign).await.assert_redirect("/account");
    // Token endpoint and keys move while a login is under way.
    let newer = Signer::es256("two");
    let mut browser = site.browser();
    let request = browser.start_login("/login/other").await;
    let mut response = tokens(ACCESS_TOKEN);
    response["id_token"] = json!(newer.sign(&json!({}), &other.claims(&request)));
    other.set_response("/token", status(404));
    other.set_response("/v2/token", json(200, &response));
    other.set_response("/v2/keys", json(200, &json!({ "keys": [newer.jwk()] })));
    other.change_metadata(|metadata| {
        metadata["token_endpoint"] = json!(format!("{}/v2/token", other.name()));
        metadata["jwks_uri"] = json!(format!("{}/v2/keys", other.name()));
    });
    browser.open(&request.callback("other")).await.assert_redirect("/account");
    assert_eq!(other.requests("/v2/token").await.len(), 1);
}

#[tokio::test]
async fn userinfo_endpoint_that_moved_is_found_without_a_restart() {
    let (site, other) = site_with(Signer::es256("one"), |_| ()).await;
    let sign = |claims| other.signer.sign(&json!({}), &claims);
    log_in(&site, &other, sign).await.assert_redirect("/account");
    other.change_metadata(|metadata| {
        metadata["userinfo_endpoint"] = json!(format!("{}/v2/userinfo", other.name()));
    });
    let mut browser = site.browser();
    let request = browser.start_login("/login/other").await;
    other.issue_claims(&other.claims(&request));
    other.set_response("/userinfo", status(404));
    other.set_response("/v2/userinfo", json(200, &json!({ "sub": "ada" })));
    browser.open(&request.callback("other")).await.assert_redirect("/account");
    assert_eq!(other.requests("/v2/userinfo").await.len(), 1);
}

#[tokio::test]
async fn key_replaced_under_the_same_kid_is_fetched() {
    let (site, other) = site_with(Signer::es256("one"), |_| ()).await;
    let sign = |claims| other.signer.sign(&json!({}), &claims);
    log_in(&site, &other, sign).await.assert_redirect("/account");
    let newer = Signer::es256("one");
    other.publish_keys(&[&newer]);
    let sign = |claims| newer.sign(&json!({}), &claims);
    log_in(&site, &other, sign).await.assert_redirect("/account");
}

#[tokio::test]
async fn authorization_endpoint_that_moved_is_read_again() {
    let (site, other) = site_with(Signer::es256("one"), |_| ()).await;
    site.browser().start_login("/login/other").await;
    other.change_metadata(|metadata| {
        metadata["authorization_endpoint"] = json!(format!("{}/v2/authorize", other.name()));
    });
    site.clock.advance(Duration::from_secs(600));
    let request = site.browser().start_login("/login/other").await;
    assert_eq!(request.0.path(), "/v2/authorize");
}
