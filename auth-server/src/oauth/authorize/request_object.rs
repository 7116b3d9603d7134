use std::borrow::Cow;

use jsonwebtoken::jwk::JwkSet;
use oauth_types::{Form, NumericDate};
use serde_json::{Map, Value};

use super::request_object_jws::SignedObject;
use crate::domain::TokenHash;

/// Tolerated clock skew.
const LEEWAY_SECONDS: i64 = 5;

/// Maximum time until a request object expires, in seconds. Bounds how long its use is remembered.
const MAX_TTL_SECONDS: i64 = 3_600;

/// The verified parameters of a request object.
#[derive(Debug)]
pub struct SignedRequest {
    pub parameters: Form,
    pub single_use: SingleUse,
}

/// Identifies a request object, which is accepted once: by `client_id` and `jti`, or without `jti`
/// by what was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SingleUse {
    pub hash: TokenHash,
    /// When it can be forgotten, because the request object has expired by then.
    pub exp: i64,
}

/// Verifies a signed request and returns its parameters (RFC 9101). Parameters outside the request
/// object are ignored, because an attacker could have added them (§6.3).
///
/// # Errors
/// Returns the reason why the request object is invalid.
pub fn read_request_object(
    object: &str,
    client_id: &str,
    keys: Option<&JwkSet>,
    issuer: &str,
    now: i64,
) -> Result<SignedRequest, Cow<'static, str>> {
    let keys =
        keys.ok_or("the client has no keys (jwks or jwks_uri), or C cannot fetch them at present")?;
    let parameters = SignedObject::parse(object)?.verify(keys)?;
    let exp = check_claims(&parameters, client_id, issuer, now)?;
    let single_use = SingleUse { hash: identity(object, &parameters, client_id)?, exp };
    let pairs: Vec<_> = parameters.iter().map(pairs).collect::<Result<_, _>>()?;
    Ok(SignedRequest { parameters: Form::from_pairs(pairs.into_iter().flatten()), single_use })
}

/// Returns what identifies the request object. The signature is not part of it, because an ECDSA
/// signature can be changed into another valid one.
fn identity(
    object: &str,
    parameters: &Map<String, Value>,
    client_id: &str,
) -> Result<TokenHash, &'static str> {
    let name = match parameters.get("jti") {
        Some(Value::String(jti)) => format!("jti\0{client_id}\0{jti}"),
        Some(_) => return Err("its jti is not a string"),
        None => format!("jwt\0{}", object.rsplit_once('.').unwrap_or_default().0),
    };
    Ok(TokenHash::of_text(&name))
}

/// Checks the signature algorithm of a client that registered one (OpenID Connect Dynamic Client
/// Registration §2).
///
/// # Errors
/// Returns an error if the algorithm differs from the registered one.
pub fn check_algorithm(object: &str, only: Option<&str>) -> Result<(), Cow<'static, str>> {
    let Some(only) = only else { return Ok(()) };
    if SignedObject::parse(object)?.is_signed_with(only) {
        Ok(())
    } else {
        Err("its algorithm is not the one that the client has registered".into())
    }
}

/// Returns the `kid` of the request object without verifying it.
pub fn named_key(object: &str) -> Option<String> {
    SignedObject::parse(object).ok()?.into_kid()
}

/// Checks the claims that do not belong to the authorization request. Returns when the request
/// object has expired on every clock within the leeway.
fn check_claims(
    parameters: &Map<String, Value>,
    client_id: &str,
    issuer: &str,
    now: i64,
) -> Result<i64, &'static str> {
    let audience_matches = match parameters.get("aud") {
        Some(Value::String(aud)) => aud == issuer,
        Some(Value::Array(all)) => {
            all.iter().all(Value::is_string) && all.iter().any(|aud| aud == issuer)
        }
        _ => false,
    };
    let time = |name: &str, invalid: &'static str| match parameters.get(name) {
        Some(value) => {
            NumericDate::from_json(value).map(|date| Some(date.rounded_up())).ok_or(invalid)
        }
        None => Ok(None),
    };
    if parameters.contains_key("request") || parameters.contains_key("request_uri") {
        return Err("it contains another request (request or request_uri)");
    }
    let is_of_client = |name: &str| parameters.get(name).map(|value| value == client_id);
    if is_of_client("client_id") != Some(true) || is_of_client("iss") == Some(false) {
        return Err("its client_id or iss is not the client's");
    }
    if !audience_matches {
        return Err("its aud is not this server's issuer");
    }
    time("iat", "its iat is not a NumericDate (RFC 7519 section 2)")?;
    let exp = time("exp", "its exp is not a NumericDate (RFC 7519 section 2)")?;
    let nbf = time("nbf", "its nbf is not a NumericDate (RFC 7519 section 2)")?;
    let exp = exp.ok_or("it has no exp, so it would never expire")?;
    if now >= exp + LEEWAY_SECONDS {
        return Err("it has expired (exp)");
    }
    if exp > now + MAX_TTL_SECONDS + LEEWAY_SECONDS {
        return Err("its exp is more than an hour away");
    }
    if nbf.is_some_and(|nbf| now < nbf - LEEWAY_SECONDS) {
        return Err("it is not valid yet (nbf)");
    }
    Ok(exp + LEEWAY_SECONDS)
}

