//! Flows of dynamically registered clients.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::send,
    jwt,
    registration::{
        enable_registration, records, register_client, start_with_registration, text,
        website_metadata,
    },
    test_server::{ALICE, BOB, SHOP, TestServer},
};

pub const CB: &str = "https://shop.example/cb";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub fn credentials(registration: &Value) -> (&str, &str) {
    (text(registration, "client_id"), registration["client_secret"].as_str().unwrap_or_default())
}

pub fn auth_request(registration: &Value, scope: &str) -> AuthorizationRequest {
    AuthorizationRequest::new(text(registration, "client_id"), CB, scope)
}

/// Starts a server that fetches client URLs from this machine's mock servers.
pub async fn start_with_private_urls() -> TestServer {
    TestServer::start_with(|settings| {
        enable_registration(settings);
        settings.registration.allow_private_urls = true;
    })
    .await
}

pub async fn serving(at: &str, body: Value) -> MockServer {
    let client_site = MockServer::start().await;
    Mock::given(path(at))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .mount(&client_site)
        .await;
    client_site
}

#[tokio::test]
async fn registered_website_can_log_users_in() {
    let server = start_with_registration().await;
    let registration = register_client(
        &server,
        website_metadata(json!({
            "grant_types": ["authorization_code", "refresh_token"], "id_token_signed_response_alg": "ES256",
            "userinfo_signed_response_alg": "EdDSA",
        })),
    )
    .await;
    let auth_request = auth_request(&registration, "openid email offline_access");
    // A confidential client may do without PKCE.
    let without_pkce =
        auth_request.clone().without("code_challenge").without("code_challenge_method");
    assert_eq!(Browser::new(&server).authorize(&without_pkce).await.path, "/login");
    let tokens =
        Browser::new(&server).tokens(&auth_request, ALICE, credentials(&registration)).await;
    let jwks = server.get_json("/.well-known/jwks.json").await;
    assert!(jwt::is_signed_by(text(&tokens, "id_token"), &jwks, Algorithm::ES256));
    assert_eq!(jwt::claims(text(&tokens, "id_token"))["aud"], text(&registration, "client_id"));
    let info = server.userinfo(text(&tokens, "access_token")).await;
    assert_eq!(info.header("content-type"), "application/jwt");
    assert!(jwt::is_signed_by(
        &info.text,
        &server.get_json("/.well-known/jwks.json").await,
        Algorithm::EdDSA
    ));
    assert!(jwt::claims(&info.text)["email"].is_string());
    let next =
        server.refresh(credentials(&registration), text(&tokens, "refresh_token"), &[]).await;
    assert_eq!(next.status, 200, "{next:?}");
}

#[tokio::test]
async fn registered_native_app_can_log_users_in_without_a_secret() {
    let server = start_with_registration().await;
    let app = json!({
        "redirect_uris": ["http://127.0.0.1/cb", "com.example.shop:/cb"], "application_type": "native",
        "token_endpoint_auth_method": "none",
    });
    let registration = register_client(&server, app).await;
    for uri in ["http://127.0.0.1:51004/cb", "com.example.shop:/cb"] {
        let auth_request =
            AuthorizationRequest::new(text(&registration, "client_id"), uri, "openid");
        let browser = Browser::new(&server);
        browser
            .authorize(
                &auth_request.clone().without("code_challenge").without("code_challenge_method"),
            )
            .await
            .assert_error_with_link("invalid_request", uri);
        let tokens = browser.tokens(&auth_request, ALICE, credentials(&registration)).await;
        assert_eq!(server.userinfo(text(&tokens, "access_token")).await.status, 200, "{uri}");
        assert!(
            tokens.get("refresh_token").is_none(),
            "the client has not registered refresh_token"
        );
    }
}

#[tokio::test]
async fn consent_page_marks_self_registered_clients() {
    let server = start_with_registration().await;
    let registration = register_client(
        &server,
        website_metadata(json!({
            "client_name": "<b>Shop</b>", "client_name#zh": "商店", "client_uri": "https://shop.example/",
            "logo_uri": "https://shop.example/logo.png", "policy_uri": "https://shop.example/privacy",
            "tos_uri": "https://shop.example/terms",
        })),
    )
    .await;
    let browser = Browser::new(&server);
    let page = browser.authorize(&auth_request(&registration, "openid")).await;
    let page = browser.sign_in(&page, ALICE).await;
    assert_eq!(page.path, "/consent");
    for expected in ["<b>Shop</b>", "https://shop.example/", "registered itself"] {
        page.assert_contains(expected);
    }
    for part in [
        "src=\"https:&#x2f;&#x2f;shop.example&#x2f;logo.png\"",
        "referrerpolicy=\"no-referrer\"",
        "id=\"self-registered\"",
    ] {
        assert!(page.response.text.contains(part), "{part}: {}", page.response.text);
    }
    for link in ["privacy", "terms"] {
        assert!(page.text().contains(&format!("href=\"https://shop.example/{link}\"")), "{link}");
    }
    assert!(!page.response.text.contains("<b>Shop"));
    assert!(
        page.response.header("content-security-policy").contains("img-src 'self' https: data:")
    );
    let mut chinese = Browser::new(&server);
    chinese.language = "zh";
    let page = chinese.authorize(&auth_request(&registration, "openid")).await;
    chinese.sign_in(&page, BOB).await.assert_contains("“商店”是自行注册的应用");
    // Clients from the clients file have no such notice.
    let page = Browser::new(&server).authorize(&AuthorizationRequest::site()).await;
    assert!(
        !Browser::new(&server)
            .sign_in(&page, ALICE)
            .await
            .response
            .text
            .contains("self-registered")
    );
}

