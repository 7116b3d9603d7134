//! Tokens that were not signed by the issuer.

use flow_events::Rule;
use oauth_types::{AccessToken, ClientSecret};
use serde_json::{Value, json};
use test_support::signer::{Signer, jwt_part};
use token_verifier::LocalSettings;

use crate::{
    setup::{AuthServer, violated_rule},
    signer::SignAccessToken,
};

/// Returns the rule that `token` violates if only the key of `issuer` is published.
async fn rule_violated_by(issuer: &Signer, token: &AccessToken) -> Option<Rule> {
    let c = AuthServer::with_keys([issuer]).await;
    violated_rule(c.local_verifier().verify(token).await)
}

fn segments(token: &AccessToken) -> Vec<String> {
    token.expose().split('.').map(str::to_owned).collect()
}

#[tokio::test]
async fn alg_none_is_rejected_in_every_spelling() {
    let issuer = Signer::es256("1");
    for alg in ["none", "None", "NONE", ""] {
        let header = jwt_part(&json!({ "alg": alg, "typ": "at+jwt", "kid": "1" }));
        let token = AccessToken::new(format!("{header}.{}.", segments(&issuer.token())[1]));
        assert_eq!(rule_violated_by(&issuer, &token).await, Some(Rule::Algorithm), "{alg:?}");
    }
}

#[tokio::test]
async fn empty_signature_is_rejected() {
    let issuer = Signer::es256("1");
    let segments = segments(&issuer.token());
    let token = AccessToken::new(format!("{}.{}.", segments[0], segments[1]));
    assert_eq!(rule_violated_by(&issuer, &token).await, Some(Rule::Signature));
}

/// A public key is known to everyone, so an HMAC under it proves nothing (RFC 8725 §2.1).
#[tokio::test]
async fn hs256_signed_with_public_key_is_rejected() {
    for issuer in [Signer::es256("1"), Signer::rs256("1")] {
        let jwk = issuer.jwk();
        let public = jwk["n"].as_str().or(jwk["x"].as_str()).unwrap();
        let token = Signer::hs256("shared", public.as_bytes())
            .token_with(|header, _| header["kid"] = json!("1"));
        assert_eq!(rule_violated_by(&issuer, &token).await, Some(Rule::Algorithm));
    }
}

#[tokio::test]
async fn public_key_is_rejected_as_secret_if_hs256_is_enabled() {
    let issuer = Signer::es256("1");
    let c = AuthServer::with_keys([&issuer]).await;
    let secret = ClientSecret::new("a secret of at least thirty-two bytes");
    let verifier = c.local_verifier_with(LocalSettings::default().hs256_secret(secret));
    let public = issuer.jwk()["x"].as_str().unwrap().to_owned();
    let token = Signer::hs256("shared", public.as_bytes())
        .token_with(|header, _| header["kid"] = json!("1"));
    assert_eq!(violated_rule(verifier.verify(&token).await), Some(Rule::Signature));
}

#[tokio::test]
async fn algorithm_that_does_not_match_the_key_is_rejected() {
    let issuer = Signer::es256("1");
    for other in [Signer::rs256("1"), Signer::eddsa("1")] {
        assert_eq!(rule_violated_by(&issuer, &other.token()).await, Some(Rule::Algorithm));
    }
}

#[tokio::test]
async fn algorithm_that_is_not_configured_is_rejected() {
    let issuer = Signer::rs256("1");
    let c = AuthServer::with_keys([&issuer]).await;
    let settings = LocalSettings::default().algorithms([token_verifier::Algorithm::ES256]);
    assert_eq!(
        violated_rule(c.local_verifier_with(settings).verify(&issuer.token()).await),
        Some(Rule::Algorithm)
    );
}

