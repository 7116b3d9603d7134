//! Honest tokens, and honest tokens that are not for us or not for now.

use flow_events::Rule;
use oauth_types::{AccessToken, ClientSecret};
use serde_json::{Value, json};
use token_verifier::{BuildError, LocalSettings, Verifier, VerifyError};

use crate::{
    setup::{C, ISSUER, JWKS, NOW, RESOURCE, broken, introspection},
    signer::Signer,
};

#[tokio::test]
async fn a_good_token_of_each_algorithm_is_found_good() {
    let signers = [Signer::es256("1"), Signer::eddsa("2"), Signer::rs256("3")];
    let c = C::with_keys(&signers).await;
    let verifier = c.local();
    for signer in &signers {
        let token = verifier.verify(&signer.token()).await.unwrap();
        assert_eq!(
            (token.subject(), token.client_id(), token.jti()),
            (Some("service-a"), Some("service-a"), Some("t-1"))
        );
        assert!(token.scope().contains("resource:read") && token.audience().contains(RESOURCE));
        assert_eq!(token.expires_at(), NOW + 1_800);
    }
    assert_eq!(c.asked(JWKS).await, 1);
}

#[tokio::test]
async fn checks_run_in_order_and_are_emitted() {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    let token = signer.token_with(|_, claims| claims["nbf"] = json!(NOW));
    let (outcome, checks) = c.checks(c.local().verify(&token)).await;
    outcome.unwrap();
    let rules: Vec<_> = checks.iter().map(|check| check.rule).collect();
    let order = [
        Rule::Algorithm,
        Rule::Type,
        Rule::Key,
        Rule::Signature,
        Rule::Issuer,
        Rule::Audience,
        Rule::Expiry,
        Rule::NotBefore,
        Rule::IssuedAt,
    ];
    assert_eq!(rules, order);
    assert!(checks.iter().all(|check| check.passed));
}

/// The rule that a token breaks whose claims were changed before they were signed.
async fn rule_broken_by(change: impl FnOnce(&mut Value, &mut Value)) -> Option<Rule> {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    broken(c.local().verify(&signer.token_with(change)).await)
}

#[tokio::test]
async fn an_issuer_that_differs_in_one_byte_is_another() {
    for iss in ["http://localhost:9000/", "HTTP://localhost:9000", "https://localhost:9000", ""] {
        assert_eq!(
            rule_broken_by(|_, claims| claims["iss"] = json!(iss)).await,
            Some(Rule::Issuer),
            "{iss}"
        );
    }
}

#[tokio::test]
async fn another_resources_token_is_refused() {
    for aud in [
        json!("https://other.example"),
        json!(["https://b.example/", "x"]),
        json!([]),
        json!("service-a"),
    ] {
        assert_eq!(
            rule_broken_by(|_, claims| claims["aud"] = aud.clone()).await,
            Some(Rule::Audience),
            "{aud}"
        );
    }
}

#[tokio::test]
async fn one_of_several_audiences_is_enough() {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    let token =
        signer.token_with(|_, claims| claims["aud"] = json!(["https://other.example", RESOURCE]));
    c.local().verify(&token).await.unwrap();
}

#[tokio::test]
async fn a_jwt_of_another_type_is_no_access_token() {
    for typ in [json!("JWT"), json!("logout+jwt"), Value::Null] {
        assert_eq!(
            rule_broken_by(|header, _| header["typ"] = typ.clone()).await,
            Some(Rule::Type),
            "{typ}"
        );
    }
}

#[tokio::test]
async fn an_id_token_is_no_access_token() {
    let id_token = |header: &mut Value, claims: &mut Value| {
        header["typ"] = json!("JWT");
        *claims = json!({ "iss": ISSUER, "sub": "alice", "aud": RESOURCE, "exp": NOW + 300, "iat": NOW, "nonce": "n" });
    };
    assert_eq!(rule_broken_by(id_token).await, Some(Rule::Type));
}

#[tokio::test]
async fn times_are_kept_to_the_second_with_a_leeway_of_five() {
    let cases = [
        ("exp", NOW - 4, None),
        ("exp", NOW - 5, Some(Rule::Expiry)),
        ("nbf", NOW + 5, None),
        ("nbf", NOW + 6, Some(Rule::NotBefore)),
        ("iat", NOW + 5, None),
        ("iat", NOW + 6, Some(Rule::IssuedAt)),
        ("exp", i64::MIN, Some(Rule::Expiry)),
        ("iat", i64::MAX, Some(Rule::IssuedAt)),
    ];
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    let verifier = c.local();
    for (claim, at, rule) in cases {
        let outcome =
            verifier.verify(&signer.token_with(|_, claims| claims[claim] = json!(at))).await;
        match rule {
            None => assert!(outcome.is_ok(), "{claim} {at}: {outcome:?}"),
            Some(_) => assert_eq!(broken(outcome), rule, "{claim} {at}"),
        }
    }
}

