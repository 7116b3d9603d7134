//! Malformed tokens, most of them with a valid signature of the issuer.

use flow_events::Rule;
use oauth_types::AccessToken;
use serde_json::{Value, json};
use test_support::signer::Signer;

use crate::{
    setup::{AuthServer, JWKS, METADATA, NOW, RESOURCE, violated_rule},
    signer::SignAccessToken,
};

const HEADER: &str = r#"{"alg":"ES256","typ":"at+jwt","kid":"1"}"#;

async fn rule_violated_by(token: impl FnOnce(&Signer) -> AccessToken) -> Option<Rule> {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    violated_rule(c.local_verifier().verify(&token(&signer)).await)
}

#[tokio::test]
async fn malformed_jwt_is_rejected_without_requests() {
    let c = AuthServer::with_keys([]).await;
    let verifier = c.local_verifier();
    let malformed = [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c",
        "a.b.c.d.e",
        "e30.e30.",
        "bnVsbA.e30.",
        "W10.e30.",
        "e30=.e30.A",
        "\u{e4}.b.c",
    ];
    for text in malformed {
        assert_eq!(violated_rule(verifier.verify(&AccessToken::new(text)).await), None, "{text}");
    }
    assert_eq!((c.request_count(METADATA).await, c.request_count(JWKS).await), (0, 0));
}

#[tokio::test]
async fn jwt_header_members_of_wrong_type_are_rejected() {
    let not_strings = [json!(null), json!(["ES256"]), json!(0), json!({ "alg": "ES256" })];
    for alg in not_strings {
        assert_eq!(
            rule_violated_by(|signer| signer.token_with(|header, _| header["alg"] = alg.clone()))
                .await,
            None,
            "{alg}"
        );
    }
    for crit in [json!(["b64"]), json!(["exp"]), json!([]), json!("b64"), json!(false), json!(null)]
    {
        assert_eq!(
            rule_violated_by(|signer| signer.token_with(|header, _| header["crit"] = crit.clone()))
                .await,
            None,
            "{crit}"
        );
    }
    for b64 in [json!(true), json!(false), json!(null)] {
        assert_eq!(
            rule_violated_by(|signer| signer.token_with(|header, _| header["b64"] = b64.clone()))
                .await,
            None,
            "{b64}"
        );
    }
}

#[tokio::test]
async fn duplicate_json_members_are_rejected() {
    let claims = json!({
        "iss": "x", "sub": "a", "aud": RESOURCE, "exp": NOW + 60, "iat": NOW, "jti": "t", "client_id": "a",
    });
    let with_duplicate = |text: &str, member: &str| text.replacen('{', &format!("{{{member},"), 1);
    let header = with_duplicate(HEADER, r#""alg":"none""#);
    assert_eq!(
        rule_violated_by(|signer| AccessToken::new(signer.sign_text(&header, &claims.to_string())))
            .await,
        None
    );
    for member in
        [r#""aud":"https://other.example""#, r#""iss":"http://localhost:9000""#, r#""exp":1"#]
    {
        let text = with_duplicate(&claims.to_string(), member);
        assert_eq!(
            rule_violated_by(|signer| AccessToken::new(signer.sign_text(HEADER, &text))).await,
            None,
            "{member}"
        );
    }
}

#[tokio::test]
async fn invalid_claims_object_is_rejected() {
    for claims in ["", "[]", "null", "{}", "{", "\"x\"", "\u{0}", &"[".repeat(9_000)] {
        assert_eq!(
            rule_violated_by(|signer| AccessToken::new(signer.sign_text(HEADER, claims))).await,
            None,
            "{claims:.20}"
        );
    }
}

#[tokio::test]
async fn claim_of_wrong_type_is_rejected() {
    let wrong: [(&str, Value); 9] = [
        ("exp", json!("1800000600")),
        ("exp", json!(u64::MAX)),
        ("exp", json!(true)),
        ("nbf", json!("soon")),
        ("aud", json!(7)),
        ("aud", json!([[RESOURCE]])),
        ("aud", json!({ RESOURCE: true })),
        ("sub", json!(["alice"])),
        ("scope", json!([["resource:read"]])),
    ];
    for (claim, value) in wrong {
        let token = |signer: &Signer| signer.token_with(|_, claims| claims[claim] = value.clone());
        assert_eq!(rule_violated_by(token).await, None, "{claim} {value}");
    }
}

/// The issuer may create a token without a practical expiry. Its times must not overflow.
#[tokio::test]
async fn latest_token_times_do_not_overflow() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    let verifier = c.local_verifier();
    let token = signer.token_with(|_, claims| {
        claims["exp"] = json!(253_402_300_799_i64);
        claims["iat"] = json!(0);
        claims["nbf"] = json!(0);
    });
    for _ in ["verified", "cached"] {
        let (outcome, checks) = c.record_checks(verifier.verify(&token)).await;
        assert_eq!(outcome.unwrap().expires_at(), 253_402_300_799, "{checks:?}");
    }
}

/// RFC 7519 §2. An ignored `nbf` or `exp` would make the token valid for longer.
#[tokio::test]
async fn token_times_that_are_no_numeric_dates_are_rejected() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    let verifier = c.local_verifier();
    for claim in ["exp", "nbf", "iat"] {
        for value in [
            json!(-1),
            json!(i64::MAX),
            json!(253_402_300_800_i64),
            json!(NOW.to_string()),
            json!(null),
            json!(true),
            json!([NOW]),
        ] {
            let token = signer.token_with(|_, claims| claims[claim] = value.clone());
            let error = verifier.verify(&token).await.unwrap_err().to_string();
            assert!(error.contains("wrong type"), "{claim} {value}: {error}");
        }
    }
}
