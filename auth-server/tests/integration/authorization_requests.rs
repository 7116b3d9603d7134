//! Authorization requests: validation, responses, and errors for the client or the user.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    browser::{AuthorizationRequest, Browser},
    jwt,
    test_server::{ALICE, BOB, SITE, TestServer},
};

#[tokio::test]
async fn unknown_client_or_redirect_uri_shows_an_error_page() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    browser
        .authorize(&AuthorizationRequest::site().with("client_id", "unknown"))
        .await
        .assert_error_page("client_id");
    browser
        .authorize(&AuthorizationRequest::site().without("client_id"))
        .await
        .assert_error_page("client_id is missing");
    browser
        .authorize(&AuthorizationRequest::new("shop", "https://site.example/cb", "openid"))
        .await
        .assert_error_page("client_id");
    for foreign in [
        "https://evil.example/cb",
        "https://site.example/cb?shop=2",
        "https://site.example/cb",
        "https://site.example/cb?shop=1&x=1",
        "https://site.example/cb?shop=1#x",
        "https://site.example.evil.example/cb?shop=1",
        "https://site.example:8443/cb?shop=1",
        "//site.example/cb?shop=1",
        "javascript:alert(1)",
    ] {
        browser
            .authorize(&AuthorizationRequest::site().with("redirect_uri", foreign))
            .await
            .assert_error_page("redirect_uri");
    }
    browser
        .authorize(&AuthorizationRequest::site().repeated("redirect_uri", "https://evil.example"))
        .await
        .assert_error_page("more than once");
    browser
        .authorize(&AuthorizationRequest::site().repeated("client_id", "forum"))
        .await
        .assert_error_page("more than once");
}

#[tokio::test]
async fn error_page_has_both_redirect_uris_only_with_test_controls() {
    let long = format!("https://evil.example/<b>{}", "x".repeat(600));
    for test_controls in [false, true] {
        let server = TestServer::start_with(|settings| settings.test_controls = test_controls);
        let server = server.await;
        let request = AuthorizationRequest::site().with("redirect_uri", &long);
        let page = Browser::new(&server).authorize(&request).await;
        page.assert_error_page("redirect_uri");
        let html = page.text();
        let sent = html.split_once("id=\"redirect-uri-sent\">").unwrap().1;
        let sent = sent.split_once("</code>").unwrap().0;
        assert!(long.starts_with(sent) && sent.len() == 500, "{sent}");
        assert!(page.response.text.contains("&lt;b&gt;xxx"), "the page escapes it");
        assert_eq!(html.contains("redirect-uris-registered"), test_controls, "{html}");
        assert_eq!(html.contains("https://site.example/cb?shop=1"), test_controls, "{html}");
    }
}

#[tokio::test]
async fn redirect_uri_is_optional_if_only_one_is_registered() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let auth_request = AuthorizationRequest::site().without("redirect_uri");
    let code = browser.authorization_code(&auth_request, ALICE).await;
    let verifier = ("code_verifier", crate::browser::VERIFIER);
    assert_eq!(server.redeem_code_with(SITE, &[("code", &code), verifier]).await.status, 200);
    browser
        .authorize(&AuthorizationRequest::forum().without("redirect_uri"))
        .await
        .assert_error_page("redirect_uri is missing");
}

#[tokio::test]
async fn loopback_redirect_uri_accepts_any_port() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let page = browser.authorize(&AuthorizationRequest::app()).await;
    let page = browser.sign_in(&page, ALICE).await;
    let back = browser.allow(&page).await.redirected_to.unwrap();
    assert_eq!((back.host_str(), back.port()), (Some("127.0.0.1"), Some(8400)));
    // Any app can listen on that port, so consent is required each time.
    assert_eq!(browser.authorize(&AuthorizationRequest::app()).await.path, "/consent");
    let silent = browser.authorize(&AuthorizationRequest::app().with("prompt", "none")).await;
    silent.assert_client_error("consent_required");
}

#[tokio::test]
async fn private_use_scheme_requires_consent_each_time() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let auth_request = AuthorizationRequest::app().with("redirect_uri", "app.example:/cb");
    for _ in 0..2 {
        let page = browser.authorize(&auth_request).await;
        let page = if page.path == "/login" { browser.sign_in(&page, ALICE).await } else { page };
        assert_eq!(
            page.path, "/consent",
            "any app could have that scheme, so its users are asked each time"
        );
        let policy = page.response.header("content-security-policy").to_owned();
        assert!(!policy.contains("form-action"), "{policy}");
        let back = browser.allow(&page).await;
        assert!(
            back.redirected_to.as_ref().unwrap().as_str().starts_with("app.example:/cb?"),
            "{back:?}"
        );
        assert_eq!(
            server
                .redeem_code(("app", ""), &auth_request, &back.redirect_parameter("code"))
                .await
                .status,
            200
        );
    }
    for foreign in ["app.example:/other", "other.example:/cb", "app.example://cb"] {
        assert!(
            browser
                .authorize(&auth_request.clone().with("redirect_uri", foreign))
                .await
                .redirected_to
                .is_none(),
            "{foreign}"
        );
    }
}

