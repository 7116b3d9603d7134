//! Local verification of tokens that the issuer signed.

use flow_events::Rule;
use oauth_types::{AccessToken, ClientSecret};
use serde_json::{Value, json};
use test_support::signer::Signer;
use token_verifier::{BuildError, LocalSettings, Verifier, VerifyError};

use crate::{
    setup::{AuthServer, ISSUER, JWKS, NOW, RESOURCE, introspection_settings, violated_rule},
    signer::SignAccessToken,
};

#[tokio::test]
async fn valid_token_of_each_algorithm_is_accepted() {
    let signers = [Signer::es256("1"), Signer::eddsa("2"), Signer::rs256("3")];
    let c = AuthServer::with_keys(&signers).await;
    let verifier = c.local_verifier();
    for signer in &signers {
        let token = verifier.verify(&signer.token()).await.unwrap();
        assert_eq!(
            (token.subject(), token.client_id(), token.jti()),
            (Some("service-a"), Some("service-a"), Some("t-1"))
        );
        assert!(token.scope().contains("resource:read") && token.audience().contains(RESOURCE));
        assert_eq!(token.expires_at(), NOW + 1_800);
    }
    assert_eq!(c.request_count(JWKS).await, 1);
}

#[tokio::test]
async fn checks_run_in_order_and_are_emitted() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    let token = signer.token_with(|_, claims| claims["nbf"] = json!(NOW));
    let (outcome, checks) = c.record_checks(c.local_verifier().verify(&token)).await;
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

/// Returns the rule that a token violates if `change` is applied before signing.
async fn rule_violated_by(change: impl FnOnce(&mut Value, &mut Value)) -> Option<Rule> {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    violated_rule(c.local_verifier().verify(&signer.token_with(change)).await)
}

#[tokio::test]
async fn issuer_is_compared_byte_for_byte() {
    for iss in ["http://localhost:9000/", "HTTP://localhost:9000", "https://localhost:9000", ""] {
        assert_eq!(
            rule_violated_by(|_, claims| claims["iss"] = json!(iss)).await,
            Some(Rule::Issuer),
            "{iss}"
        );
    }
}

#[tokio::test]
async fn jwt_for_another_resource_is_rejected() {
    for aud in [
        json!("https://other.example"),
        json!(["https://b.example/api", "x"]),
        json!([]),
        json!("service-a"),
    ] {
        assert_eq!(
            rule_violated_by(|_, claims| claims["aud"] = aud.clone()).await,
            Some(Rule::Audience),
            "{aud}"
        );
    }
}

#[tokio::test]
async fn one_of_several_audiences_is_enough() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    let token =
        signer.token_with(|_, claims| claims["aud"] = json!(["https://other.example", RESOURCE]));
    c.local_verifier().verify(&token).await.unwrap();
}

/// RFC 3986 §6.2.3: URL libraries write the empty path as `/`.
#[tokio::test]
async fn audience_with_an_empty_path_is_accepted_with_and_without_slash() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    for aud in ["https://b.example", "https://b.example/"] {
        let token = signer.token_with(|_, claims| claims["aud"] = json!(aud));
        c.local_verifier().verify(&token).await.unwrap();
    }
}

#[tokio::test]
async fn jwt_of_another_type_is_rejected() {
    for typ in [Some("JWT"), Some("logout+jwt"), None] {
        let set_type = |header: &mut Value| match typ {
            Some(typ) => header["typ"] = json!(typ),
            None => drop(header.as_object_mut().unwrap().remove("typ")),
        };
        let rule = rule_violated_by(|header, _| set_type(header)).await;
        assert_eq!(rule, Some(Rule::Type), "{typ:?}");
    }
}

#[tokio::test]
async fn id_token_is_rejected() {
    let id_token = |header: &mut Value, claims: &mut Value| {
        header["typ"] = json!("JWT");
        *claims = json!({ "iss": ISSUER, "sub": "alice", "aud": RESOURCE, "exp": NOW + 300, "iat": NOW, "nonce": "n" });
    };
    assert_eq!(rule_violated_by(id_token).await, Some(Rule::Type));
}

#[tokio::test]
async fn token_times_have_five_seconds_of_leeway() {
    let cases = [
        ("exp", NOW - 4, None),
        ("exp", NOW - 5, Some(Rule::Expiry)),
        ("nbf", NOW + 5, None),
        ("nbf", NOW + 6, Some(Rule::NotBefore)),
        ("iat", NOW + 5, None),
        ("iat", NOW + 6, Some(Rule::IssuedAt)),
        ("exp", 0, Some(Rule::Expiry)),
        ("iat", 253_402_300_799, Some(Rule::IssuedAt)),
    ];
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    let verifier = c.local_verifier();
    for (claim, at, rule) in cases {
        let outcome =
            verifier.verify(&signer.token_with(|_, claims| claims[claim] = json!(at))).await;
        match rule {
            None => assert!(outcome.is_ok(), "{claim} {at}: {outcome:?}"),
            Some(_) => assert_eq!(violated_rule(outcome), rule, "{claim} {at}"),
        }
    }
}

