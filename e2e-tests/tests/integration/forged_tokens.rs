//! Forged passes. Those that hold C's own private key prove that each claim is checked, not the
//! signature alone.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use e2e_tests::{
    forged_tokens::{Forger, claims, header, hmac_signed, under_signature_of, unsigned, with},
    harness::{Door, Stage},
    http::{Answer, url},
};
use serde_json::{Value, json};

/// Both Bs refuse it; the local one says which rule it broke. Then a good pass still opens the
/// door.
async fn refused(stage: &Stage, door: Door, what: &str, forged: &str, rule: &str) {
    let answer = stage.show(door, forged).await;
    assert_eq!(answer.status, 401, "{what}, {door:?}: {answer:?}");
    answer.refused(401, "invalid_token", if door == Door::Local { rule } else { "" });
}

async fn jwk(stage: &Stage, kid: &str) -> Value {
    let jwks =
        Answer::of(stage.http.get(url(stage.addresses.auth_server, "/.well-known/jwks.json")))
            .await
            .json();
    jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid).unwrap().clone()
}

/// What a B that believes the header's `alg` would take for the secret.
fn public_key_as_secrets(jwk: &Value) -> Vec<Vec<u8>> {
    let coordinate =
        |name: &str| BASE64_URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let spki =
        [&BASE64_STANDARD.decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=").unwrap()[..], &point]
            .concat();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        BASE64_STANDARD.encode(&spki)
    );
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
async fn a_pass_without_a_signature_is_refused() {
    let stage = Stage::start().await;
    for door in Door::BOTH {
        let pass = stage.pass("service-a", door).await;
        let (header, claims) = (header(&pass), claims(&pass));
        for alg in ["none", "None", "NONE", "nOnE", ""] {
            let forged = unsigned(&with(&header, "alg", alg), &claims);
            refused(&stage, door, alg, &forged, "signature algorithm is not taken").await;
            let forged = under_signature_of(&pass, &with(&header, "alg", alg), &claims);
            refused(&stage, door, alg, &forged, "signature algorithm is not taken").await;
        }
        refused(
            &stage,
            door,
            "the signature cut off",
            &unsigned(&header, &claims),
            "signature is wrong",
        )
        .await;
        refused(&stage, door, "no third part", pass.rsplit_once('.').unwrap().0, "not a JWT").await;
        assert_eq!(stage.show(door, &pass).await.status, 200);
    }
}

#[tokio::test]
async fn the_public_key_is_no_hmac_secret() {
    let stage = Stage::start().await;
    for door in Door::BOTH {
        let pass = stage.pass("service-a", door).await;
        let jwk = jwk(&stage, header(&pass)["kid"].as_str().unwrap()).await;
        for secret in public_key_as_secrets(&jwk) {
            let forged =
                hmac_signed(&with(&header(&pass), "alg", "HS256"), &claims(&pass), &secret);
            refused(&stage, door, "HS256", &forged, "signature algorithm is not taken").await;
        }
    }
}

#[tokio::test]
async fn the_public_key_is_no_hmac_secret_where_hs256_is_taken_either() {
    let secret = "a secret of C and B, 32 bytes long";
    let shared = || Some(service_kit::SecretSetting::new(secret));
    let stage = Stage::start_with(|settings| settings.b_local.local.hs256_secret = shared()).await;
    let pass = stage.pass("service-a", Door::Local).await;
    let jwk = jwk(&stage, header(&pass)["kid"].as_str().unwrap()).await;
    for secret in public_key_as_secrets(&jwk) {
        let forged = hmac_signed(&with(&header(&pass), "alg", "HS256"), &claims(&pass), &secret);
        refused(&stage, Door::Local, "HS256", &forged, "signature is wrong").await;
    }
    assert_eq!(stage.show(Door::Local, &pass).await.status, 200);
}

#[tokio::test]
async fn a_key_is_never_taken_from_where_the_pass_points() {
    // Another C, with a key of its own under the very same issuer name: what it signs is good there
    // alone.
    let (stage, other) = (Stage::start().await, Stage::start().await);
    let forger = Forger::with_key_of(&*other.store().await).await;
    for door in Door::BOTH {
        let pass = stage.pass("service-a", door).await;
        let foreign = other.pass("service-a", door).await;
        assert_eq!(other.show(door, &foreign).await.status, 200);
        refused(&stage, door, "a pass of another C", &foreign, "key is unknown").await;

        let claims = claims(&pass);
        let foreign_jwk = jwk(&other, header(&foreign)["kid"].as_str().unwrap()).await;
        let jwks_url = url(other.addresses.auth_server, "/.well-known/jwks.json");
        let pointing = with(&with(&header(&foreign), "jku", jwks_url.clone()), "x5u", jwks_url);
        let bringing = with(&header(&foreign), "jwk", foreign_jwk);
        for (what, header) in [("jku", pointing), ("jwk", bringing)] {
            refused(&stage, door, what, &forger.sign(&header, &claims), "key is unknown").await;
        }
        let right_name = forger.sign(&header(&pass), &claims);
        refused(&stage, door, "C's key by name", &right_name, "signature is wrong").await;
        for kid in [
            "../../../../dev/null",
            "' OR 1=1 --",
            "http://evil.example/key",
            "",
            "\0",
            &"k".repeat(5_000),
        ] {
            let forged = forger.sign(&with(&header(&pass), "kid", kid), &claims);
            refused(&stage, door, kid, &forged, "key is unknown").await;
        }
        for kid in [json!(null), json!(1), json!(["a"]), json!({ "a": 1 })] {
            let forged = forger.sign(&with(&header(&pass), "kid", kid.clone()), &claims);
            refused(&stage, door, &kid.to_string(), &forged, "").await;
        }
        assert_eq!(stage.show(door, &pass).await.status, 200);
    }
}

#[tokio::test]
async fn a_pass_that_was_tampered_with_is_refused() {
    let stage = Stage::start().await;
    for door in Door::BOTH {
        let pass = stage.pass("reader", door).await;
        let (header, claims) = (header(&pass), claims(&pass));
        for (name, value) in [
            ("scope", "resource:read resource:write"),
            ("sub", "admin"),
            ("client_id", "service-a"),
        ] {
            let forged = under_signature_of(&pass, &header, &with(&claims, name, value));
            refused(&stage, door, name, &forged, "signature is wrong").await;
        }
        let longer = with(&claims, "exp", claims["exp"].as_i64().unwrap() + 86_400);
        refused(
            &stage,
            door,
            "exp",
            &under_signature_of(&pass, &header, &longer),
            "signature is wrong",
        )
        .await;
        for (place, byte) in pass.bytes().enumerate().step_by(7) {
            let other = if byte == b'A' { 'B' } else { 'A' };
            let forged = format!("{}{other}{}", &pass[..place], &pass[place + 1..]);
            refused(&stage, door, &format!("byte {place}"), &forged, "").await;
        }
        for forged in
            [format!("{pass}A"), format!("{pass}="), format!("{pass}.x"), pass[1..].to_owned()]
        {
            let answer = stage.show(door, &forged).await;
            assert!(matches!(answer.status, 400 | 401), "{answer:?}");
        }
        assert_eq!(stage.show(door, &pass).await.status, 200);
    }
}

#[tokio::test]
async fn even_with_cs_own_key_each_claim_has_to_be_right() {
    let stage = Stage::start().await;
    let forger = Forger::with_key_of(&*stage.store().await).await;
    let now = stage.clock.seconds();
    for door in Door::BOTH {
        let pass = stage.pass("service-a", door).await;
        let (header, claims) = (header(&pass), claims(&pass));
        assert_eq!(
            stage.show(door, &forger.sign(&header, &claims)).await.status,
            200,
            "the forger's key is C's"
        );
        for (what, name, value, rule) in [
            ("another issuer", "iss", json!("http://evil.example"), "issuer is another"),
            (
                "the issuer with a slash",
                "iss",
                json!("http://localhost:9000/"),
                "issuer is another",
            ),
            (
                "another audience",
                "aud",
                json!("http://localhost:9999"),
                "meant for another resource",
            ),
            (
                "an audience that begins alike",
                "aud",
                json!(format!("{}/", door.resource())),
                "meant for another resource",
            ),
            ("no audience", "aud", json!([]), "meant for another resource"),
            ("expired", "exp", json!(now - 5), "has expired"),
            ("not yet valid", "nbf", json!(now + 6), "not yet valid"),
            ("made in the future", "iat", json!(now + 6), "made in the future"),
            ("times of the wrong kind", "exp", json!("tomorrow"), "wrong kind"),
        ] {
            refused(&stage, door, what, &forger.sign(&header, &with(&claims, name, value)), rule)
                .await;
        }
        for name in ["iss", "aud", "exp", "iat", "sub", "client_id", "jti"] {
            let mut without = claims.clone();
            without.as_object_mut().unwrap().remove(name);
            refused(&stage, door, name, &forger.sign(&header, &without), name).await;
        }
    }
}

#[tokio::test]
async fn an_id_token_is_no_access_token_though_c_signed_it() {
    let stage = Stage::start().await;
    let forger = Forger::with_key_of(&*stage.store().await).await;
    for door in Door::BOTH {
        let pass = stage.pass("service-a", door).await;
        let (header, claims) = (header(&pass), claims(&pass));
        for typ in ["JWT", "id+jwt", "logout+jwt", "at+jwt+x", ""] {
            let forged = forger.sign(&with(&header, "typ", typ), &claims);
            refused(&stage, door, typ, &forged, "not an access token").await;
        }
        let mut untyped = header.clone();
        untyped.as_object_mut().unwrap().remove("typ");
        refused(&stage, door, "no typ", &forger.sign(&untyped, &claims), "not an access token")
            .await;
        let id_token = json!({
            "iss": claims["iss"], "sub": "alice", "aud": door.resource(), "nonce": "n",
            "iat": claims["iat"], "exp": claims["exp"],
        });
        refused(
            &stage,
            door,
            "an ID token",
            &forger.sign(&with(&header, "typ", "JWT"), &id_token),
            "not an access token",
        )
        .await;
    }
}

#[tokio::test]
async fn made_up_keys_do_not_make_b_ask_c_again_and_again() {
    let stage = Stage::start().await;
    let pass = stage.pass("service-a", Door::Local).await;
    let fetches = async || {
        let answer = Answer::of(stage.http.get(url(stage.addresses.auth_server, "/metrics"))).await;
        let line = answer
            .text
            .lines()
            .find(|line| line.contains("http_requests_total") && line.contains("jwks.json"));
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse::<u32>().unwrap())
    };
    let before = fetches().await;
    let named = |name: usize| {
        under_signature_of(
            &pass,
            &with(&header(&pass), "kid", format!("made-up-{name}")),
            &claims(&pass),
        )
    };
    for name in 0..100 {
        refused(&stage, Door::Local, "made up", &named(name), "key is unknown").await;
    }
    assert_eq!(fetches().await - before, 1, "one fetch in a cool-down");
    stage.clock.advance(Duration::from_secs(10));
    refused(&stage, Door::Local, "made up", &named(99), "key is unknown").await;
    assert_eq!(fetches().await - before, 2);
}
