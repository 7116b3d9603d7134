//! Consent: granting, remembering and withdrawing it.

use crate::{
    browser::{AuthorizationRequest, Browser},
    test_server::{ALICE, BOB, ORDERS, PORTAL, SITE, TestServer},
};

#[tokio::test]
async fn denied_consent_returns_access_denied() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let page = browser.authorize(&AuthorizationRequest::site()).await;
    let page = browser.sign_in(&page, ALICE).await;
    browser.submit(&page, &[("decision", "deny")]).await.assert_client_error("access_denied");
    assert_eq!(
        browser.authorize(&AuthorizationRequest::site()).await.path,
        "/consent",
        "a denial is not stored"
    );
}

#[tokio::test]
async fn additional_scopes_require_new_consent_and_fewer_do_not() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    let more = AuthorizationRequest::site().with("scope", "openid profile email");
    let page = browser.authorize(&more).await;
    assert_eq!(page.path, "/consent");
    page.assert_contains("e-mail");
    browser.allow(&page).await;
    for known in ["openid", "openid email", "openid profile email"] {
        assert!(
            browser
                .authorize(&AuthorizationRequest::site().with("scope", known))
                .await
                .redirected_to
                .is_some(),
            "{known}"
        );
    }
    assert_eq!(
        browser.authorize(&AuthorizationRequest::site().with("scope", "openid phone")).await.path,
        "/consent"
    );
}

#[tokio::test]
async fn pages_dir_can_describe_custom_scopes() {
    let description = [("en", "See what you ordered"), ("zh", "查看你的订单")];
    let folder = tempfile::tempdir().unwrap();
    for (language, description) in description {
        let text = format!("scope.\"orders:read\" = \"{description}\"\n");
        std::fs::write(folder.path().join(format!("{language}.toml")), text).unwrap();
    }
    let server =
        TestServer::start_with(|settings| settings.pages_dir = Some(folder.path().to_owned()))
            .await;
    let browser = Browser::new(&server);
    let page =
        browser.authorize(&AuthorizationRequest::site().with("scope", "openid orders:read")).await;
    let page = browser.sign_in(&page, ALICE).await;
    for (language, description) in description {
        let page = browser.open(&page.language_link(language)).await;
        assert_eq!(page.path, "/consent");
        page.assert_contains(description);
        assert!(!page.text().contains("orders:read”"), "{}", page.text());
    }
}

#[tokio::test]
async fn consent_applies_to_one_user_and_one_client() {
    let server = TestServer::start().await;
    Browser::new(&server).authorization_code(&AuthorizationRequest::site(), ALICE).await;
    let bob = Browser::new(&server);
    let page = bob.authorize(&AuthorizationRequest::site()).await;
    assert_eq!(bob.sign_in(&page, BOB).await.path, "/consent");
    let alice = Browser::new(&server);
    let page = alice.authorize(&AuthorizationRequest::forum()).await;
    assert_eq!(alice.sign_in(&page, ALICE).await.path, "/consent");
}

#[tokio::test]
async fn first_party_grants_can_be_withdrawn() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let auth_request = AuthorizationRequest::portal().with("scope", "openid offline_access");
    let tokens = browser.tokens(&auth_request, ALICE, PORTAL).await;
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let page = browser.open("/account").await;
    page.assert_contains("value=\"portal\"");
    let csrf = page.csrf();
    let page = browser
        .post("/account/withdraw-consent", &[("csrf", &csrf), ("client_id", "portal")])
        .await;
    assert!(!page.text().contains("value=\"portal\""), "{}", page.text());
    server.refresh(PORTAL, refresh_token, &[]).await.assert_error(400, "invalid_grant", "revoked");
}

#[tokio::test]
async fn withdrawing_consent_revokes_tokens_immediately() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let auth_request =
        AuthorizationRequest::site().with("scope", "openid offline_access orders:read");
    let tokens = browser.tokens(&auth_request, ALICE, SITE).await;
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    assert!(server.is_active(ORDERS, &text("access_token")).await);
    let page = browser.open("/account").await;
    page.assert_contains("The Site");
    let csrf = page.csrf();
    let page =
        browser.post("/account/withdraw-consent", &[("csrf", &csrf), ("client_id", "site")]).await;
    assert_eq!((page.path.as_str(), page.status()), ("/account", 200));
    assert!(!server.is_active(ORDERS, &text("access_token")).await);
    assert_eq!(server.userinfo(&text("access_token")).await.status, 401);
    server.refresh(SITE, &text("refresh_token"), &[]).await.assert_error(
        400,
        "invalid_grant",
        "revoked",
    );
    assert_eq!(
        browser.authorize(&auth_request).await.path,
        "/consent",
        "consent is required again"
    );
}

#[tokio::test]
async fn users_can_end_only_their_own_sessions() {
    let server = TestServer::start().await;
    let (here, there, bob) = (Browser::new(&server), Browser::new(&server), Browser::new(&server));
    for browser in [&here, &there] {
        browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    }
    bob.authorization_code(&AuthorizationRequest::site(), BOB).await;
    let session_ids = |text: &str| -> Vec<String> {
        let parts = text.split("name=\"session\" value=\"").skip(1);
        parts.map(|part| part.split('"').next().unwrap().to_owned()).collect()
    };
    let page = here.open("/account").await;
    let csrf = page.csrf();
    let bobs_page = bob.open("/account").await;
    let bobs_csrf = bobs_page.csrf();
    let [other] = &session_ids(&page.text())[..] else { panic!("{page:?}") };
    bob.post("/account/end-session", &[("csrf", &bobs_csrf), ("session", other)]).await;
    assert!(
        there.authorize(&AuthorizationRequest::site()).await.redirected_to.is_some(),
        "it is not bob's to end"
    );
    here.post("/account/end-session", &[("csrf", &csrf), ("session", other)]).await;
    assert_eq!(there.authorize(&AuthorizationRequest::site()).await.path, "/login");
    assert!(here.authorize(&AuthorizationRequest::site()).await.redirected_to.is_some());
    there.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    here.post("/account/sign-out-everywhere", &[("csrf", &csrf)]).await;
    for browser in [&here, &there] {
        assert_eq!(browser.authorize(&AuthorizationRequest::site()).await.path, "/login");
    }
}
