//! Tokens that somebody made who had no right to.

use flow_events::Rule;
use oauth_types::{AccessToken, ClientSecret};
use serde_json::{Value, json};
use token_verifier::LocalSettings;

use crate::{
    setup::{C, broken},
    signer::{Signer, part},
};

/// What becomes of a token at a B whose C publishes `honest`.
async fn rule_that_stops(honest: &Signer, token: &AccessToken) -> Option<Rule> {
    let c = C::with_keys([honest]).await;
    broken(c.local().verify(token).await)
}

fn pieces(token: &AccessToken) -> Vec<String> {
    token.expose().split('.').map(str::to_owned).collect()
}

#[tokio::test]
async fn alg_none_is_refused_however_it_is_spelled() {
    let honest = Signer::es256("1");
    for alg in ["none", "None", "NONE", ""] {
        let header = part(&json!({ "alg": alg, "typ": "at+jwt", "kid": "1" }));
        let token = AccessToken::new(format!("{header}.{}.", pieces(&honest.token())[1]));
        assert_eq!(rule_that_stops(&honest, &token).await, Some(Rule::Algorithm), "{alg:?}");
    }
}

#[tokio::test]
async fn an_empty_signature_is_no_signature() {
    let honest = Signer::es256("1");
    let pieces = pieces(&honest.token());
    let token = AccessToken::new(format!("{}.{}.", pieces[0], pieces[1]));
    assert_eq!(rule_that_stops(&honest, &token).await, Some(Rule::Signature));
}

/// RFC 8725 §2.1: everybody has the public key, so as an HMAC secret it proves nothing.
#[tokio::test]
async fn hs256_with_the_bytes_of_the_public_key_is_refused() {
    for honest in [Signer::es256("1"), Signer::rs256("1")] {
        let jwk = honest.jwk();
        let public = jwk["n"].as_str().or(jwk["x"].as_str()).unwrap();
        let token =
            Signer::hs256(public.as_bytes()).token_with(|header, _| header["kid"] = json!("1"));
        assert_eq!(rule_that_stops(&honest, &token).await, Some(Rule::Algorithm));
    }
}

#[tokio::test]
async fn hs256_with_the_public_key_is_refused_also_where_hs256_is_taken() {
    let honest = Signer::es256("1");
    let c = C::with_keys([&honest]).await;
    let secret = ClientSecret::new("a secret of at least thirty-two bytes");
    let verifier =
        c.local_with(LocalSettings { hs256_secret: Some(secret), ..LocalSettings::default() });
    let public = honest.jwk()["x"].as_str().unwrap().to_owned();
    let token = Signer::hs256(public.as_bytes()).token_with(|header, _| header["kid"] = json!("1"));
    assert_eq!(broken(verifier.verify(&token).await), Some(Rule::Signature));
}

#[tokio::test]
async fn an_allowed_algorithm_that_is_not_the_keys_own_is_refused() {
    let honest = Signer::es256("1");
    for other in [Signer::rs256("1"), Signer::eddsa("1")] {
        assert_eq!(rule_that_stops(&honest, &other.token()).await, Some(Rule::Algorithm));
    }
}

#[tokio::test]
async fn an_algorithm_off_the_list_is_refused_though_its_key_is_published() {
    let honest = Signer::rs256("1");
    let c = C::with_keys([&honest]).await;
    let settings = LocalSettings {
        algorithms: vec![token_verifier::Algorithm::ES256],
        ..LocalSettings::default()
    };
    assert_eq!(broken(c.local_with(settings).verify(&honest.token()).await), Some(Rule::Algorithm));
}

#[tokio::test]
async fn a_kid_is_a_name_and_neither_path_nor_query() {
    let (honest, thief) = (Signer::es256("1"), Signer::es256("2"));
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
        let token = thief.token_with(|header, _| header["kid"] = json!(kid));
        assert_eq!(rule_that_stops(&honest, &token).await, Some(Rule::Key), "{kid:?}");
    }
}

#[tokio::test]
async fn a_missing_kid_is_not_guessed() {
    let honest = Signer::es256("1");
    let token = honest.token_with(|header, _| drop(header.as_object_mut().unwrap().remove("kid")));
    assert_eq!(rule_that_stops(&honest, &token).await, Some(Rule::Key));
}

#[tokio::test]
async fn a_kid_that_is_no_text_makes_it_no_jwt() {
    let honest = Signer::es256("1");
    let token = honest.token_with(|header, _| header["kid"] = json!(["1"]));
    assert_eq!(rule_that_stops(&honest, &token).await, None);
}

/// The thief's key travels in the token, or is said to lie at the thief's address: neither is
/// looked at.
#[tokio::test]
async fn a_key_that_the_token_brings_along_is_ignored() {
    let (honest, thief) = (Signer::es256("1"), Signer::es256("1"));
    let c = C::with_keys([&honest]).await;
    let verifier = c.local();
    let evil = wiremock::MockServer::start().await;
    let members: [(&str, Value); 3] = [
        ("jwk", thief.jwk()),
        ("jku", json!(format!("{}/jwks.json", evil.uri()))),
        ("x5u", json!(evil.uri())),
    ];
    for (member, value) in members {
        let token = thief.token_with(|header, _| header[member] = value);
        assert_eq!(broken(verifier.verify(&token).await), Some(Rule::Signature), "{member}");
    }
    assert_eq!(
        evil.received_requests().await.unwrap().len(),
        0,
        "nobody went to the thief's address"
    );
}

#[tokio::test]
async fn a_critical_extension_that_is_not_understood_is_refused() {
    let honest = Signer::es256("1");
    let token = honest.token_with(|header, _| header["crit"] = json!(["exp"]));
    assert_eq!(rule_that_stops(&honest, &token).await, None);
}

#[tokio::test]
async fn a_changed_payload_or_signature_is_refused_and_nothing_of_it_is_read() {
    let honest = Signer::es256("1");
    let c = C::with_keys([&honest]).await;
    let verifier = c.local();
    let (good, richer) =
        (honest.token(), honest.token_with(|_, claims| claims["scope"] = json!("resource:write")));
    let (good, richer) = (pieces(&good), pieces(&richer));
    let flipped = if good[2].starts_with('A') { "B" } else { "A" }.to_owned() + &good[2][1..];
    for forged in [
        [&good[0], &richer[1], &good[2]],
        [&good[0], &good[1], &flipped],
        [&good[0], &good[1], &richer[2]],
    ] {
        let token = AccessToken::new(forged.map(String::as_str).join("."));
        let (outcome, checks) = c.checks(verifier.verify(&token)).await;
        assert_eq!(broken(outcome), Some(Rule::Signature));
        let last = checks.last().unwrap();
        assert!(
            last.rule == Rule::Signature && !last.passed,
            "no claim is checked after a wrong signature: {checks:?}"
        );
    }
}

#[tokio::test]
async fn another_issuers_key_of_the_same_name_does_not_help() {
    let token = Signer::es256("1").token();
    assert_eq!(rule_that_stops(&Signer::es256("1"), &token).await, Some(Rule::Signature));
}