#[tokio::test]
async fn a_missing_claim_is_named() {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    for claim in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"] {
        let token =
            signer.token_with(|_, claims| drop(claims.as_object_mut().unwrap().remove(claim)));
        let error = c.local().verify(&token).await.unwrap_err();
        assert!(error.to_string().contains(&format!("no {claim},")), "{error}");
    }
}

#[tokio::test]
async fn a_claim_of_the_wrong_kind_is_refused_without_being_quoted() {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    let token = signer.token_with(|_, claims| claims["exp"] = json!("quoted-value"));
    let error = c.local().verify(&token).await.unwrap_err();
    assert!(
        matches!(&error, VerifyError::Invalid { rule: None, reason } if !reason.contains("quoted-value")),
        "{error}"
    );
}

#[tokio::test]
async fn an_opaque_token_at_a_local_verifier_is_refused_with_what_to_do() {
    let c = C::with_keys([&Signer::es256("1")]).await;
    let error = c.local().verify(&AccessToken::new("gpat_opaque")).await.unwrap_err();
    assert!(
        error.to_string().contains("opaque") && error.to_string().contains("introspection"),
        "{error}"
    );
    assert_eq!(c.asked(JWKS).await, 0);
}

#[tokio::test]
async fn a_token_of_no_honest_length_is_refused_at_once() {
    let c = C::with_keys([&Signer::es256("1")]).await;
    let verifier =
        c.builder().local(LocalSettings::default()).introspection(introspection()).build().unwrap();
    for long in ["a".repeat(16 * 1_024 + 1), format!("a.b.{}", "c".repeat(16 * 1_024))] {
        assert_eq!(broken(verifier.verify(&AccessToken::new(long)).await), None);
    }
    assert_eq!(c.server.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn hs256_is_taken_only_with_a_secret_that_was_set_and_whatever_its_kid() {
    const SHARED: &str = "a secret of at least thirty-two bytes";
    let c = C::with_keys([]).await;
    let token = Signer::hs256(SHARED.as_bytes()).token();
    assert_eq!(broken(c.local().verify(&token).await), Some(Rule::Algorithm));
    let with_secret = |secret: &str| {
        let settings = LocalSettings {
            hs256_secret: Some(ClientSecret::new(secret)),
            ..LocalSettings::default()
        };
        c.builder().local(settings).build()
    };
    with_secret(SHARED).unwrap().verify(&token).await.unwrap();
    assert!(matches!(with_secret(&SHARED[..31]), Err(BuildError::ShortSecret)));
}

#[tokio::test]
async fn what_cannot_work_is_refused_when_it_is_built() {
    let build = |issuer: &str, resource: &str| {
        Verifier::builder(issuer, resource).local(LocalSettings::default()).build()
    };
    assert!(matches!(build("c.example", RESOURCE), Err(BuildError::Issuer(_))));
    assert!(matches!(build(ISSUER, "https://b.example#x"), Err(BuildError::Resource(_))));
    assert!(matches!(
        Verifier::builder(ISSUER, RESOURCE).build(),
        Err(BuildError::NoMethodConfigured)
    ));
}

#[tokio::test]
async fn a_token_is_remembered_and_not_past_its_end() {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    let (verifier, token) = (c.local(), signer.token());
    let first = verifier.verify(&token).await.unwrap();
    let (second, checks) = c.checks(verifier.verify(&token)).await;
    assert!(std::sync::Arc::ptr_eq(&first, &second.unwrap()), "nothing was verified again");
    assert!(checks.len() == 1 && checks[0].rule == Rule::Cached && checks[0].passed, "{checks:?}");
    c.wait(1_804);
    verifier.verify(&token).await.unwrap();
    c.wait(1);
    assert_eq!(broken(verifier.verify(&token).await), Some(Rule::Expiry));
}

#[tokio::test]
async fn what_was_refused_is_not_remembered_as_good() {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    let (verifier, token) =
        (c.local(), signer.token_with(|_, claims| claims["nbf"] = json!(NOW + 60)));
    assert_eq!(broken(verifier.verify(&token).await), Some(Rule::NotBefore));
    c.wait(60);
    verifier.verify(&token).await.unwrap();
}
