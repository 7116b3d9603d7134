//! Signed by C's own key, and still not what a token has to be.

use flow_events::Rule;
use oauth_types::AccessToken;
use serde_json::{Value, json};

use crate::{
    setup::{C, JWKS, METADATA, NOW, RESOURCE, broken},
    signer::Signer,
};

const HEADER: &str = r#"{"alg":"ES256","typ":"at+jwt","kid":"1"}"#;

async fn rule_broken_by(token: impl FnOnce(&Signer) -> AccessToken) -> Option<Rule> {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    broken(c.local().verify(&token(&signer)).await)
}

#[tokio::test]
async fn what_is_no_signed_jwt_is_refused_without_asking_anybody() {
    let c = C::with_keys([]).await;
    let verifier = c.local();
    let forms = [
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
    for text in forms {
        assert_eq!(broken(verifier.verify(&AccessToken::new(text)).await), None, "{text}");
    }
    assert_eq!((c.asked(METADATA).await, c.asked(JWKS).await), (0, 0));
}

#[tokio::test]
async fn a_header_of_the_wrong_kinds_is_no_header() {
    let no_text = [json!(null), json!(["ES256"]), json!(0), json!({ "alg": "ES256" })];
    for alg in no_text {
        assert_eq!(
            rule_broken_by(|c| c.token_with(|header, _| header["alg"] = alg.clone())).await,
            None,
            "{alg}"
        );
    }
    for crit in [json!(["b64"]), json!(["exp"]), json!([]), json!("b64"), json!(false)] {
        assert_eq!(
            rule_broken_by(|c| c.token_with(|header, _| header["crit"] = crit.clone())).await,
            None,
            "{crit}"
        );
    }
}

#[tokio::test]
async fn a_member_that_stands_twice_is_refused_and_not_chosen_from() {
    let good = json!({
        "iss": "x", "sub": "a", "aud": RESOURCE, "exp": NOW + 60, "iat": NOW, "jti": "t", "client_id": "a",
    });
    let doubled = |text: &str, member: &str| text.replacen('{', &format!("{{{member},"), 1);
    let header = doubled(HEADER, r#""alg":"none""#);
    assert_eq!(rule_broken_by(|c| c.sign_text(&header, &good.to_string())).await, None);
    for member in
        [r#""aud":"https://other.example""#, r#""iss":"http://localhost:9000""#, r#""exp":1"#]
    {
        let claims = doubled(&good.to_string(), member);
        assert_eq!(rule_broken_by(|c| c.sign_text(HEADER, &claims)).await, None, "{member}");
    }
}

#[tokio::test]
async fn claims_that_are_no_claims_are_refused() {
    for claims in ["", "[]", "null", "{}", "{", "\"x\"", "\u{0}", &"[".repeat(9_000)] {
        assert_eq!(rule_broken_by(|c| c.sign_text(HEADER, claims)).await, None, "{claims:.20}");
    }
}

#[tokio::test]
async fn a_claim_of_the_wrong_kind_is_refused() {
    let wrong: [(&str, Value); 10] = [
        ("exp", json!("1800000600")),
        ("exp", json!(1_800_000_600.5)),
        ("exp", json!(u64::MAX)),
        ("exp", json!(true)),
        ("nbf", json!("soon")),
        ("aud", json!(7)),
        ("aud", json!([[RESOURCE]])),
        ("aud", json!({ RESOURCE: true })),
        ("sub", json!(["alice"])),
        ("scope", json!(["resource:read"])),
    ];
    for (claim, value) in wrong {
        let token = |c: &Signer| c.token_with(|_, claims| claims[claim] = value.clone());
        assert_eq!(rule_broken_by(token).await, None, "{claim} {value}");
    }
}

/// A token without end is C's to make; B must not fall over its numbers.
#[tokio::test]
async fn times_at_the_ends_of_the_numbers_overflow_nothing() {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    let verifier = c.local();
    let token = signer.token_with(|_, claims| {
        claims["exp"] = json!(i64::MAX);
        claims["iat"] = json!(i64::MIN);
        claims["nbf"] = json!(i64::MIN);
    });
    for _ in ["verified", "remembered"] {
        let (outcome, checks) = c.checks(verifier.verify(&token)).await;
        assert_eq!(outcome.unwrap().expires_at(), i64::MAX, "{checks:?}");
    }
    let never = signer.token_with(|_, claims| claims["nbf"] = json!(i64::MAX));
    assert_eq!(broken(verifier.verify(&never).await), Some(Rule::NotBefore));
}