#[tokio::test]
async fn invalid_requests_redirect_to_the_client_with_an_error() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    for (auth_request, error) in [
        (AuthorizationRequest::site().without("response_type"), "invalid_request"),
        (AuthorizationRequest::site().with("response_type", "token"), "unsupported_response_type"),
        (
            AuthorizationRequest::site().with("response_type", "code id_token"),
            "unsupported_response_type",
        ),
        (AuthorizationRequest::site().with("response_mode", "fragment"), "invalid_request"),
        (AuthorizationRequest::portal().without("scope"), "invalid_scope"),
        (AuthorizationRequest::site().with("scope", "orders:write"), "invalid_scope"),
        (AuthorizationRequest::site().with("scope", "nonsense"), "invalid_scope"),
        (AuthorizationRequest::site().with("resource", "https://vault.example"), "invalid_target"),
        (AuthorizationRequest::site().with("resource", "not a uri"), "invalid_target"),
        (AuthorizationRequest::site().repeated("nonce", "another"), "invalid_request"),
        (AuthorizationRequest::site().with("max_age", "soon"), "invalid_request"),
        (AuthorizationRequest::site().with("max_age", "+5"), "invalid_request"),
        (AuthorizationRequest::site().with("prompt", "none login"), "invalid_request"),
        (AuthorizationRequest::site().with("id_token_hint", "x.y.z"), "invalid_request"),
        (AuthorizationRequest::site().with("request", "x.y.z"), "invalid_request_object"),
        (
            AuthorizationRequest::site().with("request_uri", "https://site.example/r"),
            "request_uri_not_supported",
        ),
        (AuthorizationRequest::site().with("code_challenge_method", "plain"), "invalid_request"),
        (AuthorizationRequest::site().with("code_challenge_method", "S512"), "invalid_request"),
        (AuthorizationRequest::site().without("code_challenge_method"), "invalid_request"),
        (AuthorizationRequest::site().without("code_challenge"), "invalid_request"),
        (AuthorizationRequest::site().with("code_challenge", "too short"), "invalid_request"),
        // 256 bits end in a character whose last two bits are zero.
        (AuthorizationRequest::site().with("code_challenge", &"B".repeat(43)), "invalid_request"),
        (
            AuthorizationRequest::app().without("code_challenge").without("code_challenge_method"),
            "invalid_request",
        ),
        (AuthorizationRequest::new("bank", "https://bank.example/cb", "openid"), "invalid_request"),
    ] {
        let page = browser.authorize(&auth_request).await;
        page.assert_client_error(error);
        assert_eq!(page.redirect_parameter("state"), "the-state");
        let description = page.redirect_parameter("error_description");
        assert!(description.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{description}");
    }
}

#[tokio::test]
async fn unsupported_hints_are_ignored() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let auth_request = AuthorizationRequest::site()
        .with("display", "popup")
        .with("ui_locales", "fr xx")
        .with("claims_locales", "fr")
        .with("acr_values", "urn:else urn:other")
        .with("unknown", "x")
        .with("scope", "openid profile nonsense")
        .with("login_hint", "bob");
    let page = browser.authorize(&auth_request).await;
    page.assert_contains("value=\"bob\"");
    assert_eq!(browser.sign_in(&page, ALICE).await.path, "/consent");
}

#[tokio::test]
async fn state_is_returned_unchanged() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    let long = "x".repeat(4_000);
    for state in ["a b&c=d#e%20+/?\"'<>", "状态 ü", "\r\nSet-Cookie: a=b", &long] {
        let back = browser.authorize(&AuthorizationRequest::site().with("state", state)).await;
        assert_eq!(back.redirect_parameter("state"), state);
        assert!(!back.response.headers.contains_key("set-cookie"), "no header can be injected");
    }
}

#[tokio::test]
async fn form_post_response_keeps_parameters_out_of_the_url() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    let page = browser
        .authorize(
            &AuthorizationRequest::site()
                .with("response_mode", "form_post")
                .with("state", "<\"'&>"),
        )
        .await;
    assert_eq!((page.status(), page.redirected_to.is_none()), (200, true));
    let fields = page.hidden_fields();
    let field = |name: &str| {
        fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap()
    };
    assert_eq!(
        (field("state").as_str(), field("iss").as_str()),
        ("<\"'&>", server.issuer().as_str())
    );
    assert!(field("code").starts_with("gpac_"));
    assert!(page.text().contains("action=\"https://site.example/cb?shop=1\""));
    // The policy allows only the script of this page, by its hash.
    let script =
        page.response.text.split("<script>").nth(1).unwrap().split("</script>").next().unwrap();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, script.as_bytes());
    let policy = page.response.header("content-security-policy").to_owned();
    assert!(
        policy.contains(&format!("script-src 'sha256-{}'", BASE64_STANDARD.encode(hash))),
        "{policy}"
    );
    assert!(!policy.contains("form-action"), "{policy}");
    page.assert_contains("<button");
    let error = browser
        .authorize(
            &AuthorizationRequest::site()
                .with("response_mode", "form_post")
                .with("scope", "orders:write"),
        )
        .await;
    error.assert_contains("value=\"invalid_scope\"");
}

