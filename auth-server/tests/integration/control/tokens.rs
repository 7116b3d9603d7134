//! Tokens that the control API issues.

use std::time::Duration;

use auth_server::domain::Algorithm;
use serde_json::{Value, json};
use service_kit::SecretSetting;

use super::{Controlled, assert_error_at};
use crate::{
    browser::{AuthorizationRequest, VERIFIER, s256},
    jwt,
    test_server::{NOON, ORDERS, ORDERS_API, SHOP, SITE, STOCK, STOCK_API, VAULT_API},
};

const TOKENS: &str = "/control/tokens";

impl Controlled {
    /// Issues a token and returns the response.
    pub(super) async fn mint(&self, body: Value) -> Value {
        let response = self.call("POST", TOKENS, &body).await;
        assert_eq!(response.status, 201, "{response:?}");
        response.json()
    }

    pub(super) async fn minted(&self, body: Value) -> String {
        self.mint(body).await["token"].as_str().unwrap().to_owned()
    }
}

pub(super) fn shop(more: Value) -> Value {
    with(json!({ "token": "access", "client_id": "shop" }), more)
}

fn of_alice(token: &str, more: Value) -> Value {
    with(json!({ "token": token, "client_id": "site", "user": "alice" }), more)
}

fn with(mut body: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("{more}") };
    body.as_object_mut().unwrap().extend(more);
    body
}

#[tokio::test]
async fn access_token_is_the_one_that_the_client_would_get() {
    let controlled = Controlled::start().await;
    let minted = controlled.mint(shop(json!({ "scope": "orders:read" }))).await;
    let token = minted["token"].as_str().unwrap();
    assert_eq!(
        (&minted["header"], &minted["claims"], &minted["bypassed"]),
        (&jwt::header(token), &jwt::claims(token), &json!([]))
    );
    let regular = controlled.server.access_token(SHOP, &[("scope", "orders:read")]).await;
    let without_id = |mut claims: Value| {
        claims.as_object_mut().unwrap().remove("jti");
        claims
    };
    assert_eq!(without_id(jwt::claims(token)), without_id(jwt::claims(&regular)));
    assert_eq!(jwt::header(token), jwt::header(&regular));
    assert!(controlled.server.is_active(ORDERS, token).await);
}

#[tokio::test]
async fn wrong_tokens_are_inactive() {
    let controlled = Controlled::start().await;
    for flaw in [
        "signature",
        "unknown_kid",
        "no_kid",
        "foreign_key",
        "alg_none",
        "hs256_with_public_key",
        "critical_header",
        "wrong_typ",
        "wrong_issuer",
        "wrong_audience",
        "not_yet_valid",
        "no_exp",
        "expired",
        "no_sub",
        "revoked",
    ] {
        let token = controlled.minted(shop(json!({ "flaws": [flaw] }))).await;
        assert!(!controlled.server.is_active(ORDERS, &token).await, "{flaw}");
    }
    let token = controlled.minted(shop(json!({ "flaws": ["missing_scope"] }))).await;
    assert_eq!(controlled.server.introspect(ORDERS, &token).await["scope"], Value::Null);
}

#[tokio::test]
async fn each_flaw_changes_what_it_names_alone() {
    let controlled = Controlled::start().await;
    let right = controlled.mint(shop(json!({}))).await;
    for (flaw, header, claims) in [
        ("signature", &[][..], &[][..]),
        ("foreign_key", &[], &[]),
        ("alg_none", &["alg"], &[]),
        ("hs256_with_public_key", &["alg"], &[]),
        ("unknown_kid", &["kid"], &[]),
        ("no_kid", &["kid"], &[]),
        ("critical_header", &["crit", "unknown-extension"], &[]),
        ("wrong_typ", &["typ"], &[]),
        ("wrong_issuer", &[], &["iss"]),
        ("wrong_audience", &[], &["aud"]),
        ("not_yet_valid", &[], &["exp", "nbf"]),
        ("no_exp", &[], &["exp"]),
        ("expired", &[], &["exp", "iat"]),
        ("no_sub", &[], &["sub"]),
        ("missing_scope", &[], &["scope"]),
    ] {
        let wrong = controlled.mint(shop(json!({ "flaws": [flaw] }))).await;
        assert_eq!(changed(&right["header"], &wrong["header"]), header, "{flaw}");
        let mut differing = changed(&right["claims"], &wrong["claims"]);
        differing.retain(|name| name != "jti");
        assert_eq!(differing, claims, "{flaw}");
    }
}

