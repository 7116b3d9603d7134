use auth_server::{AuthServerSettings, domain::Algorithm};
use base64::{Engine, prelude::BASE64_STANDARD};
use jsonwebtoken::{Algorithm as Jws, DecodingKey};
use oauth_types::{ClientSecret, basic};
use serde_json::{Value, json};
use service_kit::SecretSetting;

use crate::{
    client::send,
    jwt,
    test_server::{NOON, ODD, OPAQUE_SHOP, ORDERS_API, SHOP, TestServer, VAULT_API},
};

fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn client_credentials_grant_returns_an_access_token() {
    let server = TestServer::start_with(|settings| settings.clients_file = None).await;
    let response = server
        .post_raw_form("/oauth/token", "grant_type=client_credentials\r\n&client_id=service-a")
        .await;
    assert_eq!(response.status, 401, "a line end is part of the value: {response:?}");

    let body = "grant_type=client_credentials&client_id=service-a&client_secret=abc123";
    let response = server.post_raw_form("/oauth/token", body).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), "application/json");
    assert_eq!(
        (response.header("cache-control"), response.header("pragma")),
        ("no-store", "no-cache")
    );
    let body = response.json();
    assert_eq!(members(&body), ["access_token", "expires_in", "scope", "token_type"]);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 1_800);
    assert_eq!(body["scope"], "resource:read resource:write");
    assert_eq!(jwt::claims(body["access_token"].as_str().unwrap())["client_id"], "service-a");
}

#[tokio::test]
async fn basic_credentials_are_form_encoded() {
    let server = TestServer::start().await;
    let form = [("grant_type", "client_credentials")];
    let ask = async |authorization: String| {
        send(server.post("/oauth/token").header("authorization", authorization).form(&form))
            .await
            .status
    };
    assert_eq!(ask(basic::format(ODD.0, &ClientSecret::new(ODD.1))).await, 200);
    assert_eq!(
        ask(basic::format(SHOP.0, &ClientSecret::new(SHOP.1)).replace("Basic", "bASIC")).await,
        200
    );
    let bare = BASE64_STANDARD.encode(format!("{}:{}", ODD.0, ODD.1));
    assert_eq!(ask(format!("Basic {bare}")).await, 401);
    assert_eq!(server.client_credentials(ODD, &[]).await.status, 200);
}

#[tokio::test]
async fn requested_scope_is_granted() {
    let server = TestServer::start().await;
    let response = server
        .client_credentials(SHOP, &[("scope", "orders:write orders:read orders:write")])
        .await
        .json();
    assert_eq!(response["scope"], "orders:write orders:read");
    let claims = jwt::claims(response["access_token"].as_str().unwrap());
    assert_eq!(claims["scope"], "orders:write orders:read");
    assert_eq!(claims["aud"], ORDERS_API);
}

#[tokio::test]
async fn access_token_has_exactly_the_claims_of_rfc_9068() {
    let server =
        TestServer::start_with(|settings| settings.tokens.access_token_ttl_seconds = 600).await;
    let ask = [("resource", ORDERS_API), ("scope", "orders:read")];
    let (one, other) =
        (server.access_token(SHOP, &ask).await, server.access_token(SHOP, &ask).await);
    let mut claims = jwt::claims(&one);
    let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert_eq!(jti.as_str().unwrap().len(), 36);
    assert_ne!(jti, jwt::claims(&other)["jti"]);
    let expected = json!({
        "iss": server.issuer(), "sub": "shop", "client_id": "shop", "aud": ORDERS_API, "scope": "orders:read",
        "iat": NOON, "exp": NOON + 600,
    });
    assert_eq!(claims, expected);
}

#[tokio::test]
async fn every_asymmetric_algorithm_signs_with_a_published_key() {
    for (setting, jws, kty) in [
        (Algorithm::ES256, Jws::ES256, "EC"),
        (Algorithm::EdDSA, Jws::EdDSA, "OKP"),
        (Algorithm::RS256, Jws::RS256, "RSA"),
    ] {
        let server = TestServer::start_with(|settings| settings.keys.algorithm = setting).await;
        let token = server.access_token(SHOP, &[("resource", ORDERS_API)]).await;
        let jwks = server.get_json("/.well-known/jwks.json").await;
        let header = json!({ "typ": "at+jwt", "alg": setting.as_str(), "kid": jwt::kid(&token) });
        assert_eq!(jwt::header(&token), header);
        assert!(jwt::is_signed_by(&token, &jwks, jws), "{setting:?}");
        // RSA keys for ID tokens may have been added.
        let ours = |key: &&Value| key["alg"] == setting.as_str();
        let published: Vec<_> = jwks["keys"].as_array().unwrap().iter().filter(ours).collect();
        assert!(published.len() == 2 && published.iter().all(|key| key["kty"] == kty), "{jwks}");
    }
}

#[tokio::test]
async fn hs256_uses_the_shared_secret_and_publishes_no_key() {
    const SHARED: &str = "a secret of C and B, 32 bytes long";
    let learning = |settings: &mut AuthServerSettings| {
        settings.keys.algorithm = Algorithm::HS256;
        settings.keys.hs256_secret = Some(SecretSetting::new(SHARED));
    };
    let server = TestServer::start_with(learning).await;
    let token = server.access_token(SHOP, &[("resource", ORDERS_API)]).await;
    assert_eq!(jwt::header(&token), json!({ "typ": "at+jwt", "alg": "HS256", "kid": "hs256" }));
    assert!(jwt::is_signed_with(&token, &DecodingKey::from_secret(SHARED.as_bytes()), Jws::HS256));
    assert!(server.is_active(crate::test_server::ORDERS, &token).await);
    let jwks = server.get_json("/.well-known/jwks.json").await;
    let kinds: Vec<&Value> =
        jwks["keys"].as_array().unwrap().iter().map(|key| &key["kty"]).collect();
    assert!(!kinds.contains(&&json!("oct")), "{jwks}");
    assert!(!jwks.to_string().contains("hs256"), "{jwks}");
}

#[tokio::test]
async fn clients_and_resources_can_select_opaque_tokens() {
    let server = TestServer::start().await;
    for token in [
        server.access_token(OPAQUE_SHOP, &[]).await,
        server.access_token(SHOP, &[("resource", VAULT_API)]).await,
    ] {
        assert!(token.starts_with("gpat_") && !token.contains('.') && token.len() == 48, "{token}");
    }
    assert!(server.access_token(SHOP, &[("resource", ORDERS_API)]).await.starts_with("eyJ"));
}