#[tokio::test]
async fn authorization_request_by_post_is_accepted() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let page = browser.post("/oauth/authorize", &AuthorizationRequest::site().pairs()).await;
    assert_eq!(browser.sign_in(&page, ALICE).await.path, "/consent");
}

#[tokio::test]
async fn prompt_none_never_shows_a_page() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let silent = AuthorizationRequest::site().with("prompt", "none");
    browser.authorize(&silent).await.assert_client_error("login_required");
    let page = browser.authorize(&AuthorizationRequest::site()).await;
    browser.sign_in(&page, ALICE).await;
    browser.authorize(&silent).await.assert_client_error("consent_required");
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    assert!(!browser.authorize(&silent).await.redirect_parameter("code").is_empty());
}

#[tokio::test]
async fn id_token_hint_requires_the_hinted_user() {
    let server = TestServer::start().await;
    let (alice, bob) = (Browser::new(&server), Browser::new(&server));
    let tokens = alice.tokens(&AuthorizationRequest::site(), ALICE, SITE).await;
    let hint = tokens["id_token"].as_str().unwrap();
    bob.authorization_code(&AuthorizationRequest::site(), BOB).await;
    let auth_request =
        AuthorizationRequest::site().with("prompt", "none").with("id_token_hint", hint);
    server.clock.advance(Duration::from_secs(7_200));
    assert!(
        !alice.authorize(&auth_request).await.redirect_parameter("code").is_empty(),
        "also when the hint has expired"
    );
    bob.authorize(&auth_request).await.assert_client_error("login_required");
    let forged = jwt::with_parts(
        hint,
        &jwt::header(hint),
        &jwt::claims(tokens["access_token"].as_str().unwrap()),
    );
    alice
        .authorize(&auth_request.with("id_token_hint", &forged))
        .await
        .assert_client_error("invalid_request");
}

#[tokio::test]
async fn sign_in_as_another_user_than_the_hinted_one_returns_login_required() {
    let server = TestServer::start().await;
    let tokens = Browser::new(&server).tokens(&AuthorizationRequest::site(), ALICE, SITE).await;
    let hinted =
        AuthorizationRequest::site().with("id_token_hint", tokens["id_token"].as_str().unwrap());
    // By password, with and without an existing session.
    let bob = Browser::new(&server);
    for _ in 0..2 {
        let page = bob.authorize(&hinted).await;
        let back = bob.sign_in(&page, BOB).await;
        back.assert_client_error("login_required");
        assert!(back.redirect_parameter("error_description").contains("id_token_hint"), "{back:?}");
    }
    // By choosing the current account, which the page does not offer.
    let page = bob.authorize(&hinted.clone().with("prompt", "select_account")).await;
    assert!(!page.text().contains("name=\"continue\""), "{}", page.text());
    bob.submit(&page, &[("continue", "yes")]).await.assert_client_error("login_required");
    assert_eq!(bob.open(&format!("/consent?{}", hinted.query())).await.path, "/login");
    // The hinted user can sign in from the same page.
    let page = bob.authorize(&hinted).await;
    assert!(!bob.sign_in(&page, ALICE).await.redirect_parameter("code").is_empty());
}

#[tokio::test]
async fn prompt_login_and_max_age_require_a_new_sign_in() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let first = browser.tokens(&AuthorizationRequest::site(), ALICE, SITE).await;
    server.clock.advance(Duration::from_secs(60));
    let second =
        browser.tokens(&AuthorizationRequest::site().with("prompt", "login"), ALICE, SITE).await;
    let auth_time = |tokens: &serde_json::Value| {
        jwt::claims(tokens["id_token"].as_str().unwrap())["auth_time"].as_i64().unwrap()
    };
    assert_eq!(auth_time(&second) - auth_time(&first), 60);
    server.clock.advance(Duration::from_secs(60));
    assert!(
        browser
            .authorize(&AuthorizationRequest::site().with("max_age", "60"))
            .await
            .redirected_to
            .is_some()
    );
    server.clock.advance(Duration::from_secs(1));
    let old =
        browser.tokens(&AuthorizationRequest::site().with("max_age", "60"), ALICE, SITE).await;
    assert_eq!(auth_time(&old) - auth_time(&second), 61);
    assert_eq!(
        browser.authorize(&AuthorizationRequest::site().with("prompt", "login")).await.path,
        "/login"
    );
    assert_eq!(
        browser.authorize(&AuthorizationRequest::site().with("prompt", "consent")).await.path,
        "/consent"
    );
}