#[tokio::test]
async fn nothing_that_a_request_demands_undoes_a_flaw() {
    let controlled = Controlled::start().await;
    let issuer = controlled.server.issuer();
    for (flaw, demands) in [
        ("wrong_issuer", json!({ "claims": { "iss": issuer } })),
        ("wrong_audience", json!({ "claims": { "aud": ORDERS_API } })),
        ("no_exp", json!({ "claims": { "exp": NOON + 60 }, "expires_in": 60 })),
        ("expired", json!({ "claims": { "exp": NOON + 60, "iat": NOON } })),
        ("not_yet_valid", json!({ "claims": { "nbf": NOON - 5 } })),
        ("not_yet_valid", json!({ "not_before": -5 })),
        ("no_sub", json!({ "claims": { "sub": "somebody" } })),
        ("wrong_typ", json!({ "typ": "at+jwt" })),
        ("wrong_typ", json!({ "typ": "JWT" })),
    ] {
        let flaws = json!({ "flaws": [flaw] });
        let wrong = controlled.mint(shop(flaws.clone())).await;
        let demanded = controlled.mint(shop(with(flaws, demands.clone()))).await;
        let mut differing = changed(&wrong["claims"], &demanded["claims"]);
        differing.retain(|name| name != "jti");
        assert!(differing.is_empty(), "{flaw}, {demands}: {differing:?}");
        assert_eq!(wrong["header"], demanded["header"], "{flaw}, {demands}");
        let token = demanded["token"].as_str().unwrap();
        assert!(!controlled.server.is_active(ORDERS, token).await, "{flaw}, {demands}");
    }
    let right = json!({ "nonce": "of the login", "at_hash": "of the login", "iss": issuer });
    let demands = json!({ "nonce": right["nonce"], "claims": right });
    let flaws = json!({ "flaws": ["wrong_nonce", "wrong_at_hash", "wrong_issuer"] });
    let claims = &controlled.mint(of_alice("id", with(demands, flaws))).await["claims"];
    for name in ["nonce", "at_hash", "iss"] {
        assert_ne!(claims[name], right[name], "{name}");
    }
}

/// The members that two objects do not share, in order.
fn changed(one: &Value, other: &Value) -> Vec<String> {
    let (one, other) = (one.as_object().unwrap(), other.as_object().unwrap());
    let mut names: Vec<String> = one.keys().chain(other.keys()).cloned().collect();
    names.sort();
    names.dedup();
    names.retain(|name| one.get(name) != other.get(name));
    names
}

#[tokio::test]
async fn times_claims_and_header_are_as_demanded() {
    let controlled = Controlled::start().await;
    let minted = controlled
        .mint(shop(json!({
            "expires_in": -60,
            "not_before": 30,
            "typ": "JWT",
            "algorithm": "ES256",
            "claims": { "sub": "somebody", "roles": ["admin"] },
        })))
        .await;
    let claims = &minted["claims"];
    assert_eq!((&claims["exp"], &claims["nbf"]), (&json!(NOON - 60), &json!(NOON + 30)));
    assert!(claims["iat"].as_i64() < claims["exp"].as_i64());
    assert_eq!((&claims["sub"], &claims["roles"]), (&json!("somebody"), &json!(["admin"])));
    assert_eq!(minted["header"]["typ"], json!("JWT"));
    let short = controlled.mint(shop(json!({ "expires_in": 60 }))).await;
    assert_eq!(
        (&short["claims"]["iat"], &short["claims"]["exp"]),
        (&json!(NOON), &json!(NOON + 60))
    );
    let long = controlled.mint(shop(json!({ "expires_in": 86_400 }))).await;
    assert_eq!(long["bypassed"], json!(["lifetime"]));
}

