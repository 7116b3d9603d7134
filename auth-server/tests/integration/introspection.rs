use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;

use crate::{
    jwt,
    test_server::{
        NOON, OPAQUE_SHOP, ORDERS, ORDERS_API, SHOP, STOCK, STOCK_API, TestServer, VAULT_API,
    },
};

const FOR_ORDERS: [(&str, &str); 2] = [("resource", ORDERS_API), ("scope", "orders:read")];

#[tokio::test]
async fn introspection_returns_every_claim_to_the_resource_server() {
    let server = TestServer::start().await;
    let token = server.access_token(SHOP, &FOR_ORDERS).await;
    let expected = json!({
        "active": true, "scope": "orders:read", "client_id": "shop", "token_type": "Bearer", "exp": NOON + 1_800,
        "iat": NOON, "sub": "shop", "aud": ORDERS_API, "iss": server.issuer(), "jti": jwt::jti(&token),
    });
    assert_eq!(server.introspect(ORDERS, &token).await, expected);
}

#[tokio::test]
async fn opaque_token_introspects_like_a_jwt() {
    let server = TestServer::start().await;
    let response = server.introspect(ORDERS, &server.access_token(OPAQUE_SHOP, &[]).await).await;
    assert_eq!(
        (&response["active"], &response["client_id"]),
        (&json!(true), &json!("opaque-shop"))
    );
    assert_eq!((&response["aud"], &response["exp"]), (&json!(ORDERS_API), &json!(NOON + 1_800)));
    assert!(
        server
            .is_active(ORDERS, &server.access_token(SHOP, &[("resource", VAULT_API)]).await)
            .await
    );
}

