//! Fetching, caching and withdrawal of the issuer's keys.

use std::time::Duration;

use flow_events::Rule;
use serde_json::json;
use test_support::{
    mock::{json, status},
    signer::Signer,
    wait::until,
};
use token_verifier::{LocalSettings, Verifier, VerifyError};
use tokio::task::JoinSet;
use wiremock::ResponseTemplate;

use crate::{
    setup::{
        AuthServer, JWKS, METADATA, expect_unavailable, introspection_settings, keys,
        short_timeout_client, violated_rule,
    },
    signer::SignAccessToken,
};

/// Verifies all tokens concurrently. Returns whether each was accepted.
async fn verify_all(
    verifier: &Verifier,
    tokens: impl IntoIterator<Item = oauth_types::AccessToken>,
) -> Vec<bool> {
    let mut callers = JoinSet::new();
    for token in tokens {
        let verifier = verifier.clone();
        callers.spawn(async move { verifier.verify(&token).await.is_ok() });
    }
    callers.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_callers_share_one_key_request() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    let accepted =
        verify_all(&c.local_verifier(), (0..100).map(|number| signer.token_number(number))).await;
    assert!(accepted.len() == 100 && accepted.iter().all(|accepted| *accepted));
    assert_eq!((c.request_count(METADATA).await, c.request_count(JWKS).await), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_kids_cause_one_key_request_per_cooldown() {
    let (signer, attacker) = (Signer::es256("1"), Signer::es256("attacker"));
    let c = AuthServer::with_keys([&signer]).await;
    let verifier = c.local_verifier();
    verifier.warm_up().await.unwrap();
    let made_up = || {
        (0..1_000)
            .map(|n| attacker.token_with(|header, _| header["kid"] = json!(format!("made-up-{n}"))))
    };
    assert!(verify_all(&verifier, made_up()).await.iter().all(|accepted| !accepted));
    assert_eq!(c.request_count(JWKS).await, 2);
    c.advance_clock(29);
    verify_all(&verifier, made_up()).await;
    assert_eq!(c.request_count(JWKS).await, 2, "the cooldown has not ended");
    c.advance_clock(1);
    verify_all(&verifier, made_up()).await;
    assert_eq!(c.request_count(JWKS).await, 3);
}

#[tokio::test]
async fn new_key_is_fetched_for_its_first_token() {
    let (old, new) = (Signer::es256("1"), Signer::es256("2"));
    let c = AuthServer::with_keys([&old]).await;
    let verifier = c.local_verifier();
    verifier.verify(&old.token()).await.unwrap();
    c.jwks.respond(keys([&old, &new]));
    verifier.verify(&new.token()).await.unwrap();
    verifier.verify(&old.token()).await.unwrap();
    assert_eq!(c.request_count(JWKS).await, 2);
}

#[tokio::test]
async fn failed_key_fetch_keeps_the_current_keys() {
    let (signer, newer) = (Signer::es256("1"), Signer::es256("2"));
    let c = AuthServer::with_keys([&signer]).await;
    let verifier = c.local_verifier();
    verifier.warm_up().await.unwrap();
    let symmetric = json!({ "kty": "oct", "kid": "2", "k": "c2VjcmV0" });
    let mut private = newer.jwk();
    private["d"] = json!("AAAA");
    let failures = [
        status(500),
        status(429),
        ResponseTemplate::new(200).set_body_string("<html>"),
        json(200, &json!({ "keys": [] })),
        json(200, &json!({ "keys": "none" })),
        json(200, &json!({ "keys": [newer.jwk(), symmetric] })),
        json(200, &json!({ "keys": [private] })),
    ];
    for (number, failure) in failures.into_iter().enumerate() {
        c.jwks.respond(failure);
        let before = c.request_count(JWKS).await;
        expect_unavailable(verifier.verify(&newer.token()).await);
        assert_eq!(c.request_count(JWKS).await, before + 1, "failure {number}");
        verifier.verify(&signer.token_number(number)).await.unwrap();
        c.advance_clock(30);
    }
    c.jwks.respond(keys([&signer, &newer]));
    verifier.verify(&newer.token()).await.unwrap();
}

/// While the issuer cannot be reached, an unknown key may be a new one. The client can retry.
#[tokio::test]
async fn unknown_key_is_rejected_only_after_a_successful_fetch() {
    let (signer, other) = (Signer::es256("1"), Signer::es256("2"));
    let c = AuthServer::with_keys([&signer]).await;
    let verifier = c.local_verifier();
    verifier.warm_up().await.unwrap();
    c.jwks.respond(status(503).insert_header("retry-after", "7"));
    for _ in 0..2 {
        assert_eq!(
            expect_unavailable(verifier.verify(&other.token()).await).1,
            Duration::from_secs(7)
        );
    }
    assert_eq!(c.request_count(JWKS).await, 2);
    c.jwks.respond(keys([&signer]));
    c.advance_clock(30);
    assert_eq!(violated_rule(verifier.verify(&other.token()).await), Some(Rule::Key));
}

#[tokio::test]
async fn withdrawn_key_invalidates_cached_tokens() {
    let (old, new) = (Signer::es256("1"), Signer::es256("2"));
    let c = AuthServer::with_keys([&old, &new]).await;
    let settings = LocalSettings::default().key_max_age(Duration::from_secs(60));
    let (verifier, token) = (c.local_verifier_with(settings), old.token());
    verifier.verify(&token).await.unwrap();
    c.jwks.respond(keys([&new]));
    c.advance_clock(59);
    verifier.verify(&token).await.unwrap();
    assert_eq!(c.request_count(JWKS).await, 1);
    c.advance_clock(1);
    until("the old key is rejected", async || verifier.verify(&token).await.is_err()).await;
    let error = verifier.verify(&token).await.unwrap_err();
    assert!(matches!(error, VerifyError::Invalid { rule: Some(Rule::Key), .. }), "{error}");
    verifier.verify(&new.token()).await.unwrap();
}

#[tokio::test]
async fn old_keys_stay_in_use_if_refresh_fails() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    let verifier = c.local_verifier();
    verifier.verify(&signer.token()).await.unwrap();
    c.jwks.respond(status(500));
    c.advance_clock(600);
    verifier.verify(&signer.token_number(2)).await.unwrap();
    until("the keys are fetched again", async || c.request_count(JWKS).await >= 2).await;
    for number in 3..50 {
        verifier.verify(&signer.token_number(number)).await.unwrap();
    }
    assert_eq!(c.request_count(JWKS).await, 2, "one refresh, not one for each token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_callers_share_one_key_request_timeout() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    c.jwks.respond(keys([&signer]).set_delay(Duration::from_secs(60)));
    let verifier = c
        .builder()
        .local(LocalSettings::default())
        .http_client(short_timeout_client())
        .build()
        .unwrap();
    assert!(
        verify_all(&verifier, (0..50).map(|n| signer.token_number(n)))
            .await
            .iter()
            .all(|accepted| !accepted)
    );
    assert_eq!(c.request_count(JWKS).await, 1);
    c.jwks.respond(keys([&signer]));
    c.advance_clock(1);
    verifier.verify(&signer.token()).await.unwrap();
}

#[tokio::test]
async fn verifier_is_ready_once_keys_are_loaded() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    c.jwks.respond(status(500));
    let verifier = c.local_verifier();
    assert!(!verifier.is_ready());
    expect_unavailable(verifier.warm_up().await);
    assert!(!verifier.is_ready());
    c.jwks.respond(keys([&signer]));
    c.advance_clock(1);
    verifier.warm_up().await.unwrap();
    assert!(verifier.is_ready());
    c.jwks.respond(status(500));
    assert!(verifier.is_ready(), "stays ready during an outage of the issuer");
}

#[tokio::test]
async fn provided_keys_are_used_without_requests() {
    let [first, second] = ["1", "2"].map(Signer::es256);
    let c = AuthServer::with_keys([]).await;
    let verifier = c.local_verifier();
    assert!(!verifier.is_ready());
    let jwks = |signer: &Signer| json!({ "keys": [signer.jwk()] }).to_string();
    verifier.set_keys(&jwks(&first)).unwrap();
    assert!(verifier.is_ready());
    verifier.verify(&first.token()).await.unwrap();
    verifier.set_keys(&jwks(&second)).unwrap();
    verifier.verify(&second.token()).await.unwrap();
    assert_eq!((c.request_count(METADATA).await, c.request_count(JWKS).await), (0, 0));
    assert!(verifier.verify(&first.token()).await.is_err(), "its key was replaced");
}

#[tokio::test]
async fn unusable_key_sets_do_not_replace_the_keys() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([]).await;
    let verifier = c.local_verifier();
    verifier.set_keys(&json!({ "keys": [signer.jwk()] }).to_string()).unwrap();
    let private = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "d": "x" }] }).to_string();
    for jwks in ["", "{}", r#"{"keys":[]}"#, &private] {
        expect_unavailable(verifier.set_keys(jwks));
    }
    verifier.verify(&signer.token()).await.unwrap();
    let introspecting = c.builder().introspection(introspection_settings()).build().unwrap();
    expect_unavailable(introspecting.set_keys(r#"{"keys":[]}"#));
}
