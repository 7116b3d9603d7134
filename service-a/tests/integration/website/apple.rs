use jsonwebtoken::{DecodingKey, Validation, decode};
use serde_json::{Value, json};
use service_a::settings::{ProviderKind, ProviderSettings};

use super::{
    browser::{Away, Browser, Shown},
    mock_provider::{CLIENT_ID, Issuer, tokens},
    test_site::{NOW, Site},
    token_signer::{Signer, new_ec_pem},
};
use crate::test_servers::{late, parameter, refused, said, status};

const USER: &str = r#"{"name":{"firstName":"Ada","lastName":"Byron"},"email":"ada@example.com"}"#;

/// Apple signs with RS256, says what it needs in strings, and has no user info.
async fn apple() -> (Site, Issuer) {
    let apple = Issuer::signing_with(Signer::rs256("apple-key")).await;
    apple.says_of_itself(|metadata| {
        metadata
            .as_object_mut()
            .unwrap()
            .retain(|name, _| !["userinfo_endpoint", "end_session_endpoint"].contains(&&**name));
        metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
        metadata["response_modes_supported"] = json!(["query", "fragment", "form_post"]);
    });
    let site = Site::open_with(|settings| {
        let key_file = settings.data_dir.join("AuthKey_KEY1.p8");
        std::fs::write(&key_file, new_ec_pem()).unwrap();
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

/// The ID token has no name, and the rest in strings.
fn claims(apple: &Issuer, away: &Away) -> Value {
    let mut claims = apple.claims(away);
    let members = claims.as_object_mut().unwrap();
    members.retain(|name, _| !["nickname", "picture"].contains(&&**name));
    (claims["email_verified"], claims["is_private_email"]) = (json!("true"), json!("true"));
    claims
}

async fn log_in(browser: &mut Browser, apple: &Issuer, user: Option<&str>) -> Shown {
    let away = browser.away("/login/apple").await;
    apple.will_say(&claims(apple, &away));
    come_back(browser, &away, user).await
}

async fn come_back(browser: &mut Browser, away: &Away, user: Option<&str>) -> Shown {
    let state = away.parameter("state");
    let mut form = vec![("code", "the-code"), ("state", &*state)];
    form.extend(user.map(|user| ("user", user)));
    browser.submit_from_elsewhere("/callback/apple", &form).await
}

#[tokio::test]
async fn apple_answers_by_a_form_of_its_own_page_and_tells_the_name_once() {
    let (site, apple) = apple().await;
    let mut browser = site.browser();
    let away = browser.away("/login/apple").await;
    assert_eq!(
        (away.parameter("response_mode"), away.parameter("scope")),
        ("form_post".to_owned(), "openid name email".to_owned())
    );
    assert!(browser.cookies["gatepass-a-login-form"].attributes.contains("SameSite=None; Secure"));

    log_in(&mut browser, &apple, Some(USER)).await.leads_to("/account");
    assert_eq!(
        browser.open("/account").await.text("account-nickname").as_deref(),
        Some("Ada Byron")
    );
    log_in(&mut browser, &apple, None).await.leads_to("/account");
    let account = browser.open("/account").await;
    assert_eq!(account.text("account-nickname").as_deref(), Some("Ada Byron"), "it stays");
    assert_eq!(account.text("account-email").as_deref(), Some("ada@example.com"));
    let token = account.csrf_token();
    browser.submit("/logout", &[("csrf_token", &token)]).await.leads_to("/");
}

#[tokio::test]
async fn the_client_secret_is_a_jwt_that_a_signs_for_the_moment() {
    let (site, apple) = apple().await;
    log_in(&mut site.browser(), &apple, None).await.leads_to("/account");
    let asked = apple.requests("/token").await.pop().unwrap();
    assert!(asked.headers.get("authorization").is_none());
    assert_eq!(parameter(&asked, "client_id").as_deref(), Some(CLIENT_ID));
    let secret = parameter(&asked, "client_secret").unwrap();
    let header = jsonwebtoken::decode_header(&secret).unwrap();
    assert_eq!((header.alg, header.kid.as_deref()), (jsonwebtoken::Algorithm::ES256, Some("KEY1")));
    let claims = claims_of(&site, &secret);
    assert_eq!(
        claims,
        json!({ "iss": "TEAM1", "sub": CLIENT_ID, "aud": apple.name(), "iat": NOW, "exp": NOW + 300 })
    );
}

/// What the JWT says, if the key in the file has signed it.
fn claims_of(site: &Site, secret: &str) -> Value {
    let pem = std::fs::read(site.settings.data_dir.join("AuthKey_KEY1.p8")).unwrap();
    let private = jsonwebtoken::EncodingKey::from_ec_pem(&pem).unwrap();
    let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&private, jsonwebtoken::Algorithm::ES256)
        .unwrap();
    let mut validation = Validation::new(jsonwebtoken::Algorithm::ES256);
    (validation.validate_exp, validation.validate_aud) = (false, false);
    decode(secret, &DecodingKey::from_jwk(&jwk).unwrap(), &validation).unwrap().claims
}

#[tokio::test]
async fn a_form_from_elsewhere_for_another_browser_logs_nobody_in() {
    let (site, apple) = apple().await;
    let (mut mallory, mut victim) = (site.browser(), site.browser());
    let away = mallory.away("/login/apple").await;
    let _ = victim.away("/login/apple").await;
    apple.will_say(&claims(&apple, &away));
    let state = away.parameter("state");
    for form in [
        &[("code", "the-code"), ("state", &*state)][..],
        &[("code", "the-code")],
        &[("code", "the-code"), ("state", "x")],
    ] {
        victim.submit_from_elsewhere("/callback/apple", form).await.refuses(400, "login_not_found");
    }
    assert_eq!(victim.session(), None);
    victim.open(&away.back("apple")).await.refuses(400, "invalid_response");
}

#[tokio::test]
async fn whoever_says_no_at_apple_reads_a_friendly_page() {
    let (site, _apple) = apple().await;
    let mut browser = site.browser();
    let state = browser.away("/login/apple").await.parameter("state");
    let form = [("error", "user_cancelled_authorize"), ("state", &*state)];
    browser.submit_from_elsewhere("/callback/apple", &form).await.refuses(403, "cancelled");
}

#[tokio::test]
async fn apple_is_linked_though_its_form_brings_no_session() {
    let (site, apple) = apple().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    let token = browser.open("/account").await.csrf_token();
    let away = browser.submit("/link/apple", &[("csrf_token", &token)]).await.leads_away();
    apple.will_say(&claims(&apple, &away));
    let state = away.parameter("state");
    browser
        .submit_from_elsewhere(
            "/callback/apple",
            &[("code", "c"), ("state", &state), ("user", USER)],
        )
        .await
        .leads_to("/account");
    let account = browser.open("/account").await;
    assert!(!account.has("link-apple") && account.html.contains("Apple"), "{}", account.html);
}

#[tokio::test]
async fn a_user_that_is_garbage_is_passed_over() {
    let (site, apple) = apple().await;
    let mut browser = site.browser();
    log_in(&mut browser, &apple, Some("<script>")).await.leads_to("/account");
    assert_eq!(
        browser.open("/account").await.text("account-nickname").as_deref(),
        Some("no name provided")
    );
}

#[tokio::test]
async fn apples_troubles_are_pages() {
    let (site, apple) = apple().await;
    let mut browser = site.browser();
    for (trouble, expected, refusal) in [
        // Apple's words for a code that was used, is another client's, or is too old.
        (
            refused(
                400,
                &json!({ "error": "invalid_grant", "error_description": "The code has expired or has been revoked." }),
            ),
            400,
            "code_rejected",
        ),
        // What it says of a client secret that it cannot check: a revoked key, the wrong team.
        (refused(400, &json!({ "error": "invalid_client" })), 502, "provider_unavailable"),
        (refused(401, &json!({ "error": "invalid_client" })), 502, "provider_unavailable"),
        (status(200).set_body_string("<html>"), 502, "provider_unavailable"),
        (status(500), 502, "provider_unavailable"),
        (status(503), 502, "provider_unavailable"),
        (late(said(&tokens("x"))), 504, "provider_unavailable"),
        (said(&tokens("x")), 502, "untrusted"),
    ] {
        let away = browser.away("/login/apple").await;
        apple.answers("/token", trouble);
        come_back(&mut browser, &away, Some(USER)).await.refuses(expected, refusal);
        assert_eq!(browser.session(), None);
    }
}

#[tokio::test]
async fn what_apple_did_not_say_of_this_person_to_this_website_logs_nobody_in() {
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
        let away = browser.away("/login/apple").await;
        let mut said = claims(&apple, &away);
        said[name] = value;
        apple.will_say(&said);
        come_back(&mut browser, &away, Some(USER)).await.refuses(502, "untrusted");
        assert_eq!(browser.session(), None, "{name}");
    }
}

#[tokio::test]
async fn apple_changes_its_keys_without_notice_and_what_others_sign_is_nothing() {
    let (site, apple) = apple().await;
    let mut browser = site.browser();
    log_in(&mut site.browser(), &apple, None).await.leads_to("/account");
    let (newer, stranger) = (Signer::rs256("apple-key-2"), Signer::rs256("apple-key"));
    apple.publishes(&[&apple.signer, &newer]);
    // Apple publishes several keys at a time, and signs with any of them.
    for signer in [&newer, &apple.signer] {
        let mut browser = site.browser();
        let away = browser.away("/login/apple").await;
        apple.will_hand_out(&signer.sign(&json!({}), &claims(&apple, &away)));
        come_back(&mut browser, &away, None).await.leads_to("/account");
    }
    // Under a name that is published, and under one that is not.
    for signer in [&stranger, &Signer::rs256("made-up")] {
        let away = browser.away("/login/apple").await;
        apple.will_hand_out(&signer.sign(&json!({}), &claims(&apple, &away)));
        come_back(&mut browser, &away, Some(USER)).await.refuses(502, "untrusted");
        assert_eq!(browser.session(), None);
    }
}