#[tokio::test]
async fn token_that_cannot_be_as_demanded_is_rejected() {
    let controlled = Controlled::start_with(|settings| {
        settings.keys.algorithm = Algorithm::HS256;
        settings.keys.hs256_secret = Some(SecretSetting::new("a secret of 32 characters or more"));
    })
    .await;
    for (body, pointer) in [
        (shop(json!({ "flaws": ["hs256_with_public_key"] })), "/flaws"),
        (of_alice("code", json!({ "code_challenge": "y" })), "/code_challenge"),
        (of_alice("code", json!({ "code_challenge": "" })), "/code_challenge"),
    ] {
        let response = controlled.call("POST", "/control/tokens", &body).await;
        assert_eq!((response.status, &response.json()["pointer"]), (400, &json!(pointer)));
    }
}

#[tokio::test]
async fn bypassed_rules_are_named() {
    const BRIEF_API: &str = "https://brief.example";
    let controlled = Controlled::start().await;
    let brief = json!({ "scopes": "", "access_token_ttl_seconds": 300 });
    let path = format!("/control/resources?identifier={BRIEF_API}");
    assert_eq!(controlled.call("PUT", &path, &brief).await.status, 200);
    let mut client = controlled.control.get_json("/control/clients/shop").await;
    client["resources"].as_array_mut().unwrap().push(json!(BRIEF_API));
    let changed = controlled.call("PUT", "/control/clients/shop", &client).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let login = json!({
        "client_secret": "its secret",
        "scopes": "openid",
        "login": {
            "redirect_uris": ["https://no-refresh.example/cb"],
            "grant_types": ["authorization_code"],
        },
    });
    let added = controlled.call("PUT", "/control/clients/no-refresh", &login).await;
    assert_eq!(added.status, 200, "{added:?}");
    let app = json!({ "client_id": "app", "redirect_uri": "http://127.0.0.1:8400/cb" });
    let app_code = |more| with(of_alice("code", app.clone()), more);
    let code = |more| with(of_alice("code", json!({ "code_challenge": s256(VERIFIER) })), more);
    for (body, bypassed) in [
        (shop(json!({ "scope": "branch:open" })), json!(["scope"])),
        (shop(json!({ "audience": "https://other.example" })), json!(["audience"])),
        (shop(json!({ "audience": [ORDERS_API, STOCK_API] })), json!(["audience"])),
        (shop(json!({ "user": "alice" })), json!(["grant"])),
        (json!({ "token": "access", "client_id": "site", "user": "alice" }), json!([])),
        (json!({ "token": "access", "client_id": "app" }), json!(["grant"])),
        (of_alice("access", json!({ "scope": "openid orders:read made-up" })), json!(["scope"])),
        (of_alice("refresh", json!({ "scope": "orders:read made-up" })), json!(["scope"])),
        (of_alice("id", json!({ "audience": "other-client" })), json!(["audience"])),
        (of_alice("id", json!({ "audience": "site" })), json!([])),
        (of_alice("refresh", json!({})), json!([])),
        (
            of_alice("refresh", json!({ "client_id": "portal", "audience": ORDERS_API })),
            json!(["audience"]),
        ),
        (of_alice("refresh", json!({ "client_id": "no-refresh" })), json!(["grant"])),
        (of_alice("refresh", json!({ "expires_in": 315_360_000 })), json!(["lifetime"])),
        (code(json!({ "expires_in": 315_360_000 })), json!(["lifetime"])),
        (code(json!({})), json!([])),
        (code(json!({ "redirect_uri": "https://evil.example" })), json!(["redirect_uri"])),
        (app_code(json!({})), json!(["pkce"])),
        (app_code(json!({ "code_challenge": s256(VERIFIER) })), json!([])),
        (app_code(json!({ "redirect_uri": null })), json!(["redirect_uri", "pkce"])),
        (shop(json!({ "audience": BRIEF_API, "expires_in": 301 })), json!(["lifetime"])),
        (shop(json!({ "audience": STOCK_API, "scope": "orders:read" })), json!(["scope"])),
        (shop(json!({ "scope": "orders:read stock:read" })), json!(["scope"])),
        (shop(json!({ "scope": "openid" })), json!(["scope"])),
        (
            of_alice("refresh", json!({ "audience": ORDERS_API, "scope": "stock:read" })),
            json!(["scope"]),
        ),
    ] {
        assert_eq!(controlled.mint(body.clone()).await["bypassed"], bypassed, "{body}");
    }
    let foreign = json!({ "audience": STOCK_API, "scope": "stock:read", "client_id": "orders" });
    let token = controlled.minted(shop(foreign)).await;
    assert!(controlled.server.is_active(STOCK, &token).await);
}

