//! Authorization codes: single use, bound to client, redirect URI and verifier.

use std::time::Duration;

use futures_util::future::join_all;

use crate::{
    browser::{AuthorizationRequest, Browser, VERIFIER, s256},
    jwt,
    test_server::{ALICE, FORUM, ORDERS, ORDERS_API, SITE, STOCK, STOCK_API, TestServer},
};

fn offline() -> AuthorizationRequest {
    AuthorizationRequest::site().with("scope", "openid offline_access orders:read")
}

#[tokio::test]
async fn reused_code_revokes_every_token_of_its_grant() {
    let server = TestServer::start().await;
    let auth_request = offline();
    let code = Browser::new(&server).authorization_code(&auth_request, ALICE).await;
    let tokens = server.redeem_code(SITE, &auth_request, &code).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    assert!(server.is_active(ORDERS, access).await);
    for _ in 0..2 {
        server.redeem_code(SITE, &auth_request, &code).await.assert_error(
            400,
            "invalid_grant",
            "used before",
        );
    }
    assert!(!server.is_active(ORDERS, access).await);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    server.refresh(SITE, refresh, &[]).await.assert_error(400, "invalid_grant", "revoked");
}

#[tokio::test]
async fn concurrent_redemptions_issue_tokens_once_and_revoke_the_grant() {
    let server = TestServer::start().await;
    let auth_request = offline();
    let code = Browser::new(&server).authorization_code(&auth_request, ALICE).await;
    let responses = join_all((0..64).map(|_| server.redeem_code(SITE, &auth_request, &code))).await;
    let won: Vec<_> = responses.iter().filter(|response| response.status == 200).collect();
    assert_eq!(won.len(), 1);
    assert!(
        responses
            .iter()
            .all(|response| response.status == 200 || response.error().0 == "invalid_grant")
    );
    assert!(!server.is_active(ORDERS, won[0].json()["access_token"].as_str().unwrap()).await);
}

#[tokio::test]
async fn another_client_cannot_redeem_probe_or_consume_a_code() {
    let server = TestServer::start().await;
    let auth_request = AuthorizationRequest::site();
    let code = Browser::new(&server).authorization_code(&auth_request, ALICE).await;
    let stolen = server.redeem_code(FORUM, &auth_request, &code).await;
    let made_up = server.redeem_code(FORUM, &auth_request, "gpac_made-up").await;
    assert_eq!(stolen.text, made_up.text);
    stolen.assert_error(400, "invalid_grant", "is unknown");
    assert_eq!(server.redeem_code(SITE, &auth_request, &code).await.status, 200);
}

#[tokio::test]
async fn code_expires_after_one_minute() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let code = browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    server.clock.advance(Duration::from_secs(60));
    server.redeem_code(SITE, &AuthorizationRequest::site(), &code).await.assert_error(
        400,
        "invalid_grant",
        "expired",
    );
}

#[tokio::test]
async fn code_with_wrong_verifier_or_redirect_uri_revokes_the_grant() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let redirect_uri = ("redirect_uri", "https://site.example/cb?shop=1");
    let other_verifier = "another-verifier-of-43-characters-at-least-00";
    for fields in [
        vec![redirect_uri],
        vec![redirect_uri, ("code_verifier", other_verifier)],
        vec![("code_verifier", VERIFIER)],
        vec![("redirect_uri", "https://site.example/cb"), ("code_verifier", VERIFIER)],
    ] {
        let code = browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
        let fields = [&[("code", code.as_str())], &fields[..]].concat();
        assert_eq!(server.redeem_code_with(SITE, &fields).await.error().0, "invalid_grant");
        server.redeem_code(SITE, &AuthorizationRequest::site(), &code).await.assert_error(
            400,
            "invalid_grant",
            "revoked",
        );
    }
    let plain =
        AuthorizationRequest::site().without("code_challenge").without("code_challenge_method");
    let code = browser.authorization_code(&plain, ALICE).await;
    server.redeem_code(SITE, &plain, &code).await.assert_error(
        400,
        "invalid_grant",
        "no code_challenge",
    );
    let code = browser.authorization_code(&plain, ALICE).await;
    assert_eq!(
        server.redeem_code_with(SITE, &[("code", &code), redirect_uri]).await.status,
        200,
        "PKCE is optional for a client with a secret"
    );
}

#[tokio::test]
async fn public_client_redeems_a_code_without_a_secret() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let code = browser.authorization_code(&AuthorizationRequest::app(), ALICE).await;
    assert_eq!(
        server.redeem_code(("app", ""), &AuthorizationRequest::app(), &code).await.status,
        200
    );
    let code = browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    server.redeem_code(("site", ""), &AuthorizationRequest::site(), &code).await.assert_error(
        401,
        "invalid_client",
        "client_secret is missing",
    );
    server.token_request("client_credentials", ("app", ""), &[]).await.assert_error(
        400,
        "unauthorized_client",
        "public client",
    );
    server.redeem_code(("app", "guess"), &AuthorizationRequest::app(), "x").await.assert_error(
        401,
        "invalid_client",
        "wrong",
    );
}