/// RFC 7519 §2: a `NumericDate` may have a fraction, which counts.
#[tokio::test]
async fn fractions_of_token_times_are_compared() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    let verifier = c.local_verifier();
    let now = NOW as f64;
    for (claim, at, rule) in [
        ("exp", now - 4.5, None),
        ("exp", now - 5.5, Some(Rule::Expiry)),
        ("nbf", now + 4.5, None),
        ("nbf", now + 5.5, Some(Rule::NotBefore)),
        ("iat", now + 4.5, None),
        ("iat", now + 5.5, Some(Rule::IssuedAt)),
    ] {
        let token = signer.token_with(|_, claims| claims[claim] = json!(at));
        let outcome = verifier.verify(&token).await;
        match rule {
            None => assert!(outcome.is_ok(), "{claim} {at}: {outcome:?}"),
            Some(_) => assert_eq!(violated_rule(outcome), rule, "{claim} {at}"),
        }
    }
}

#[tokio::test]
async fn error_names_the_missing_claim() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    for claim in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"] {
        let token =
            signer.token_with(|_, claims| drop(claims.as_object_mut().unwrap().remove(claim)));
        let error = c.local_verifier().verify(&token).await.unwrap_err();
        assert!(error.to_string().contains(&format!("no {claim},")), "{error}");
    }
}

#[tokio::test]
async fn error_does_not_quote_claim_of_wrong_type() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    let token = signer.token_with(|_, claims| claims["exp"] = json!("quoted-value"));
    let error = c.local_verifier().verify(&token).await.unwrap_err();
    assert!(
        matches!(&error, VerifyError::Invalid { rule: None, reason } if !reason.contains("quoted-value")),
        "{error}"
    );
}

#[tokio::test]
async fn opaque_token_error_suggests_introspection() {
    let c = AuthServer::with_keys([&Signer::es256("1")]).await;
    let error = c.local_verifier().verify(&AccessToken::new("gpat_opaque")).await.unwrap_err();
    assert!(
        error.to_string().contains("opaque") && error.to_string().contains("introspection"),
        "{error}"
    );
    assert_eq!(c.request_count(JWKS).await, 0);
}

#[tokio::test]
async fn overlong_token_is_rejected_without_requests() {
    let c = AuthServer::with_keys([&Signer::es256("1")]).await;
    let verifier = c
        .builder()
        .local(LocalSettings::default())
        .introspection(introspection_settings())
        .build()
        .unwrap();
    for overlong in ["a".repeat(16 * 1_024 + 1), format!("a.b.{}", "c".repeat(16 * 1_024))] {
        assert_eq!(violated_rule(verifier.verify(&AccessToken::new(overlong)).await), None);
    }
    assert_eq!(c.server.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn hs256_requires_a_configured_secret() {
    const SECRET: &str = "a secret of at least thirty-two bytes";
    let c = AuthServer::with_keys([]).await;
    let token = Signer::hs256("shared", SECRET.as_bytes()).token();
    assert_eq!(violated_rule(c.local_verifier().verify(&token).await), Some(Rule::Algorithm));
    let with_secret = |secret: &str| {
        let settings = LocalSettings::default().hs256_secret(ClientSecret::new(secret));
        c.builder().local(settings).build()
    };
    with_secret(SECRET).unwrap().verify(&token).await.unwrap();
    assert!(matches!(with_secret(&SECRET[..31]), Err(BuildError::ShortSecret)));
}

#[tokio::test]
async fn invalid_configuration_is_rejected() {
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
async fn verified_token_is_cached_until_it_expires() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    let (verifier, token) = (c.local_verifier(), signer.token());
    let first = verifier.verify(&token).await.unwrap();
    let (second, checks) = c.record_checks(verifier.verify(&token)).await;
    assert!(std::sync::Arc::ptr_eq(&first, &second.unwrap()), "the cached result is returned");
    assert!(checks.len() == 1 && checks[0].rule == Rule::Cached && checks[0].passed, "{checks:?}");
    c.advance_clock(1_804);
    verifier.verify(&token).await.unwrap();
    c.advance_clock(1);
    assert_eq!(violated_rule(verifier.verify(&token).await), Some(Rule::Expiry));
}

#[tokio::test]
async fn rejected_token_is_not_cached() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    let (verifier, token) =
        (c.local_verifier(), signer.token_with(|_, claims| claims["nbf"] = json!(NOW + 60)));
    assert_eq!(violated_rule(verifier.verify(&token).await), Some(Rule::NotBefore));
    c.advance_clock(60);
    verifier.verify(&token).await.unwrap();
}