#[tokio::test]
async fn introspection_response_is_not_cacheable() {
    let server = TestServer::start().await;
    let fields = [
        ("client_id", ORDERS.0),
        ("client_secret", ORDERS.1),
        ("token", "x"),
        ("token_type_hint", "what"),
    ];
    let response = server.post_form("/oauth/introspect", &fields).await;
    assert_eq!(response.text, r#"{"active":false}"#);
    assert_eq!(
        (response.header("cache-control"), response.header("content-type")),
        ("no-store", "application/json")
    );
}

#[tokio::test]
async fn token_for_another_audience_is_inactive() {
    let server = TestServer::start().await;
    let nothing = json!({ "active": false });
    let for_orders = server.access_token(SHOP, &FOR_ORDERS).await;
    for other in [STOCK, SHOP, OPAQUE_SHOP] {
        assert_eq!(server.introspect(other, &for_orders).await, nothing, "{other:?}");
    }
    let for_stock = server.access_token(SHOP, &[("resource", STOCK_API)]).await;
    assert_eq!(server.introspect(ORDERS, &for_stock).await, nothing);
    assert_eq!(
        server.introspect(STOCK, &server.access_token(OPAQUE_SHOP, &[]).await).await,
        nothing
    );
}

#[tokio::test]
async fn public_client_cannot_introspect() {
    let server = TestServer::start().await;
    let response =
        server.post_form("/oauth/introspect", &[("client_id", "app"), ("token", "x")]).await;
    response.assert_error(401, "invalid_client", "a client without a secret");
}

#[tokio::test]
async fn token_is_inactive_from_its_exp_on() {
    let server = TestServer::start().await;
    let tokens =
        [server.access_token(SHOP, &FOR_ORDERS).await, server.access_token(OPAQUE_SHOP, &[]).await];
    server.clock.advance(Duration::from_secs(1_799));
    for token in &tokens {
        assert!(server.is_active(ORDERS, token).await);
    }
    server.clock.advance(Duration::from_secs(1));
    for token in &tokens {
        assert_eq!(server.introspect(ORDERS, token).await, json!({ "active": false }));
    }
}

#[tokio::test]
async fn forged_tokens_are_inactive() {
    let (server, other) = (TestServer::start().await, TestServer::start().await);
    let token = server.access_token(SHOP, &FOR_ORDERS).await;
    let (header, claims) = (jwt::header(&token), jwt::claims(&token));
    let mut more = claims.clone();
    more["scope"] = json!("orders:read orders:write");
    let mut unsigned = header.clone();
    unsigned["alg"] = json!("none");
    let mut symmetric = header.clone();
    symmetric["alg"] = json!("HS256");
    let mut unknown = header.clone();
    unknown["kid"] = json!("made-up");
    let mut nameless = header.clone();
    nameless.as_object_mut().unwrap().remove("kid");
    let bare = format!("{}.{}.", jwt::encode(&unsigned), jwt::encode(&claims));
    let jwks = server.get("/.well-known/jwks.json").await.text;
    let mut confused = Header::new(jsonwebtoken::Algorithm::HS256);
    (confused.typ, confused.kid) = (Some("at+jwt".to_owned()), Some(jwt::kid(&token)));
    for (what, forged) in [
        ("another issuer's", other.access_token(SHOP, &FOR_ORDERS).await),
        ("with more scope", jwt::with_parts(&token, &header, &more)),
        ("of alg none, with a signature", jwt::with_parts(&token, &unsigned, &claims)),
        ("of alg none, without one", bare),
        ("of another algorithm", jwt::with_parts(&token, &symmetric, &claims)),
        (
            "signed with the public keys",
            encode(&confused, &claims, &EncodingKey::from_secret(jwks.as_bytes())).unwrap(),
        ),
        ("under an unknown key", jwt::with_parts(&token, &unknown, &claims)),
        ("under no key", jwt::with_parts(&token, &nameless, &claims)),
        ("cut", token[..token.len() - 2].to_owned()),
        ("with a suffix", format!("{token}.x")),
        ("garbage", "garbage".to_owned()),
        ("like an opaque one", format!("gpat_{}", "A".repeat(43))),
    ] {
        assert_eq!(server.introspect(ORDERS, &forged).await, json!({ "active": false }), "{what}");
    }
    assert!(server.is_active(ORDERS, &token).await);
}

/// The server's keys can sign other JWTs too; only type `at+jwt` is an access token (RFC 9068 §4).
#[tokio::test]
async fn other_jwt_types_under_the_same_key_are_inactive() {
    use auth_server::{domain::Algorithm, settings::KeySettings};
    use service_kit::SecretSetting;
    const SHARED: &str = "a secret of C and B, 32 bytes long";
    let keys = KeySettings {
        algorithm: Algorithm::HS256,
        hs256_secret: Some(SecretSetting::new(SHARED)),
        ..KeySettings::default()
    };
    let server = TestServer::start_with(|settings| settings.keys = keys).await;
    let claims = jwt::claims(&server.access_token(SHOP, &FOR_ORDERS).await);
    let signed_as = |typ: Option<&str>| {
        let mut header = Header::new(jsonwebtoken::Algorithm::HS256);
        (header.typ, header.kid) = (typ.map(str::to_owned), Some("hs256".to_owned()));
        encode(&header, &claims, &EncodingKey::from_secret(SHARED.as_bytes())).unwrap()
    };
    assert!(
        server.is_active(ORDERS, &signed_as(Some("at+jwt"))).await,
        "otherwise this test proves nothing"
    );
    for typ in [Some("JWT"), Some("id_token"), None] {
        assert!(!server.is_active(ORDERS, &signed_as(typ)).await, "{typ:?}");
    }
}

#[tokio::test]
async fn token_of_another_issuer_under_the_same_key_is_inactive() {
    let server = TestServer::start().await;
    let token = server.access_token(SHOP, &FOR_ORDERS).await;
    let server = server
        .restart_with(|settings| settings.issuer = "http://127.0.0.1:1".parse().unwrap())
        .await;
    assert!(!server.is_active(ORDERS, &token).await);
}

#[tokio::test]
async fn introspection_requires_client_authentication() {
    let server = TestServer::start().await;
    let token = server.access_token(SHOP, &FOR_ORDERS).await;
    let introspect = |fields: Vec<(&'static str, String)>| {
        let server = &server;
        async move {
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            server.post_form("/oauth/introspect", &fields).await
        }
    };
    let unauthenticated = introspect(vec![("token", token.clone())]).await;
    unauthenticated.assert_error(401, "invalid_client", "client_id is missing");
    assert!(unauthenticated.header("www-authenticate").starts_with("Basic "));
    let wrong = introspect(vec![
        ("client_id", "orders".into()),
        ("client_secret", "x".into()),
        ("token", token),
    ])
    .await;
    wrong.assert_error(401, "invalid_client", "unknown or its secret is wrong");
    let own = vec![("client_id", ORDERS.0.into()), ("client_secret", ORDERS.1.into())];
    introspect(own.clone()).await.assert_error(400, "invalid_request", "token is missing");
    let near = introspect([own, vec![("tokens", "x".into())]].concat()).await;
    near.assert_error(400, "invalid_request", "tokens was sent");
}
