use jsonwebtoken::{DecodingKey, Validation, decode};
use serde_json::{Value, json};
use service_a::settings::{ProviderKind, ProviderSettings};
use test_support::mock::{json, status};
use test_support::signer::{Signer, new_ec_private_key_pem};

use super::{
    browser::{AuthorizationRequest, Browser, BrowserPage},
    mock_provider::{CLIENT_ID, MockProvider, tokens},
    test_site::{NOW, TestSite},
};
use crate::test_servers::{delayed, parameter};

const USER: &str = r#"{"name":{"firstName":"Ada","lastName":"Byron"},"email":"ada@example.com"}"#;

/// A provider like Apple: RS256, booleans as strings, no userinfo endpoint.
async fn apple() -> (TestSite, MockProvider) {
    let apple = MockProvider::start_with_signer(Signer::rs256("apple-key")).await;
    apple.change_metadata(|metadata| {
        metadata
            .as_object_mut()
            .unwrap()
            .retain(|name, _| !["userinfo_endpoint", "end_session_endpoint"].contains(&&**name));
        metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
        metadata["response_modes_supported"] = json!(["query", "fragment", "form_post"]);
    });
    let site = TestSite::start_with(|settings| {
        let key_file = settings.data_dir.join("AuthKey_KEY1.p8");
        std::fs::write(&key_file, new_ec_private_key_pem()).unwrap();
        let provider = ProviderSettings {
            kind: ProviderKind::Apple,
            title: "Apple".to_owned(),
            issuer: apple.name(),
            client_id: CLIENT_ID.to_owned(),
            team_id: "TEAM1".to_owned(),
            key_id: "KEY1".to_owned(),
            key_file: Some(key_file),
            timeout_millis: 2_000,
            ..ProviderSettings::default()
        };
        settings.providers.insert("apple".to_owned(), provider);
    });
    (site.await, apple)
}

/// Claims like Apple's: no name, booleans as strings.
fn claims(apple: &MockProvider, request: &AuthorizationRequest) -> Value {
    let mut claims = apple.claims(request);
    let members = claims.as_object_mut().unwrap();
    members.retain(|name, _| !["nickname", "picture"].contains(&&**name));
    (claims["email_verified"], claims["is_private_email"]) = (json!("true"), json!("true"));
    claims
}

async fn log_in(browser: &mut Browser, apple: &MockProvider, user: Option<&str>) -> BrowserPage {
    let request = browser.start_login("/login/apple").await;
    apple.issue_claims(&claims(apple, &request));
    come_back(browser, &request, user).await
}

async fn come_back(
    browser: &mut Browser,
    request: &AuthorizationRequest,
    user: Option<&str>,
) -> BrowserPage {
    let state = request.parameter("state");
    let mut form = vec![("code", "the-code"), ("state", &*state)];
    form.extend(user.map(|user| ("user", user)));
    browser.submit_cross_site("/callback/apple", &form).await
}

#[tokio::test]
async fn apple_uses_form_post_and_sends_the_name_once() {
    let (site, apple) = apple().await;
    let mut browser = site.browser();
    let request = browser.start_login("/login/apple").await;
    assert_eq!(
        (request.parameter("response_mode"), request.parameter("scope")),
        ("form_post".to_owned(), "openid name email".to_owned())
    );
    assert!(
        browser
            .cookies
            .with_port("gatepass-a-login-form")
            .unwrap()
            .1
            .attributes
            .contains("SameSite=None; Secure")
    );

    log_in(&mut browser, &apple, Some(USER)).await.assert_redirect("/account");
    assert_eq!(
        browser.open("/account").await.text("account-nickname").as_deref(),
        Some("Ada Byron")
    );
    log_in(&mut browser, &apple, None).await.assert_redirect("/account");
    let account = browser.open("/account").await;
    assert_eq!(account.text("account-nickname").as_deref(), Some("Ada Byron"), "it stays");
    assert_eq!(account.text("account-email").as_deref(), Some("ada@example.com"));
    let token = account.csrf_token();
    browser.submit("/logout", &[("csrf_token", &token)]).await.assert_redirect("/");
}

#[tokio::test]
async fn apple_client_secret_is_a_short_lived_signed_jwt() {
    let (site, apple) = apple().await;
    log_in(&mut site.browser(), &apple, None).await.assert_redirect("/account");
    let token_request = apple.requests("/token").await.pop().unwrap();
    assert!(token_request.headers.get("authorization").is_none());
    assert_eq!(parameter(&token_request, "client_id").as_deref(), Some(CLIENT_ID));
    let secret = parameter(&token_request, "client_secret").unwrap();
    let header = jsonwebtoken::decode_header(&secret).unwrap();
    assert_eq!((header.alg, header.kid.as_deref()), (jsonwebtoken::Algorithm::ES256, Some("KEY1")));
    let claims = claims_of(&site, &secret);
    assert_eq!(
        claims,
        json!({ "iss": "TEAM1", "sub": CLIENT_ID, "aud": apple.name(), "iat": NOW, "exp": NOW + 300 })
    );
}

/// Verifies the client secret with the key in the file and returns its claims.
fn claims_of(site: &TestSite, secret: &str) -> Value {
    let pem = std::fs::read(site.settings.data_dir.join("AuthKey_KEY1.p8")).unwrap();
    let private = jsonwebtoken::EncodingKey::from_ec_pem(&pem).unwrap();
    let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&private, jsonwebtoken::Algorithm::ES256)
        .unwrap();
    let mut validation = Validation::new(jsonwebtoken::Algorithm::ES256);
    (validation.validate_exp, validation.validate_aud) = (false, false);
    decode(secret, &DecodingKey::from_jwk(&jwk).unwrap(), &validation).unwrap().claims
}