#[tokio::test]
async fn access_token_of_a_user_reads_userinfo_and_is_revoked_with_its_grant() {
    let controlled = Controlled::start().await;
    let token = controlled.minted(of_alice("access", json!({ "scope": "openid profile" }))).await;
    let user = controlled.server.userinfo(&token).await;
    assert_eq!((user.status, &user.json()["name"]), (200, &json!("Alice Liddell")), "{user:?}");
    let other = controlled.minted(of_alice("access", json!({ "scope": "orders:read" }))).await;
    assert!(controlled.server.is_active(ORDERS, &other).await);
    assert_eq!(controlled.server.userinfo(&other).await.status, 401);
    for (flaw, reason) in [
        ("not_yet_valid", "it is not valid yet"),
        ("wrong_issuer", "it was not issued by this server"),
        ("expired", "it has expired"),
        ("revoked", "it was revoked, or its client was disabled"),
    ] {
        let wrong = json!({ "scope": "openid profile", "flaws": [flaw] });
        let token = controlled.minted(of_alice("access", wrong)).await;
        let response = controlled.server.userinfo(&token).await;
        assert!(response.text.contains(reason), "{flaw}: {response:?}");
    }
}

#[tokio::test]
async fn opaque_access_token_is_stored() {
    let controlled = Controlled::start().await;
    let vault = json!({ "audience": VAULT_API, "scope": "vault:open" });
    let minted = controlled.mint(shop(vault.clone())).await;
    assert!(minted["token"].as_str().unwrap().starts_with("gpat_"));
    assert_eq!((&minted["header"], &minted["claims"]["aud"]), (&Value::Null, &json!(VAULT_API)));
    assert!(controlled.server.is_active(ORDERS, minted["token"].as_str().unwrap()).await);
    for flaw in ["expired", "revoked", "wrong_issuer", "not_yet_valid"] {
        let token = controlled.minted(shop(with(vault.clone(), json!({ "flaws": [flaw] })))).await;
        assert!(!controlled.server.is_active(ORDERS, &token).await, "{flaw}");
    }
    for (more, pointer, words) in [
        (json!({ "flaws": ["signature"] }), "/flaws", "has no flaw"),
        (json!({ "typ": "JWT" }), "/typ", "has no `typ`"),
        (json!({ "algorithm": "RS256" }), "/algorithm", "has no `algorithm`"),
        (json!({ "claims": { "exp": "soon" } }), "/claims", "cannot store"),
        (json!({ "flaws": ["no_exp"] }), "/flaws", "cannot store"),
        (json!({ "flaws": ["no_sub"] }), "/flaws", "cannot store"),
    ] {
        let response = controlled.call("POST", TOKENS, &shop(with(vault.clone(), more))).await;
        assert_error_at(&response, 400, pointer, words);
    }
}