/// The parameters of authorization requests. They are strings (RFC 9101 §4), with the exceptions in
/// [`pairs`].
const PARAMETERS: [&str; 17] = [
    "acr_values",
    "claims",
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "display",
    "id_token_hint",
    "login_hint",
    "max_age",
    "nonce",
    "prompt",
    "redirect_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

/// Converts a member to parameters of a form. Only `resource` can be repeated. A parameter of
/// another type is an error: without it, the request would be less strict than the client signed.
fn pairs((name, value): (&String, &Value)) -> Result<Vec<(String, String)>, Cow<'static, str>> {
    let pair = |text: String| (name.clone(), text);
    match value {
        Value::String(text) if !text.contains('\0') => Ok(vec![pair(text.clone())]),
        Value::Number(seconds) if name == "max_age" => Ok(vec![pair(seconds.to_string())]),
        // An object in a request object (OpenID Connect Core §6.1), text in a query.
        Value::Object(_) if name == "claims" => Ok(vec![pair(value.to_string())]),
        Value::Array(all) if name == "resource" && all.iter().all(Value::is_string) => {
            Ok(all.iter().filter_map(Value::as_str).map(|text| pair(text.to_owned())).collect())
        }
        _ if PARAMETERS.contains(&name.as_str()) || value.is_string() => {
            Err(format!("its {name} is not a parameter of this type").into())
        }
        _ => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    use jsonwebtoken::{Algorithm, EncodingKey, Header, crypto, encode, jwk::Jwk};
    use serde_json::json;

    use super::*;
    use crate::{domain::Algorithm as KeyAlgorithm, keys::generate};

    const ISSUER: &str = "http://c";

    struct Signer {
        key: EncodingKey,
        keys: JwkSet,
    }

    fn signer() -> Signer {
        let key = EncodingKey::from_ec_der(&generate(KeyAlgorithm::ES256).unwrap().pkcs8);
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some("k".to_owned());
        Signer { key, keys: JwkSet { keys: vec![jwk] } }
    }

    fn valid_claims() -> Value {
        json!({
            "iss": "a", "aud": ISSUER, "client_id": "a", "exp": 100, "response_type": "code", "max_age": 7,
            "resource": ["http://b", "http://d"],
        })
    }

    fn read(signer: &Signer, claims: &Value) -> Result<Form, Cow<'static, str>> {
        let header = Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::ES256) };
        let object = encode(&header, claims, &signer.key).unwrap();
        let signed = read_request_object(&object, "a", Some(&signer.keys), ISSUER, 50);
        signed.map(|signed| signed.parameters)
    }

    #[test]
    fn critical_header_parameters_are_rejected() {
        let signer = signer();
        let read = |header: &str| {
            let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
            let message = format!("{}.{}", part(header), part(&valid_claims().to_string()));
            let key = &signer.key;
            let signature = crypto::sign(message.as_bytes(), key, Algorithm::ES256).unwrap();
            let object = format!("{message}.{signature}");
            read_request_object(&object, "a", Some(&signer.keys), ISSUER, 50).map(|_| ())
        };
        assert_eq!(read(r#"{"alg":"ES256","kid":"k"}"#), Ok(()));
        for typ in ["JWT", "oauth-authz-req+jwt", "application/oauth-authz-req+jwt"] {
            assert_eq!(read(&format!(r#"{{"alg":"ES256","kid":"k","typ":"{typ}"}}"#)), Ok(()));
        }
        for (member, part) in [
            (r#""typ":"at+jwt""#, "another kind"),
            (r#""typ":"application/logout+JWT""#, "another kind"),
            (r#""crit":["b64"]"#, "crit"),
            (r#""crit":null"#, "crit"),
            (r#""crit":[]"#, "crit"),
            (r#""b64":true"#, "b64"),
            (r#""kid":"k""#, "distinct members"),
            (r#""x":1,"x":1"#, "distinct members"),
        ] {
            let error = read(&format!(r#"{{"alg":"ES256","kid":"k",{member}}}"#)).unwrap_err();
            assert!(error.contains(part), "{member}: {error}");
        }
    }

    #[test]
    fn times_are_compared_with_their_fraction() {
        let signer = signer();
        let with = |name: &str, value: Value| {
            let mut claims = valid_claims();
            claims[name] = value;
            read(&signer, &claims).map(|_| ())
        };
        // The clock is at 50, and the leeway is 5 seconds.
        assert_eq!(with("exp", json!(45.5)), Ok(()));
        assert!(with("exp", json!(44.9)).unwrap_err().contains("expired"));
        assert_eq!(with("nbf", json!(54.5)), Ok(()));
        assert!(with("nbf", json!(55.5)).unwrap_err().contains("not valid yet"));
        for name in ["exp", "nbf", "iat"] {
            for value in [json!("100"), json!(null), json!(-1), json!(253_402_300_800_i64)] {
                assert!(with(name, value.clone()).unwrap_err().contains("NumericDate"), "{value}");
            }
        }
    }

    #[test]
    fn request_object_is_identified_by_jti_or_by_what_was_signed() {
        let signer = signer();
        let used = |claims: &Value| {
            let header = Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::ES256) };
            let object = encode(&header, claims, &signer.key).unwrap();
            read_request_object(&object, "a", Some(&signer.keys), ISSUER, 50).unwrap().single_use
        };
        let with = |name: &str, value: Value| {
            let mut claims = valid_claims();
            claims[name] = value;
            claims
        };
        // Signed twice, with two signatures.
        assert_eq!(used(&valid_claims()), used(&valid_claims()));
        assert_ne!(used(&valid_claims()).hash, used(&with("state", json!("x"))).hash);
        let mut same_jti = with("jti", json!("1"));
        let first = used(&same_jti);
        same_jti["state"] = json!("x");
        assert_eq!(first.hash, used(&same_jti).hash);
        assert_ne!(first.hash, used(&with("jti", json!("2"))).hash);
        assert_eq!(first.exp, 105);
    }

    #[test]
    fn signed_request_has_the_parameters_of_a_form() {
        let form = read(&signer(), &valid_claims()).unwrap();
        assert_eq!((form.get("response_type"), form.get("max_age")), (Some("code"), Some("7")));
        assert_eq!(form.all("resource").collect::<Vec<_>>(), ["http://b", "http://d"]);
    }

    #[test]
    fn request_object_with_invalid_claims_is_rejected() {
        let signer = signer();
        let changed = |name: &str, value: Value| {
            let mut claims = valid_claims();
            claims[name] = value;
            read(&signer, &claims).unwrap_err()
        };
        assert!(changed("aud", json!("http://else")).contains("aud"));
        assert!(changed("aud", Value::Null).contains("aud"));
        assert!(changed("aud", json!([ISSUER, 5])).contains("aud"));
        assert!(changed("iss", json!("else")).contains("iss"));
        assert!(changed("iss", json!(5)).contains("iss"));
        assert!(changed("client_id", json!("else")).contains("client_id"));
        assert!(changed("exp", json!(45)).contains("expired"));
        assert!(changed("exp", json!(50 + 3_606)).contains("more than an hour"));
        assert!(changed("jti", json!(1)).contains("jti"));
        let mut endless = valid_claims();
        endless.as_object_mut().unwrap().remove("exp");
        assert!(read(&signer, &endless).unwrap_err().contains("no exp"));
        assert!(changed("nbf", json!(56)).contains("not valid yet"));
        assert!(changed("request_uri", json!("x")).contains("another request"));
    }

    #[test]
    fn parameter_of_another_type_is_rejected() {
        let signer = signer();
        for (name, value) in [
            ("code_challenge", json!(["x"])),
            ("code_challenge_method", json!(["S256"])),
            ("max_age", json!(true)),
            ("prompt", json!(["none"])),
            ("scope", json!(["openid"])),
            ("redirect_uri", json!({})),
            ("state", json!(12_345)),
            ("state", json!("a\0b")),
            ("nonce", Value::Null),
            ("claims", json!([])),
            ("resource", json!(["http://b", 5])),
            ("resource", json!(5)),
        ] {
            let mut claims = valid_claims();
            claims[name] = value;
            let error = read(&signer, &claims).unwrap_err();
            assert!(error.contains(&format!("its {name} is not a parameter")), "{error}");
        }
        let mut claims = valid_claims();
        claims["extension"] = json!([1]);
        assert!(read(&signer, &claims).is_ok());
    }

    #[test]
    fn only_the_registered_algorithm_is_accepted() {
        let signer = signer();
        let object = encode(&Header::new(Algorithm::ES256), &valid_claims(), &signer.key).unwrap();
        assert_eq!(check_algorithm(&object, None), Ok(()));
        assert_eq!(check_algorithm(&object, Some("ES256")), Ok(()));
        assert!(check_algorithm(&object, Some("RS256")).unwrap_err().contains("registered"));
    }

    #[test]
    fn signature_is_verified_only_with_registered_keys() {
        let (own, other) = (signer(), signer());
        let forged = Signer { key: other.key.clone(), keys: own.keys.clone() };
        assert!(read(&forged, &valid_claims()).unwrap_err().contains("signature"));
        let unsigned = "eyJhbGciOiJub25lIn0.eyJjbGllbnRfaWQiOiJhIn0.";
        assert!(read_request_object(unsigned, "a", Some(&own.keys), ISSUER, 0).is_err());
        let shared = encode(
            &Header::new(Algorithm::HS256),
            &valid_claims(),
            &EncodingKey::from_secret(b"x"),
        )
        .unwrap();
        assert!(
            read_request_object(&shared, "a", Some(&own.keys), ISSUER, 0)
                .unwrap_err()
                .contains("algorithm")
        );
        assert!(
            read_request_object("x", "a", None, ISSUER, 0).unwrap_err().contains("has no keys")
        );
    }
}