#[tokio::test]
async fn token_for_one_resource_is_rejected_elsewhere() {
    let server = TestServer::start().await;
    let auth_request = AuthorizationRequest::site()
        .with("scope", "openid profile orders:read stock:read")
        .repeated("resource", STOCK_API)
        .repeated("resource", ORDERS_API);
    let browser = Browser::new(&server);
    let code = browser.authorization_code(&auth_request, ALICE).await;
    let fields = [
        ("code", code.as_str()),
        ("redirect_uri", auth_request.get("redirect_uri")),
        ("code_verifier", VERIFIER),
        ("resource", ORDERS_API),
    ];
    let narrow = server.redeem_code_with(SITE, &fields).await.json();
    let access = narrow["access_token"].as_str().unwrap();
    assert_eq!(
        (jwt::claims(access)["aud"].as_str(), narrow["scope"].as_str()),
        (Some(ORDERS_API), Some("orders:read"))
    );
    assert_eq!(server.userinfo(access).await.status, 401);
    assert!(server.is_active(ORDERS, access).await && !server.is_active(STOCK, access).await);
}

#[tokio::test]
async fn id_token_has_exactly_the_expected_claims() {
    let server = TestServer::start().await;
    for (auth_request, client, algorithm) in [
        (AuthorizationRequest::site(), SITE, jsonwebtoken::Algorithm::RS256),
        (AuthorizationRequest::forum(), FORUM, jsonwebtoken::Algorithm::ES256),
    ] {
        let tokens = Browser::new(&server).tokens(&auth_request, ALICE, client).await;
        let id_token = tokens["id_token"].as_str().unwrap();
        assert!(jwt::is_signed_by(
            id_token,
            &server.get_json("/.well-known/jwks.json").await,
            algorithm
        ));
        let access = tokens["access_token"].as_str().unwrap();
        let claims = jwt::claims(id_token);
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, access.as_bytes());
        let at_hash =
            base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, &hash.as_ref()[..16]);
        let expected = serde_json::json!({
            "iss": server.issuer(), "sub": jwt::claims(access)["sub"], "aud": client.0, "nonce": "the-nonce",
            "iat": server.clock.seconds(), "exp": server.clock.seconds() + 3_600, "auth_time": server.clock.seconds(),
            "acr": "urn:gatepass:acr:password", "amr": ["pwd"], "at_hash": at_hash, "sid": claims["sid"],
        });
        assert_eq!(claims, expected);
        assert!(claims["sid"].as_str().unwrap().len() > 10);
        assert_eq!(jwt::header(id_token)["typ"], "JWT", "so that it is not an access token");
        assert_eq!(server.userinfo(id_token).await.status, 401);
        assert!(!server.is_active(ORDERS, id_token).await);
    }
}

#[tokio::test]
async fn code_verifier_of_the_wrong_length_is_rejected_and_consumes_the_code() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    for verifier in ["a".repeat(42), "a".repeat(129), "\u{e4}".repeat(43), "a b".repeat(20)] {
        let auth_request = AuthorizationRequest::site().with("code_challenge", &s256(&verifier));
        let code = browser.authorization_code(&auth_request, ALICE).await;
        let uri = ("redirect_uri", auth_request.get("redirect_uri"));
        let fields = [("code", code.as_str()), uri, ("code_verifier", verifier.as_str())];
        for expected in ["43 to 128", ""] {
            server.redeem_code_with(SITE, &fields).await.assert_error(
                400,
                "invalid_grant",
                expected,
            );
        }
    }
    for verifier in ["a".repeat(43), "~".repeat(128)] {
        let auth_request = AuthorizationRequest::site().with("code_challenge", &s256(&verifier));
        let code = browser.authorization_code(&auth_request, ALICE).await;
        let uri = ("redirect_uri", auth_request.get("redirect_uri"));
        let fields = [("code", code.as_str()), uri, ("code_verifier", verifier.as_str())];
        assert_eq!(server.redeem_code_with(SITE, &fields).await.status, 200);
    }
}

#[tokio::test]
async fn client_with_require_pkce_cannot_omit_it() {
    let server = TestServer::start().await;
    let without =
        AuthorizationRequest::site().without("code_challenge").without("code_challenge_method");
    let browser = Browser::new(&server);
    // The default of a confidential client in the clients file.
    assert_eq!(browser.authorize(&without).await.path, "/login");
    server
        .change_clients_file(|clients| {
            let name = "client_name = \"The Site\"";
            clients.replace(name, &format!("{name}\nrequire_pkce = true"))
        })
        .await;
    browser.authorize(&without).await.assert_client_error("invalid_request");
    assert_eq!(browser.authorize(&AuthorizationRequest::site()).await.path, "/login");
}