#[tokio::test]
async fn only_the_registered_auth_method_is_accepted() {
    let server = start_with_registration().await;
    let post = |path: &str, fields: &[(&str, &str)]| server.post(path).form(fields);
    for (metadata, own) in [
        (json!({ "token_endpoint_auth_method": "client_secret_basic" }), "client_secret_basic"),
        (json!({ "token_endpoint_auth_method": "client_secret_post" }), "client_secret_post"),
        // RFC 7591 §2: the default.
        (json!({ "token_endpoint_auth_method": null }), "client_secret_basic"),
    ] {
        let registration = register_client(&server, website_metadata(metadata)).await;
        assert_eq!(registration["token_endpoint_auth_method"], own);
        let (id, secret) = credentials(&registration);
        for path in [
            "/oauth/token",
            "/oauth/par",
            "/oauth/introspect",
            "/oauth/revoke",
            "/oauth/device_authorization",
        ] {
            for secret in [secret, "guess"] {
                let by_basic = send(post(path, &[]).basic_auth(id, Some(secret))).await;
                let by_post =
                    send(post(path, &[("client_id", id), ("client_secret", secret)])).await;
                let (taken, other) = match own {
                    "client_secret_basic" => (by_basic, by_post),
                    _ => (by_post, by_basic),
                };
                if secret == "guess" {
                    // Without the secret, the response reveals nothing about the client.
                    taken.assert_error(401, "invalid_client", "is unknown or its secret is wrong");
                    other.assert_error(401, "invalid_client", "is unknown or its secret is wrong");
                } else {
                    // Authenticated, so that the missing parameters are the error.
                    assert_eq!(taken.status, 400, "{path}: {taken:?}");
                    other.assert_error(401, "invalid_client", own);
                    assert!(other.header("www-authenticate").starts_with("Basic "), "{other:?}");
                }
            }
            server.clock.advance(std::time::Duration::from_secs(60));
        }
    }
    let rejected = (String::from("token"), String::from("rejected"));
    let records = records(&server).await;
    let named = |(event, outcome, client, error): &(String, String, String, Option<String>)| {
        (event.clone(), outcome.clone()) == rejected
            && client.starts_with("gpci_")
            && error.as_deref() == Some("invalid_client")
    };
    assert!(records.iter().any(named), "{records:?}");
    // A client from the clients file without a registered method can use both.
    let (id, secret) = SHOP;
    let grant = ("grant_type", "client_credentials");
    for request in [
        post("/oauth/token", &[grant]).basic_auth(id, Some(secret)),
        post("/oauth/token", &[grant, ("client_id", id), ("client_secret", secret)]),
    ] {
        assert_eq!(send(request).await.status, 200);
    }
}

#[tokio::test]
async fn only_registered_grant_types_are_accepted() {
    let server = start_with_registration().await;
    let website_ = register_client(&server, website_metadata(json!({}))).await;
    let fields = [
        ("client_id", credentials(&website_).0),
        ("client_secret", credentials(&website_).1),
        ("scope", "openid"),
    ];
    server.post_form("/oauth/device_authorization", &fields).await.assert_error(
        400,
        "unauthorized_client",
        "device grant",
    );
    server
        .token_request(DEVICE, credentials(&website_), &[("device_code", "x")])
        .await
        .assert_error(400, "unauthorized_client", "registered");
    server.token_request("password", credentials(&website_), &[]).await.assert_error(
        400,
        "unsupported_grant_type",
        "not supported",
    );
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    server.token_request(exchange, credentials(&website_), &[]).await.assert_error(
        400,
        "unauthorized_client",
        "registered",
    );
    let device = json!({ "grant_types": [DEVICE], "redirect_uris": [CB], "token_endpoint_auth_method": "none" });
    let device = register_client(&server, device).await;
    let fields = [("client_id", credentials(&device).0), ("scope", "openid")];
    assert_eq!(server.post_form("/oauth/device_authorization", &fields).await.status, 200);
    Browser::new(&server)
        .authorize(&auth_request(&device, "openid"))
        .await
        .assert_error_with_link("unauthorized_client", CB);
    Browser::new(&server)
        .authorize(&auth_request(&website_, "orders:read"))
        .await
        .assert_error_with_link("invalid_scope", CB);
}
