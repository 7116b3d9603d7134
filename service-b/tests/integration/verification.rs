//! The two endpoints, however B finds out whether the pass is good.

use serde_json::json;
use service_b::settings::Mode;

use crate::{
    client::answer,
    harness::{C, INTROSPECT, JWKS, SECRET, active, claims, good, said},
    signer::Signer,
};

#[tokio::test]
async fn local_b_verifies_without_introspection() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.b();
    let claims = good();
    let pass = signer.pass(&claims);
    let said = json!({
        "client_id": "service-a", "subject": "service-a", "jti": "pass-1",
        "scope": "resource:read resource:write", "expires_at": claims["exp"],
    });
    let read = b.resource(&pass).await;
    assert_eq!(read.status, 200, "{read:?}");
    assert_eq!(read.json(), json!({ "message": "this is B's protected resource", "token": said }));
    let done = answer(b.post("/api/do_something").bearer_auth(&pass).body("{}")).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(done.json(), json!({ "message": "B did something", "token": said }));
    assert_eq!((c.requests(JWKS).await.len(), c.requests(INTROSPECT).await.len()), (1, 0));
}

#[tokio::test]
async fn introspecting_b_authenticates_and_caches_the_response() {
    let c = C::start(&Signer::es256("k1")).await;
    c.introspection.answers(active(&json!({ "jti": "opaque-1" })));
    let b = c.b_with(|settings| {
        settings.mode = Mode::Introspection;
        settings.introspection.cache_seconds = 60;
    });
    for _ in 0..3 {
        let answer = b.resource("opaque").await;
        assert_eq!(
            (answer.status, answer.json()["token"]["jti"].as_str()),
            (200, Some("opaque-1")),
            "{answer:?}"
        );
    }
    let asked = c.requests(INTROSPECT).await;
    assert_eq!((asked.len(), c.requests(JWKS).await.len()), (1, 0));
    let expected = oauth_types::basic::format("service-b", &oauth_types::ClientSecret::new(SECRET));
    assert_eq!(asked[0].headers["authorization"], expected.as_str());
    assert_eq!(asked[0].body, b"token=opaque&token_type_hint=access_token");
}

#[tokio::test]
async fn what_c_calls_void_or_anothers_is_refused() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.b_with(|settings| settings.mode = Mode::Introspection);
    b.resource("revoked").await.refused(
        401,
        "invalid_token",
        "the issuer reports that the access token is inactive",
    );
    c.introspection.answers(active(&json!({ "aud": "https://else.example" })));
    b.resource("anothers").await.refused(401, "invalid_token", "is for another resource");
}

#[tokio::test]
async fn an_auto_b_checks_a_jwt_itself_and_asks_about_anything_else() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    c.introspection.answers(active(&json!({ "jti": "opaque-1" })));
    let b = c.b_with(|settings| settings.mode = Mode::Auto);
    assert_eq!(b.resource(&signer.pass(&good())).await.json()["token"]["jti"], "pass-1");
    assert_eq!(c.requests(INTROSPECT).await.len(), 0);
    assert_eq!(b.resource("opaque").await.json()["token"]["jti"], "opaque-1");
    assert_eq!(c.requests(INTROSPECT).await.len(), 1);
}

#[tokio::test]
async fn each_endpoint_needs_its_own_scope_in_every_mode() {
    let signer = Signer::es256("k1");
    for mode in [Mode::Local, Mode::Introspection, Mode::Auto] {
        let c = C::start(&signer).await;
        let b = c.b_with(|settings| settings.mode = mode);
        for (scope, read, write) in
            [("resource:read", 200, 403), ("resource:write", 403, 200), ("resource", 403, 403)]
        {
            c.introspection.answers(active(&json!({ "scope": scope })));
            let pass = signer.pass(&claims(&json!({ "scope": scope })));
            assert_eq!(b.resource(&pass).await.status, read, "{mode:?} {scope}");
            assert_eq!(
                answer(b.post("/api/do_something").bearer_auth(&pass)).await.status,
                write,
                "{mode:?} {scope}"
            );
        }
    }
}

#[tokio::test]
async fn with_the_keys_known_a_local_b_goes_on_while_c_is_away() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.b();
    b.until_ready().await;
    drop(c);
    assert_eq!(b.resource(&signer.pass(&good())).await.status, 200);
    assert_eq!(b.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn new_signing_key_is_fetched_on_its_first_token() {
    let [old, new] = ["k1", "k2"].map(Signer::es256);
    let c = C::start(&old).await;
    let b = c.b();
    b.until_ready().await;
    c.jwks.answers(said(&json!({ "keys": [old.jwk(), new.jwk()] })));
    for signer in [&new, &old] {
        assert_eq!(b.resource(&signer.pass(&good())).await.status, 200);
    }
    for made_up in ["k3", "k4", "k5"] {
        b.resource(&Signer::es256(made_up).pass(&good())).await.refused(
            401,
            "invalid_token",
            "key",
        );
    }
    assert_eq!(c.requests(JWKS).await.len(), 2, "made-up names cost nothing in the cool-down");
}