#[tokio::test]
async fn form_post_for_another_browser_is_rejected() {
    let (site, apple) = apple().await;
    let (mut mallory, mut victim) = (site.browser(), site.browser());
    let request = mallory.start_login("/login/apple").await;
    let _ = victim.start_login("/login/apple").await;
    apple.issue_claims(&claims(&apple, &request));
    let state = request.parameter("state");
    for form in [
        &[("code", "the-code"), ("state", &*state)][..],
        &[("code", "the-code")],
        &[("code", "the-code"), ("state", "x")],
    ] {
        victim
            .submit_cross_site("/callback/apple", form)
            .await
            .assert_error(400, "login_not_found");
    }
    assert_eq!(victim.session(), None);
    victim.open(&request.callback("apple")).await.assert_error(400, "invalid_response");
}

#[tokio::test]
async fn cancelled_apple_login_shows_a_page() {
    let (site, _apple) = apple().await;
    let mut browser = site.browser();
    let state = browser.start_login("/login/apple").await.parameter("state");
    let form = [("error", "user_cancelled_authorize"), ("state", &*state)];
    browser.submit_cross_site("/callback/apple", &form).await.assert_error(403, "cancelled");
}

#[tokio::test]
async fn apple_is_linked_although_form_post_sends_no_session_cookie() {
    let (site, apple) = apple().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    let token = browser.open("/account").await.csrf_token();
    let request =
        browser.submit("/link/apple", &[("csrf_token", &token)]).await.authorization_request();
    apple.issue_claims(&claims(&apple, &request));
    let state = request.parameter("state");
    browser
        .submit_cross_site("/callback/apple", &[("code", "c"), ("state", &state), ("user", USER)])
        .await
        .assert_redirect("/account");
    let account = browser.open("/account").await;
    assert!(!account.has("link-apple") && account.html.contains("Apple"), "{}", account.html);
}

#[tokio::test]
async fn malformed_apple_user_parameter_is_ignored() {
    let (site, apple) = apple().await;
    let mut browser = site.browser();
    log_in(&mut browser, &apple, Some("<script>")).await.assert_redirect("/account");
    assert_eq!(
        browser.open("/account").await.text("account-nickname").as_deref(),
        Some("no name provided")
    );
}

#[tokio::test]
async fn errors_of_apple_show_pages() {
    let (site, apple) = apple().await;
    let mut browser = site.browser();
    for (response, expected, error_code) in [
        // Apple's error for a used, foreign or expired code.
        (
            json(
                400,
                &json!({ "error": "invalid_grant", "error_description": "The code has expired or has been revoked." }),
            ),
            400,
            "code_rejected",
        ),
        // Apple's error for a client secret with a revoked key or wrong team.
        (json(400, &json!({ "error": "invalid_client" })), 502, "unusable_response"),
        (json(401, &json!({ "error": "invalid_client" })), 502, "unusable_response"),
        (status(200).set_body_string("<html>"), 502, "unusable_response"),
        (status(500), 502, "provider_unavailable"),
        (status(503), 502, "provider_unavailable"),
        (delayed(json(200, &tokens("x"))), 504, "provider_unavailable"),
        (json(200, &tokens("x")), 502, "untrusted"),
    ] {
        let request = browser.start_login("/login/apple").await;
        apple.set_response("/token", response);
        come_back(&mut browser, &request, Some(USER)).await.assert_error(expected, error_code);
        assert_eq!(browser.session(), None);
    }
}

#[tokio::test]
async fn invalid_apple_id_token_is_rejected() {
    let (site, apple) = apple().await;
    let mut browser = site.browser();
    let changes = [
        ("nonce", json!("of another login")),
        ("nonce", Value::Null),
        ("aud", json!("com.example.another")),
        ("iss", json!("https://appleid.apple.example")),
        ("exp", json!(NOW - 600)),
        ("sub", json!("")),
    ];
    for (name, value) in changes {
        let request = browser.start_login("/login/apple").await;
        let mut output = claims(&apple, &request);
        output[name] = value;
        apple.issue_claims(&output);
        come_back(&mut browser, &request, Some(USER)).await.assert_error(502, "untrusted");
        assert_eq!(browser.session(), None, "{name}");
    }
}

#[tokio::test]
async fn apple_key_rotation_works_and_foreign_signatures_are_rejected() {
    let (site, apple) = apple().await;
    let mut browser = site.browser();
    log_in(&mut site.browser(), &apple, None).await.assert_redirect("/account");
    let (newer, other_signer) = (Signer::rs256("apple-key-2"), Signer::rs256("apple-key"));
    apple.publish_keys(&[&apple.signer, &newer]);
    // Apple publishes several keys and signs with any of them.
    for signer in [&newer, &apple.signer] {
        let mut browser = site.browser();
        let request = browser.start_login("/login/apple").await;
        apple.issue_id_token(&signer.sign(&json!({}), &claims(&apple, &request)));
        come_back(&mut browser, &request, None).await.assert_redirect("/account");
    }
    // With a published and with an unpublished `kid`.
    for signer in [&other_signer, &Signer::rs256("made-up")] {
        let request = browser.start_login("/login/apple").await;
        apple.issue_id_token(&signer.sign(&json!({}), &claims(&apple, &request)));
        come_back(&mut browser, &request, Some(USER)).await.assert_error(502, "untrusted");
        assert_eq!(browser.session(), None);
    }
}
