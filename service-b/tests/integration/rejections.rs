use clock::Clock;
use reqwest::header::HeaderValue;
use serde_json::json;
use service_b::settings::Mode;
use test_support::{mock::status, signer::Signer};

use crate::{
    client::{read_resource, send},
    harness::{C, access_token, claims, valid_claims},
};

const METADATA: &str =
    "resource_metadata=\"https://b.example/.well-known/oauth-protected-resource/api\"";
const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn request_without_token_gets_a_challenge_without_error_code() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.start_b();
    let basic = || b.request("GET", "/api/resource").basic_auth("service-a", Some("abc123"));
    for request in [b.request("GET", "/api/resource"), b.post("/api/do_something"), basic()] {
        let response = send(request).await;
        let challenge = response.header("www-authenticate");
        assert_eq!(response.status, 401);
        assert!(challenge.starts_with("Bearer ") && challenge.contains(METADATA), "{challenge}");
        assert!(
            !challenge.contains("error") && response.json().get("error").is_none(),
            "{response:?}"
        );
    }
}

#[tokio::test]
async fn invalid_token_is_rejected_with_the_reason() {
    let (signer, other_signer) = (Signer::es256("k1"), Signer::es256("k1"));
    let c = C::start(&signer).await;
    let b = c.start_b();
    let now = Clock::system().seconds();
    for (token, words) in [
        (access_token(&signer, &claims(&json!({ "exp": now - 10 }))), "expired"),
        (access_token(&signer, &claims(&json!({ "nbf": now + 60 }))), "not yet valid"),
        (
            access_token(&signer, &claims(&json!({ "aud": "https://else.example" }))),
            "is for another resource",
        ),
        (
            access_token(&signer, &claims(&json!({ "iss": "https://else.example" }))),
            "issuer does not match",
        ),
        (access_token(&other_signer, &valid_claims()), "signature"),
        (access_token(&Signer::es256("k2"), &valid_claims()), "key"),
        ("gpat_1f3a".to_owned(), "not a JWT"),
    ] {
        let response = read_resource(&b, &token).await;
        response.assert_bearer_error(401, "invalid_token", words);
        assert!(response.header("www-authenticate").contains(METADATA), "{response:?}");
        assert_eq!(response.header("cache-control"), "no-store");
        assert!(
            !response.text.contains(&token)
                && !response.header("www-authenticate").contains(&token),
            "{response:?}"
        );
    }
}

#[tokio::test]
async fn missing_scope_is_named_in_the_rejection() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.start_b();
    let mut without_scope = valid_claims();
    without_scope.as_object_mut().unwrap().remove("scope");
    for claims in [claims(&json!({ "scope": "resource:write" })), without_scope] {
        let response = read_resource(&b, &access_token(&signer, &claims)).await;
        response.assert_bearer_error(403, "insufficient_scope", "resource:read");
        let challenge = response.header("www-authenticate");
        assert!(
            challenge.contains("scope=\"resource:read\"") && challenge.contains(METADATA),
            "{challenge}"
        );
    }
}

#[tokio::test]
async fn token_in_url_form_or_twice_is_an_invalid_request() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.start_b();
    let token = access_token(&signer, &valid_claims());
    let form = || {
        b.post("/api/do_something")
            .header("content-type", FORM)
            .body(format!("access_token={token}"))
    };
    for request in [
        b.request("GET", "/api/resource").query(&[("access_token", &token)]),
        b.request("GET", "/api/resource").query(&[("access_token", &token)]).bearer_auth(&token),
        b.request("GET", "/api/resource").bearer_auth(&token).bearer_auth(&token),
        form(),
        form().bearer_auth(&token),
    ] {
        send(request).await.assert_bearer_error(400, "invalid_request", "");
    }
    // The body of a GET is ignored: it must not contain an access token (RFC 6750 §2.2).
    let get = || {
        b.request("GET", "/api/resource")
            .header("content-type", FORM)
            .body(format!("access_token={token}"))
    };
    assert_eq!(send(get()).await.status, 401);
    assert_eq!(send(get().bearer_auth(&token)).await.status, 200);
}

#[tokio::test]
async fn second_content_type_does_not_hide_a_form() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.start_b();
    let token = access_token(&signer, &valid_claims());
    let form =
        || b.post("/api/do_something").bearer_auth(&token).body(format!("access_token={token}"));
    for content_types in [["text/plain", FORM], [FORM, "text/plain"], [FORM, FORM]] {
        let request = content_types
            .iter()
            .fold(form(), |request, value| request.header("content-type", *value));
        send(request).await.assert_bearer_error(
            400,
            "invalid_request",
            "more than one Content-Type",
        );
    }
    let invalid = HeaderValue::from_bytes(b"application/x-www-form-urlencoded; x=\xff").unwrap();
    send(form().header("content-type", invalid)).await.assert_bearer_error(
        400,
        "invalid_request",
        "in the body",
    );
}

#[tokio::test]
async fn introspection_failure_returns_503() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.start_b_with(|settings| settings.mode = Mode::Introspection);
    b.wait_until_ready().await;
    for failure in [
        status(500),
        status(401),
        status(200).set_body_string("garbage"),
        status(503).insert_header("retry-after", "9"),
    ] {
        c.introspection.respond(failure);
        let response = read_resource(&b, "opaque").await;
        assert_eq!(
            (response.status, response.json()["error"].as_str()),
            (503, Some("temporarily_unavailable")),
            "{response:?}"
        );
        assert!(response.header("retry-after").parse::<u64>().unwrap() >= 1);
    }
    assert_eq!(read_resource(&b, "opaque").await.header("retry-after"), "9");
    drop(c);
    assert_eq!(read_resource(&b, "opaque").await.status, 503);
}

#[tokio::test]
async fn local_b_rejects_opaque_tokens_without_introspection() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.start_b();
    read_resource(&b, "opaque").await.assert_bearer_error(401, "invalid_token", "");
    assert!(c.requests(crate::harness::INTROSPECT).await.is_empty());
}
