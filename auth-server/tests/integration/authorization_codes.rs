//! What a code is good for: once, for its client, with what belongs to it.

use std::time::Duration;

use futures_util::future::join_all;

use crate::{
    browser::{Asking, Person, VERIFIER},
    jwt,
    test_server::{ALICE, C, FORUM, ORDERS, ORDERS_API, SITE},
};

fn offline() -> Asking {
    Asking::site().with("scope", "openid offline_access orders:read")
}

#[tokio::test]
async fn reused_code_revokes_every_token_of_its_grant() {
    let c = C::start().await;
    let asking = offline();
    let code = Person::at(&c).code(&asking, ALICE).await;
    let tokens = c.fetch(SITE, &asking, &code).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    assert!(c.is_active(ORDERS, access).await);
    assert_eq!(c.userinfo(access).await.status, 200);
    for _ in 0..2 {
        c.fetch(SITE, &asking, &code).await.refused(400, "invalid_grant", "used before");
    }
    assert!(!c.is_active(ORDERS, access).await);
    assert_eq!(c.userinfo(access).await.status, 401);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    c.refresh(SITE, refresh, &[]).await.refused(400, "invalid_grant", "void");
}

#[tokio::test]
async fn concurrent_redemptions_issue_tokens_once_and_revoke_the_grant() {
    let c = C::start().await;
    let asking = offline();
    let code = Person::at(&c).code(&asking, ALICE).await;
    let answers = join_all((0..64).map(|_| c.fetch(SITE, &asking, &code))).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    assert!(
        answers.iter().all(|answer| answer.status == 200 || answer.error().0 == "invalid_grant")
    );
    assert!(!c.is_active(ORDERS, won[0].json()["access_token"].as_str().unwrap()).await);
}

#[tokio::test]
async fn another_client_cannot_redeem_probe_or_consume_a_code() {
    let c = C::start().await;
    let asking = Asking::site();
    let code = Person::at(&c).code(&asking, ALICE).await;
    let stolen = c.fetch(FORUM, &asking, &code).await;
    let made_up = c.fetch(FORUM, &asking, "gpac_made-up").await;
    assert_eq!(stolen.text, made_up.text);
    stolen.refused(400, "invalid_grant", "not known");
    assert_eq!(c.fetch(SITE, &asking, &code).await.status, 200);
}

#[tokio::test]
async fn code_expires_after_one_minute() {
    let c = C::start().await;
    let person = Person::at(&c);
    let code = person.code(&Asking::site(), ALICE).await;
    c.clock.advance(Duration::from_secs(60));
    c.fetch(SITE, &Asking::site(), &code).await.refused(400, "invalid_grant", "expired");
}

#[tokio::test]
async fn code_with_wrong_verifier_or_redirect_uri_revokes_the_grant() {
    let c = C::start().await;
    let person = Person::at(&c);
    let redirect_uri = ("redirect_uri", "https://site.example/cb?shop=1");
    let other_verifier = "another-verifier-of-43-characters-at-least-00";
    for fields in [
        vec![redirect_uri],
        vec![redirect_uri, ("code_verifier", other_verifier)],
        vec![("code_verifier", VERIFIER)],
        vec![("redirect_uri", "https://site.example/cb"), ("code_verifier", VERIFIER)],
    ] {
        let code = person.code(&Asking::site(), ALICE).await;
        let fields = [&[("code", code.as_str())], &fields[..]].concat();
        assert_eq!(c.redeem(SITE, &fields).await.error().0, "invalid_grant");
        c.fetch(SITE, &Asking::site(), &code).await.refused(400, "invalid_grant", "void");
    }
    let plain = Asking::site().without("code_challenge").without("code_challenge_method");
    let code = person.code(&plain, ALICE).await;
    c.fetch(SITE, &plain, &code).await.refused(400, "invalid_grant", "no code_challenge");
    let code = person.code(&plain, ALICE).await;
    assert_eq!(
        c.redeem(SITE, &[("code", &code), redirect_uri]).await.status,
        200,
        "a client with a secret may go without"
    );
}

#[tokio::test]
async fn public_client_redeems_a_code_without_a_secret() {
    let c = C::start().await;
    let person = Person::at(&c);
    let code = person.code(&Asking::app(), ALICE).await;
    assert_eq!(c.fetch(("app", ""), &Asking::app(), &code).await.status, 200);
    let code = person.code(&Asking::site(), ALICE).await;
    c.fetch(("site", ""), &Asking::site(), &code).await.refused(
        401,
        "invalid_client",
        "client_secret is missing",
    );
    c.granted("client_credentials", ("app", ""), &[]).await.refused(
        400,
        "unauthorized_client",
        "public client",
    );
    c.fetch(("app", "guess"), &Asking::app(), "x").await.refused(401, "invalid_client", "wrong");
}

#[tokio::test]
async fn token_for_one_resource_is_rejected_elsewhere() {
    let c = C::start().await;
    let asking = Asking::site().with("scope", "openid profile orders:read stock:read");
    let person = Person::at(&c);
    let code = person.code(&asking, ALICE).await;
    let whole = c.fetch(SITE, &asking, &code).await.json();
    let claims = jwt::claims(whole["access_token"].as_str().unwrap());
    assert_eq!(claims["aud"].as_array().unwrap().len(), 3, "{claims}");
    let code = person.code(&asking, ALICE).await;
    let fields = [
        ("code", code.as_str()),
        ("redirect_uri", asking.get("redirect_uri")),
        ("code_verifier", VERIFIER),
        ("resource", ORDERS_API),
    ];
    let narrow = c.redeem(SITE, &fields).await.json();
    let access = narrow["access_token"].as_str().unwrap();
    assert_eq!(
        (jwt::claims(access)["aud"].as_str(), narrow["scope"].as_str()),
        (Some(ORDERS_API), Some("orders:read"))
    );
    assert_eq!(c.userinfo(access).await.status, 401);
}

#[tokio::test]
async fn id_token_has_exactly_the_expected_claims() {
    let c = C::start().await;
    for (asking, client, algorithm) in [
        (Asking::site(), SITE, jsonwebtoken::Algorithm::RS256),
        (Asking::forum(), FORUM, jsonwebtoken::Algorithm::ES256),
    ] {
        let tokens = Person::at(&c).tokens(&asking, ALICE, client).await;
        let id_token = tokens["id_token"].as_str().unwrap();
        assert!(jwt::is_signed_by(id_token, &c.json("/.well-known/jwks.json").await, algorithm));
        let access = tokens["access_token"].as_str().unwrap();
        let claims = jwt::claims(id_token);
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, access.as_bytes());
        let at_hash =
            base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, &hash.as_ref()[..16]);
        let expected = serde_json::json!({
            "iss": c.issuer(), "sub": jwt::claims(access)["sub"], "aud": client.0, "nonce": "the-nonce",
            "iat": c.clock.seconds(), "exp": c.clock.seconds() + 3_600, "auth_time": c.clock.seconds(),
            "acr": "urn:gatepass:acr:password", "amr": ["pwd"], "at_hash": at_hash, "sid": claims["sid"],
        });
        assert_eq!(claims, expected);
        assert!(claims["sid"].as_str().unwrap().len() > 10);
        assert_eq!(jwt::header(id_token)["typ"], "JWT", "so that it is no access token");
        assert_eq!(c.userinfo(id_token).await.status, 401);
        assert!(!c.is_active(ORDERS, id_token).await);
    }
}