#[tokio::test]
async fn revoked_token_is_revoked_whatever_claims_it_has() {
    let controlled = Controlled::start().await;
    for claims in [json!({ "jti": "of the test" }), json!({ "exp": 4_000_000_000_u64 })] {
        let more = json!({ "claims": claims, "flaws": ["revoked"] });
        let token = controlled.minted(shop(more)).await;
        assert!(!controlled.server.is_active(ORDERS, &token).await, "{claims}");
        controlled.server.clock.advance(Duration::from_secs(800_000));
        assert!(!controlled.server.is_active(ORDERS, &token).await, "{claims}, later");
    }
    let token = controlled.minted(shop(json!({ "claims": { "jti": "of the client" } }))).await;
    assert!(controlled.server.is_active(ORDERS, &token).await);
    let path = "/control/revocations";
    assert_eq!(controlled.call("POST", path, &json!({ "client_id": "shop" })).await.status, 200);
    assert!(!controlled.server.is_active(ORDERS, &token).await);
}

#[tokio::test]
async fn empty_scope_counts_and_an_empty_audience_is_rejected() {
    let controlled = Controlled::start().await;
    let minted = controlled.mint(shop(json!({ "scope": "" }))).await;
    assert_eq!(minted["claims"]["scope"], Value::Null, "{minted}");
    for (more, pointer, words) in [
        (json!({ "audience": [] }), "/audience", "is empty"),
        (json!({ "audience": 1 }), "/audience", "not what is expected"),
        (json!({ "scope": "ä" }), "/scope", "not what is expected"),
    ] {
        let response = controlled.call("POST", TOKENS, &shop(more)).await;
        assert_error_at(&response, 400, pointer, words);
        assert!(response.json()["expected"].is_string(), "{response:?}");
    }
}

#[tokio::test]
async fn id_token_is_of_the_session() {
    let controlled = Controlled::start().await;
    let minted = controlled.mint(of_alice("id", json!({ "nonce": "n-1" }))).await;
    let claims = &minted["claims"];
    assert_eq!((&claims["aud"], &claims["nonce"]), (&json!("site"), &json!("n-1")));
    assert_eq!(claims["exp"].as_i64(), claims["iat"].as_i64().map(|iat| iat + 3_600));
    assert_eq!(minted["header"]["typ"], json!("JWT"));
    for (flaw, name, wrong) in [
        ("wrong_nonce", "nonce", json!("wrong-nonce")),
        ("wrong_at_hash", "at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("wrong_issuer", "iss", json!("https://wrong-issuer.example")),
        ("expired", "exp", json!(NOON - 3_600)),
        ("no_exp", "exp", Value::Null),
    ] {
        let minted = controlled.mint(of_alice("id", json!({ "flaws": [flaw] }))).await;
        assert_eq!(minted["claims"][name], wrong, "{flaw}");
    }
}

#[tokio::test]
async fn id_token_is_issued_after_the_sign_in_and_before_its_expiry() {
    let controlled = Controlled::start().await;
    for (more, iat, exp) in [
        (json!({ "expires_in": 60 }), NOON, NOON + 60),
        (json!({ "expires_in": -60 }), NOON - 3_660, NOON - 60),
        (json!({ "flaws": ["expired"] }), NOON - 7_200, NOON - 3_600),
    ] {
        let claims = controlled.mint(of_alice("id", more)).await["claims"].clone();
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(iat), &json!(exp)));
        assert_eq!(claims["auth_time"], json!(iat));
    }
}

