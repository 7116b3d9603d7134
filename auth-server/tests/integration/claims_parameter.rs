//! The `claims` parameter (OpenID Connect Core §5.5).

use serde_json::{Value, json};

use crate::{
    browser::{AuthorizationRequest, Browser},
    jwt,
    test_server::{ALICE, BOB, SITE, TestServer},
};

/// Requests claims that no scope of the request carries.
fn asking(claims: &Value) -> AuthorizationRequest {
    AuthorizationRequest::site().with("scope", "openid").with("claims", &claims.to_string())
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap()
}

#[tokio::test]
async fn requested_claims_are_in_the_id_token_and_at_userinfo_after_consent() {
    let server = TestServer::start().await;
    let request = asking(&json!({
        "userinfo": { "email": { "essential": true }, "email_verified": null },
        "id_token": { "nickname": null, "unknown": null },
    }));
    let browser = Browser::new(&server);
    let page = browser.authorize(&request).await;
    let page = browser.sign_in(&page, ALICE).await;
    page.assert_contains("Read these details of your profile: email, email_verified, nickname");
    let code = browser.allow(&page).await.redirect_parameter("code");
    let tokens = server.redeem_code(SITE, &request, &code).await.json();
    let id_token = jwt::claims(text(&tokens, "id_token"));
    assert_eq!((&id_token["nickname"], id_token.get("email")), (&json!("小爱"), None));
    let userinfo = server.userinfo(text(&tokens, "access_token")).await.json();
    let mut names: Vec<&str> = userinfo.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["email", "email_verified", "sub"]);

    // Single claims are no part of the remembered consent.
    assert_eq!(browser.authorize(&request).await.path, "/consent");
    let silent = browser.authorize(&request.clone().with("prompt", "none")).await;
    silent.assert_client_error("consent_required");
    let with_scopes = request.with("scope", "openid profile email");
    let page = browser.authorize(&with_scopes).await;
    assert!(!page.text().contains("details of your profile"), "{page:?}");
}

#[tokio::test]
async fn refresh_keeps_the_requested_claims() {
    let server = TestServer::start().await;
    let claims = json!({ "userinfo": { "email": null }, "id_token": { "name": null } });
    let request = asking(&claims).with("scope", "openid offline_access").with("prompt", "consent");
    let tokens = Browser::new(&server).tokens(&request, ALICE, SITE).await;
    let again = server.refresh(SITE, text(&tokens, "refresh_token"), &[]).await.json();
    assert_eq!(jwt::claims(text(&again, "id_token"))["name"], "Alice Liddell");
    let userinfo = server.userinfo(text(&again, "access_token")).await.json();
    assert_eq!((&userinfo["email"], userinfo.get("name")), (&json!("alice@example.com"), None));
}

#[tokio::test]
async fn pushed_request_carries_claims() {
    let server = TestServer::start().await;
    let push = async |claims: &str| {
        let request = AuthorizationRequest::site().with("scope", "openid").with("claims", claims);
        let form = [&request.pairs()[..], &[("client_secret", SITE.1)]].concat();
        server.post_form("/oauth/par", &form).await
    };
    push("{").await.assert_error(400, "invalid_request", "claims");
    let claims = json!({ "id_token": { "nickname": null }, "userinfo": { "email": null } });
    let pushed = push(&claims.to_string()).await;
    assert_eq!(pushed.status, 201, "{pushed:?}");
    let pushed = pushed.json();
    let browser = Browser::new(&server);
    let path =
        format!("/oauth/authorize?client_id=site&request_uri={}", text(&pushed, "request_uri"));
    let page = browser.open(&path).await;
    let page = browser.sign_in(&page, ALICE).await;
    page.assert_contains("Read these details of your profile: email, nickname");
    let code = browser.allow(&page).await.redirect_parameter("code");
    let tokens = server.redeem_code(SITE, &AuthorizationRequest::site(), &code).await.json();
    let id_token = jwt::claims(text(&tokens, "id_token"));
    assert_eq!((&id_token["nickname"], id_token.get("email")), (&json!("小爱"), None));
    let userinfo = server.userinfo(text(&tokens, "access_token")).await.json();
    assert_eq!((&userinfo["email"], userinfo.get("nickname")), (&json!("alice@example.com"), None));
}

#[tokio::test]
async fn requested_subject_has_to_sign_in() {
    let server = TestServer::start().await;
    let (alice, bob) = (Browser::new(&server), Browser::new(&server));
    let tokens = alice.tokens(&AuthorizationRequest::site(), ALICE, SITE).await;
    let sub = jwt::claims(text(&tokens, "id_token"))["sub"].clone();
    bob.authorization_code(&AuthorizationRequest::site(), BOB).await;
    let claims = json!({ "id_token": { "sub": { "value": sub } } }).to_string();
    let request = AuthorizationRequest::site().with("claims", &claims);
    let silent = request.clone().with("prompt", "none");
    assert!(!alice.authorize(&silent).await.redirect_parameter("code").is_empty());
    bob.authorize(&silent).await.assert_client_error("login_required");
    let page = bob.authorize(&request).await;
    assert_eq!(page.path, "/login");
    let back = bob.sign_in(&page, BOB).await;
    back.assert_client_error("login_required");
    assert!(back.redirect_parameter("error_description").contains("claims"), "{back:?}");
}

#[tokio::test]
async fn malformed_claims_and_unmet_essential_acr_are_rejected() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let with = |claims: &str| AuthorizationRequest::site().with("claims", claims);
    for claims in ["{", "[]", r#"{"id_token":{"name":1}}"#] {
        browser.authorize(&with(claims)).await.assert_client_error("invalid_request");
    }
    let acr = |acr: Value| with(&json!({ "id_token": { "acr": acr } }).to_string());
    let gold = json!({ "essential": true, "values": ["urn:gold"] });
    browser.authorize(&acr(gold)).await.assert_client_error("access_denied");
    for met in [
        json!({ "essential": true, "values": ["urn:gold", "urn:gatepass:acr:password"] }),
        json!({ "values": ["urn:gold"] }),
        json!({ "essential": true }),
    ] {
        assert_eq!(browser.authorize(&acr(met)).await.path, "/login");
    }
}
