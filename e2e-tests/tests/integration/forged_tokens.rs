//! Forged access tokens. Those signed with C's own private key prove that B checks every claim, not
//! only the signature.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use e2e_tests::{
    forged_tokens::{Forger, claims, header, hmac_signed, under_signature_of, unsigned, with},
    harness::{Harness, ResourceServer},
    http::{ResponseAssertions, send, url},
};
use gatepass::StackSettings;
use pem::{EncodeConfig, LineEnding, Pem};
use serde_json::{Value, json};

/// Asserts that B rejects a token. The local B names the rule that it breaks.
async fn assert_rejected(
    harness: &Harness,
    b: ResourceServer,
    what: &str,
    forged: &str,
    rule: &str,
) {
    let response = harness.call_b(b, forged).await;
    assert_eq!(response.status, 401, "{what}, {b:?}: {response:?}");
    response.assert_rejected(
        401,
        "invalid_token",
        if b == ResourceServer::Local { rule } else { "" },
    );
}

async fn jwk(harness: &Harness, kid: &str) -> Value {
    let jwks = send(harness.http.get(url(harness.addresses.auth_server, "/.well-known/jwks.json")))
        .await
        .json();
    jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid).unwrap().clone()
}

/// The forms of the public key that a B could mistake for an HMAC secret if it trusted the header's
/// `alg` (RFC 8725 §2.1).
fn public_key_as_secrets(jwk: &Value) -> Vec<Vec<u8>> {
    let coordinate =
        |name: &str| BASE64_URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let spki =
        [&BASE64_STANDARD.decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=").unwrap()[..], &point]
            .concat();
    let unix = EncodeConfig::new().set_line_ending(LineEnding::LF);
    let pem = pem::encode_config(&Pem::new("PUBLIC KEY", &*spki), unix);
    vec![
        point[1..].to_vec(),
        point,
        spki,
        pem.into_bytes(),
        jwk.to_string().into_bytes(),
        Vec::from("abc123"),
    ]
}

#[tokio::test]
async fn unsigned_tokens_are_rejected() {
    let harness = Harness::start().await;
    for b in ResourceServer::BOTH {
        let token = harness.access_token("service-a", b).await;
        let (header, claims) = (header(&token), claims(&token));
        for alg in ["none", "None", "NONE", "nOnE", ""] {
            let forged = unsigned(&with(&header, "alg", alg), &claims);
            assert_rejected(&harness, b, alg, &forged, "signature algorithm is not accepted").await;
            let forged = under_signature_of(&token, &with(&header, "alg", alg), &claims);
            assert_rejected(&harness, b, alg, &forged, "signature algorithm is not accepted").await;
        }
        assert_rejected(
            &harness,
            b,
            "the signature cut off",
            &unsigned(&header, &claims),
            "signature is invalid",
        )
        .await;
        assert_rejected(
            &harness,
            b,
            "no third part",
            token.rsplit_once('.').unwrap().0,
            "not a JWT",
        )
        .await;
        assert_eq!(harness.call_b(b, &token).await.status, 200);
    }
}

#[tokio::test]
async fn public_key_is_not_accepted_as_hmac_secret() {
    let harness = Harness::start().await;
    for b in ResourceServer::BOTH {
        let token = harness.access_token("service-a", b).await;
        let jwk = jwk(&harness, header(&token)["kid"].as_str().unwrap()).await;
        for secret in public_key_as_secrets(&jwk) {
            let forged =
                hmac_signed(&with(&header(&token), "alg", "HS256"), &claims(&token), &secret);
            assert_rejected(&harness, b, "HS256", &forged, "signature algorithm is not accepted")
                .await;
        }
    }
}

#[tokio::test]
async fn public_key_is_not_accepted_as_hmac_secret_even_with_hs256_enabled() {
    let secret = "a secret of C and B, 32 bytes long";
    let shared = || Some(service_kit::SecretSetting::new(secret));
    let harness =
        Harness::start_with(|settings| settings.b_local.local.hs256_secret = shared()).await;
    let token = harness.access_token("service-a", ResourceServer::Local).await;
    let jwk = jwk(&harness, header(&token)["kid"].as_str().unwrap()).await;
    for secret in public_key_as_secrets(&jwk) {
        let forged = hmac_signed(&with(&header(&token), "alg", "HS256"), &claims(&token), &secret);
        assert_rejected(&harness, ResourceServer::Local, "HS256", &forged, "signature is invalid")
            .await;
    }
    assert_eq!(harness.call_b(ResourceServer::Local, &token).await.status, 200);
}

#[tokio::test]
async fn keys_named_in_the_token_header_are_ignored() {
    // A second C with the same issuer and another key.
    let (harness, other) = (Harness::start().await, Harness::start().await);
    let forger = Forger::with_key_of(&*other.store().await).await;
    for b in ResourceServer::BOTH {
        let token = harness.access_token("service-a", b).await;
        let foreign = other.access_token("service-a", b).await;
        assert_eq!(other.call_b(b, &foreign).await.status, 200);
        assert_rejected(&harness, b, "a token of another C", &foreign, "unknown signing key").await;

        let claims = claims(&token);
        let foreign_jwk = jwk(&other, header(&foreign)["kid"].as_str().unwrap()).await;
        let jwks_url = url(other.addresses.auth_server, "/.well-known/jwks.json");
        let by_url = with(&with(&header(&foreign), "jku", jwks_url.clone()), "x5u", jwks_url);
        let embedded = with(&header(&foreign), "jwk", foreign_jwk);
        for (what, header) in [("jku", by_url), ("jwk", embedded)] {
            assert_rejected(
                &harness,
                b,
                what,
                &forger.sign(&header, &claims),
                "unknown signing key",
            )
            .await;
        }
        let with_kid_of_c = forger.sign(&header(&token), &claims);
        assert_rejected(&harness, b, "the kid of C", &with_kid_of_c, "signature is invalid").await;
        for kid in [
            "../../../../dev/null",
            "' OR 1=1 --",
            "http://evil.example/key",
            "",
            "\0",
            &"k".repeat(5_000),
        ] {
            let forged = forger.sign(&with(&header(&token), "kid", kid), &claims);
            assert_rejected(&harness, b, kid, &forged, "unknown signing key").await;
        }
        for kid in [json!(null), json!(1), json!(["a"]), json!({ "a": 1 })] {
            let forged = forger.sign(&with(&header(&token), "kid", kid.clone()), &claims);
            assert_rejected(&harness, b, &kid.to_string(), &forged, "").await;
        }
        assert_eq!(harness.call_b(b, &token).await.status, 200);
    }
}

#[tokio::test]
async fn tampered_tokens_are_rejected() {
    let harness = Harness::start().await;
    for b in ResourceServer::BOTH {
        let token = harness.access_token("reader", b).await;
        let (header, claims) = (header(&token), claims(&token));
        for (name, value) in [
            ("scope", "resource:read resource:write"),
            ("sub", "admin"),
            ("client_id", "service-a"),
        ] {
            let forged = under_signature_of(&token, &header, &with(&claims, name, value));
            assert_rejected(&harness, b, name, &forged, "signature is invalid").await;
        }
        let longer = with(&claims, "exp", claims["exp"].as_i64().unwrap() + 86_400);
        assert_rejected(
            &harness,
            b,
            "exp",
            &under_signature_of(&token, &header, &longer),
            "signature is invalid",
        )
        .await;
        for (position, byte) in token.bytes().enumerate().step_by(7) {
            let other = if byte == b'A' { 'B' } else { 'A' };
            let forged = format!("{}{other}{}", &token[..position], &token[position + 1..]);
            assert_rejected(&harness, b, &format!("byte {position}"), &forged, "").await;
        }
        for forged in
            [format!("{token}A"), format!("{token}="), format!("{token}.x"), token[1..].to_owned()]
        {
            let response = harness.call_b(b, &forged).await;
            assert!(matches!(response.status, 400 | 401), "{response:?}");
        }
        assert_eq!(harness.call_b(b, &token).await.status, 200);
    }
}

#[tokio::test]
async fn wrong_claims_are_rejected_despite_a_valid_signature() {
    let harness = Harness::start().await;
    let forger = Forger::with_key_of(&*harness.store().await).await;
    let now = harness.clock.seconds();
    for b in ResourceServer::BOTH {
        let token = harness.access_token("service-a", b).await;
        let (header, claims) = (header(&token), claims(&token));
        assert_eq!(
            harness.call_b(b, &forger.sign(&header, &claims)).await.status,
            200,
            "tokens with valid claims are accepted"
        );
        for (what, name, value, rule) in [
            ("another issuer", "iss", json!("http://evil.example"), "issuer does not match"),
            (
                "the issuer with a slash",
                "iss",
                json!("http://localhost:9000/"),
                "issuer does not match",
            ),
            ("another audience", "aud", json!("http://localhost:9999"), "is for another resource"),
            (
                "an audience with the same prefix",
                "aud",
                json!(format!("{}/x", b.resource())),
                "is for another resource",
            ),
            ("no audience", "aud", json!([]), "is for another resource"),
            ("expired", "exp", json!(now - 5), "has expired"),
            ("not yet valid", "nbf", json!(now + 6), "not yet valid"),
            ("issued in the future", "iat", json!(now + 6), "issued in the future"),
            ("expiry of the wrong type", "exp", json!("tomorrow"), "wrong type"),
        ] {
            assert_rejected(
                &harness,
                b,
                what,
                &forger.sign(&header, &with(&claims, name, value)),
                rule,
            )
            .await;
        }
        for name in ["iss", "aud", "exp", "iat", "sub", "client_id", "jti"] {
            let mut without = claims.clone();
            without.as_object_mut().unwrap().remove(name);
            assert_rejected(&harness, b, name, &forger.sign(&header, &without), name).await;
        }
    }
}

#[tokio::test]
async fn id_token_is_not_accepted_as_access_token() {
    let harness = Harness::start().await;
    let forger = Forger::with_key_of(&*harness.store().await).await;
    for b in ResourceServer::BOTH {
        let token = harness.access_token("service-a", b).await;
        let (header, claims) = (header(&token), claims(&token));
        for typ in ["JWT", "id+jwt", "logout+jwt", "at+jwt+x", ""] {
            let forged = forger.sign(&with(&header, "typ", typ), &claims);
            assert_rejected(&harness, b, typ, &forged, "not accepted as access tokens").await;
        }
        let mut untyped = header.clone();
        untyped.as_object_mut().unwrap().remove("typ");
        assert_rejected(
            &harness,
            b,
            "no typ",
            &forger.sign(&untyped, &claims),
            "not accepted as access tokens",
        )
        .await;
        let id_token = json!({
            "iss": claims["iss"], "sub": "alice", "aud": b.resource(), "nonce": "n",
            "iat": claims["iat"], "exp": claims["exp"],
        });
        assert_rejected(
            &harness,
            b,
            "an ID token",
            &forger.sign(&with(&header, "typ", "JWT"), &id_token),
            "not accepted as access tokens",
        )
        .await;
    }
}

#[tokio::test]
async fn unknown_key_ids_cause_one_jwks_fetch_per_cooldown() {
    let manage = |settings: &mut StackSettings| {
        settings.auth_server.manage_listen = "127.0.0.1:0".to_owned();
    };
    let harness = Harness::start_with(manage).await;
    let (_, of_c) = harness.manage_addresses[0];
    let token = harness.access_token("service-a", ResourceServer::Local).await;
    let fetches = async || {
        let response = send(harness.http.get(url(of_c, "/metrics"))).await;
        let line = response
            .text
            .lines()
            .find(|line| line.contains("http_requests_total") && line.contains("jwks.json"));
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse::<u32>().unwrap())
    };
    let before = fetches().await;
    let named = |name: usize| {
        under_signature_of(
            &token,
            &with(&header(&token), "kid", format!("made-up-{name}")),
            &claims(&token),
        )
    };
    for name in 0..100 {
        assert_rejected(
            &harness,
            ResourceServer::Local,
            "made up",
            &named(name),
            "unknown signing key",
        )
        .await;
    }
    assert_eq!(fetches().await - before, 1, "one fetch during the cool-down");
    harness.clock.advance(Duration::from_secs(10));
    assert_rejected(&harness, ResourceServer::Local, "made up", &named(99), "unknown signing key")
        .await;
    assert_eq!(fetches().await - before, 2);
}