#[tokio::test]
async fn authorization_code_is_redeemed_once() {
    let controlled = Controlled::start().await;
    let auth_request = AuthorizationRequest::site();
    let code = |flaws: &[&str]| {
        of_alice(
            "code",
            json!({
                "scope": "openid orders:read",
                "redirect_uri": auth_request.get("redirect_uri"),
                "code_challenge": s256(VERIFIER),
                "nonce": "n-1",
                "flaws": flaws,
            }),
        )
    };
    let right = controlled.minted(code(&[])).await;
    let tokens = controlled.server.redeem_code(SITE, &auth_request, &right).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    let id_token = tokens.json()["id_token"].as_str().unwrap().to_owned();
    assert_eq!(jwt::claims(&id_token)["nonce"], json!("n-1"));
    for (flaw, words) in [("expired", "expired"), ("used", "used before"), ("revoked", "revoked")] {
        let wrong = controlled.minted(code(&[flaw])).await;
        let rejected = controlled.server.redeem_code(SITE, &auth_request, &wrong).await;
        rejected.assert_error(400, "invalid_grant", words);
    }
}

#[tokio::test]
async fn refresh_token_is_exchanged() {
    let controlled = Controlled::start().await;
    let refresh = |more| {
        with(of_alice("refresh", json!({ "scope": "openid offline_access orders:read" })), more)
    };
    let right = controlled.minted(refresh(json!({}))).await;
    assert_eq!(controlled.server.refresh(SITE, &right, &[]).await.status, 200);
    for (more, words) in [
        (json!({ "flaws": ["expired"] }), "expired"),
        (json!({ "flaws": ["used"] }), "used before"),
        (json!({ "flaws": ["revoked"] }), "revoked"),
        (json!({ "expires_in": -5 }), "expired"),
    ] {
        let wrong = controlled.minted(refresh(more.clone())).await;
        let rejected = controlled.server.refresh(SITE, &wrong, &[]).await;
        rejected.assert_error(400, "invalid_grant", words);
    }
}

#[tokio::test]
async fn request_that_makes_no_sense_is_rejected() {
    let controlled = Controlled::start().await;
    for (body, status, pointer, words) in [
        (json!({}), 400, "/token", "is missing"),
        (shop(json!({ "token": "saml" })), 400, "/token", "not what is expected"),
        (shop(json!({ "subject": "x" })), 400, "/subject", "unknown member"),
        (shop(json!({ "client_id": "nobody" })), 404, "/client_id", "no client `nobody`"),
        (shop(json!({ "user": "nobody" })), 404, "/user", "no user `nobody`"),
        (shop(json!({ "token": "id" })), 400, "/user", "without a user"),
        (shop(json!({ "nonce": "x" })), 400, "/nonce", "means nothing"),
        (of_alice("refresh", json!({ "typ": "JWT" })), 400, "/typ", "means nothing"),
        (shop(json!({ "code_challenge": "x" })), 400, "/code_challenge", "means nothing"),
        (shop(json!({ "expires_in": 315_360_001 })), 400, "/expires_in", "ten years"),
        (shop(json!({ "not_before": i64::MIN })), 400, "/not_before", "ten years"),
        (shop(json!({ "algorithm": "none" })), 400, "/algorithm", "not what is expected"),
        (shop(json!({ "algorithm": "HS256" })), 400, "/algorithm", "no secret"),
        (of_alice("id", json!({ "algorithm": "HS256" })), 400, "/algorithm", "no secret"),
        (shop(json!({ "flaws": ["bad"] })), 400, "/flaws/0", "no flaw `bad`"),
        (shop(json!({ "flaws": ["wrong_nonce"] })), 400, "/flaws/0", "no flaw `wrong_nonce`"),
        (
            shop(json!({ "flaws": ["signature", "expired", "alg_none"] })),
            400,
            "/flaws/2",
            "cannot be combined",
        ),
        (
            shop(json!({ "flaws": ["no_exp", "expired"] })),
            400,
            "/flaws/1",
            "`expired` and `no_exp` cannot be combined",
        ),
    ] {
        let response = controlled.call("POST", TOKENS, &body).await;
        assert_error_at(&response, status, pointer, words);
    }
}