#[tokio::test]
async fn prompt_select_account_offers_the_current_account() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    let auth_request = AuthorizationRequest::site().with("prompt", "select_account");
    let page = browser.authorize(&auth_request).await;
    page.assert_contains("小爱");
    let back = browser.submit(&page, &[("continue", "yes")]).await;
    assert!(!back.redirect_parameter("code").is_empty());
    let page = browser.authorize(&auth_request).await;
    let page = browser.sign_in(&page, BOB).await;
    page.assert_contains("小明");
}

#[tokio::test]
async fn selecting_an_account_satisfies_neither_max_age_nor_prompt_login() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    server.clock.advance(Duration::from_secs(60));
    let aged = AuthorizationRequest::site().with("prompt", "select_account").with("max_age", "10");
    for auth_request in
        [aged.clone(), AuthorizationRequest::site().with("prompt", "login select_account")]
    {
        let page = browser.authorize(&auth_request).await;
        assert!(
            !page.text().contains("name=\"continue\""),
            "a button without effect: {}",
            page.text()
        );
        let still = browser.submit(&page, &[("continue", "yes")]).await;
        assert_eq!(still.path, "/login", "{still:?}");
        let consent = browser.open(&format!("/consent?{}", auth_request.query())).await;
        assert_eq!(consent.path, "/login", "opening the next page directly is not enough");
    }
    let tokens = browser.tokens(&aged, ALICE, SITE).await;
    assert_eq!(
        jwt::claims(tokens["id_token"].as_str().unwrap())["auth_time"],
        crate::test_server::NOON + 60
    );
}

#[tokio::test]
async fn sign_in_for_one_request_does_not_count_for_another() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let auth_request = AuthorizationRequest::site().with("prompt", "login consent");
    let page = browser.authorize(&auth_request).await;
    let consent = browser.sign_in(&page, ALICE).await;
    assert_eq!(consent.path, "/consent");
    // The form of this page, submitted for a request with another nonce.
    let csrf = consent.csrf();
    let other = auth_request.clone().with("nonce", "another");
    let page = browser
        .post(&format!("/consent?{}", other.query()), &[("csrf", &csrf), ("decision", "allow")])
        .await;
    assert_eq!((page.path.as_str(), page.redirected_to.is_none()), ("/login", true));
    assert!(
        !browser.allow(&consent).await.redirect_parameter("code").is_empty(),
        "its own request is answered"
    );
    let page = browser.authorize(&auth_request).await;
    let consent = browser.sign_in(&page, ALICE).await;
    server.clock.advance(Duration::from_secs(601));
    assert_eq!(browser.allow(&consent).await.path, "/login", "a page that lay open too long");
}

#[tokio::test]
async fn changing_the_consent_language_does_not_require_signing_in_again() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    for auth_request in [
        AuthorizationRequest::site().with("prompt", "login consent"),
        AuthorizationRequest::site().with("max_age", "0").with("prompt", "consent"),
    ] {
        // Characters that the language link encodes differently than a client might.
        let auth_request =
            auth_request.with("state", "a b~c*d/e").query().replace('+', "%20").replace("%2F", "/");
        let page = browser.open(&format!("/oauth/authorize?{auth_request}")).await;
        let page = browser.sign_in(&page, ALICE).await;
        assert_eq!(page.path, "/consent");
        let chinese = browser.open(&page.language_link("zh")).await;
        assert_eq!(chinese.path, "/consent");
        chinese.assert_contains("同意授权");
        let back = browser.allow(&chinese).await;
        assert!(!back.redirect_parameter("code").is_empty());
        assert_eq!(back.redirect_parameter("state"), "a b~c*d/e");
    }
}

#[tokio::test]
async fn max_age_zero_requires_a_new_sign_in() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    let auth_request = AuthorizationRequest::site().with("max_age", "0");
    let page = browser.authorize(&auth_request).await;
    assert_eq!(page.path, "/login", "within the second of the sign-in");
    assert!(!browser.sign_in(&page, ALICE).await.redirect_parameter("code").is_empty());
}

#[tokio::test]
async fn first_party_client_skips_consent() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let page = browser.authorize(&AuthorizationRequest::portal()).await;
    assert!(!browser.sign_in(&page, ALICE).await.redirect_parameter("code").is_empty());
    assert_eq!(
        browser.authorize(&AuthorizationRequest::portal().with("prompt", "consent")).await.path,
        "/consent"
    );
}