#[tokio::test]
async fn kid_is_matched_as_a_plain_string() {
    let (issuer, attacker) = (Signer::es256("1"), Signer::es256("2"));
    let long = "1".repeat(5_000);
    for kid in [
        "../../../../dev/null",
        "1' OR '1'='1",
        "http://evil.example/jwks.json",
        "",
        "1\0",
        " 1",
        &long,
    ] {
        let token = attacker.token_with(|header, _| header["kid"] = json!(kid));
        assert_eq!(rule_violated_by(&issuer, &token).await, Some(Rule::Key), "{kid:?}");
    }
}

#[tokio::test]
async fn token_without_kid_is_verified_by_the_only_key_of_its_algorithm() {
    let (issuer, attacker) = (Signer::es256("1"), Signer::es256("2"));
    let without_kid = |signer: &Signer| {
        signer.token_with(|header, _| drop(header.as_object_mut().unwrap().remove("kid")))
    };
    let c = AuthServer::with_keys([&issuer]).await;
    assert!(c.local_verifier().verify(&without_kid(&issuer)).await.is_ok());
    let forged = without_kid(&attacker);
    assert_eq!(rule_violated_by(&issuer, &forged).await, Some(Rule::Signature));
}

#[tokio::test]
async fn kid_that_is_not_a_string_is_rejected() {
    let issuer = Signer::es256("1");
    let token = issuer.token_with(|header, _| header["kid"] = json!(["1"]));
    assert_eq!(rule_violated_by(&issuer, &token).await, None);
}

/// The header carries the attacker's key, or a URL at which it is published.
#[tokio::test]
async fn keys_in_the_token_header_are_ignored() {
    let (issuer, attacker) = (Signer::es256("1"), Signer::es256("1"));
    let c = AuthServer::with_keys([&issuer]).await;
    let verifier = c.local_verifier();
    let key_host = wiremock::MockServer::start().await;
    let members: [(&str, Value); 3] = [
        ("jwk", attacker.jwk()),
        ("jku", json!(format!("{}/jwks.json", key_host.uri()))),
        ("x5u", json!(key_host.uri())),
    ];
    for (member, value) in members {
        let token = attacker.token_with(|header, _| header[member] = value);
        assert_eq!(violated_rule(verifier.verify(&token).await), Some(Rule::Signature), "{member}");
    }
    assert_eq!(
        key_host.received_requests().await.unwrap().len(),
        0,
        "the URLs in the header are not fetched"
    );
}

#[tokio::test]
async fn unknown_critical_extension_is_rejected() {
    let issuer = Signer::es256("1");
    let token = issuer.token_with(|header, _| header["crit"] = json!(["exp"]));
    assert_eq!(rule_violated_by(&issuer, &token).await, None);
}

#[tokio::test]
async fn claims_are_not_checked_after_an_invalid_signature() {
    let issuer = Signer::es256("1");
    let c = AuthServer::with_keys([&issuer]).await;
    let verifier = c.local_verifier();
    let (original, more_scope) =
        (issuer.token(), issuer.token_with(|_, claims| claims["scope"] = json!("resource:write")));
    let (original, more_scope) = (segments(&original), segments(&more_scope));
    let changed_signature =
        if original[2].starts_with('A') { "B" } else { "A" }.to_owned() + &original[2][1..];
    for forged in [
        [&original[0], &more_scope[1], &original[2]],
        [&original[0], &original[1], &changed_signature],
        [&original[0], &original[1], &more_scope[2]],
    ] {
        let token = AccessToken::new(forged.map(String::as_str).join("."));
        let (outcome, checks) = c.record_checks(verifier.verify(&token)).await;
        assert_eq!(violated_rule(outcome), Some(Rule::Signature));
        let last = checks.last().unwrap();
        assert!(
            last.rule == Rule::Signature && !last.passed,
            "no claim is checked after a wrong signature: {checks:?}"
        );
    }
}

#[tokio::test]
async fn foreign_key_with_the_same_kid_is_rejected() {
    let token = Signer::es256("1").token();
    assert_eq!(rule_violated_by(&Signer::es256("1"), &token).await, Some(Rule::Signature));
}
