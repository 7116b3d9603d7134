//! The two endpoints with each verification mode.

use serde_json::json;
use service_b::settings::Mode;
use test_support::{mock::json, signer::Signer};

use crate::{
    client::{read_resource, send},
    harness::{C, INTROSPECT, JWKS, SECRET, access_token, active, claims, valid_claims},
};

#[tokio::test]
async fn local_b_verifies_without_introspection() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.start_b();
    let claims = valid_claims();
    let token = access_token(&signer, &claims);
    let expected = json!({
        "client_id": "service-a", "subject": "service-a", "jti": "token-1",
        "scope": "resource:read resource:write", "expires_at": claims["exp"],
    });
    let read = read_resource(&b, &token).await;
    assert_eq!(read.status, 200, "{read:?}");
    assert_eq!(
        read.json(),
        json!({ "message": "this is B's protected resource", "token": expected })
    );
    let done = send(b.post("/api/do_something").bearer_auth(&token).body("{}")).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(done.json(), json!({ "message": "B did something", "token": expected }));
    assert_eq!((c.requests(JWKS).await.len(), c.requests(INTROSPECT).await.len()), (1, 0));
}

#[tokio::test]
async fn introspecting_b_authenticates_and_caches_the_response() {
    let c = C::start(&Signer::es256("k1")).await;
    c.introspection.respond(active(&json!({ "jti": "opaque-1" })));
    let b = c.start_b_with(|settings| {
        settings.mode = Mode::Introspection;
        settings.introspection.cache_seconds = 60;
    });
    for _ in 0..3 {
        let response = read_resource(&b, "opaque").await;
        assert_eq!(
            (response.status, response.json()["token"]["jti"].as_str()),
            (200, Some("opaque-1")),
            "{response:?}"
        );
    }
    let requests = c.requests(INTROSPECT).await;
    assert_eq!((requests.len(), c.requests(JWKS).await.len()), (1, 0));
    let expected = oauth_types::basic::format("service-b", &oauth_types::ClientSecret::new(SECRET));
    assert_eq!(requests[0].headers["authorization"], expected.as_str());
    assert_eq!(requests[0].body, b"token=opaque&token_type_hint=access_token");
}

#[tokio::test]
async fn inactive_and_foreign_audience_tokens_are_rejected() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.start_b_with(|settings| settings.mode = Mode::Introspection);
    read_resource(&b, "revoked").await.assert_bearer_error(
        401,
        "invalid_token",
        "the issuer reports that the access token is inactive",
    );
    c.introspection.respond(active(&json!({ "aud": "https://else.example" })));
    read_resource(&b, "other-audience").await.assert_bearer_error(
        401,
        "invalid_token",
        "is for another resource",
    );
}

#[tokio::test]
async fn auto_mode_introspects_only_opaque_tokens() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    c.introspection.respond(active(&json!({ "jti": "opaque-1" })));
    let b = c.start_b_with(|settings| settings.mode = Mode::Auto);
    assert_eq!(
        read_resource(&b, &access_token(&signer, &valid_claims())).await.json()["token"]["jti"],
        "token-1"
    );
    assert_eq!(c.requests(INTROSPECT).await.len(), 0);
    assert_eq!(read_resource(&b, "opaque").await.json()["token"]["jti"], "opaque-1");
    assert_eq!(c.requests(INTROSPECT).await.len(), 1);
}

#[tokio::test]
async fn each_endpoint_requires_its_scope_in_every_mode() {
    let signer = Signer::es256("k1");
    for mode in [Mode::Local, Mode::Introspection, Mode::Auto] {
        let c = C::start(&signer).await;
        let b = c.start_b_with(|settings| settings.mode = mode);
        for (scope, read, write) in [
            ("resource:read", 200, 403),
            ("resource:write", 403, 200),
            ("resource", 403, 403),
            ("", 403, 403),
        ] {
            c.introspection.respond(active(&json!({ "scope": scope })));
            let token = access_token(&signer, &claims(&json!({ "scope": scope })));
            assert_eq!(read_resource(&b, &token).await.status, read, "{mode:?} {scope}");
            assert_eq!(
                send(b.post("/api/do_something").bearer_auth(&token)).await.status,
                write,
                "{mode:?} {scope}"
            );
        }
    }
}

#[tokio::test]
async fn local_b_works_without_c_once_keys_are_cached() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.start_b();
    b.wait_until_ready().await;
    drop(c);
    assert_eq!(read_resource(&b, &access_token(&signer, &valid_claims())).await.status, 200);
    assert_eq!(b.manage.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn new_signing_key_is_fetched_on_its_first_token() {
    let [old, new] = ["k1", "k2"].map(Signer::es256);
    let c = C::start(&old).await;
    let b = c.start_b();
    b.wait_until_ready().await;
    c.jwks.respond(json(200, &json!({ "keys": [old.jwk(), new.jwk()] })));
    for signer in [&new, &old] {
        assert_eq!(read_resource(&b, &access_token(signer, &valid_claims())).await.status, 200);
    }
    for made_up in ["k3", "k4", "k5"] {
        read_resource(&b, &access_token(&Signer::es256(made_up), &valid_claims()))
            .await
            .assert_bearer_error(401, "invalid_token", "key");
    }
    assert_eq!(
        c.requests(JWKS).await.len(),
        2,
        "unknown key ids cause no fetch during the cool-down"
    );
}
