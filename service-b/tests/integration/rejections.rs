use clock::Clock;
use reqwest::header::HeaderValue;
use serde_json::json;
use service_b::settings::Mode;

use crate::{
    client::send,
    harness::{C, claims, status, valid_claims},
    signer::Signer,
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
        (signer.access_token(&claims(&json!({ "exp": now - 10 }))), "expired"),
        (signer.access_token(&claims(&json!({ "nbf": now + 60 }))), "not yet valid"),
        (
            signer.access_token(&claims(&json!({ "aud": "https://else.example" }))),
            "is for another resource",
        ),
        (
            signer.access_token(&claims(&json!({ "iss": "https://else.example" }))),
            "issuer does not match",
        ),
        (other_signer.access_token(&valid_claims()), "signature"),
        (Signer::es256("k2").access_token(&valid_claims()), "key"),
        ("gpat_1f3a".to_owned(), "not a JWT"),
    ] {
        let response = b.resource(&token).await;
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
    let response =
        b.resource(&signer.access_token(&claims(&json!({ "scope": "resource:write" })))).await;
    response.assert_bearer_error(403, "insufficient_scope", "resource:read");
    let challenge = response.header("www-authenticate");
    assert!(
        challenge.contains("scope=\"resource:read\"") && challenge.contains(METADATA),
        "{challenge}"
    );
}

#[tokio::test]
async fn token_in_url_form_or_twice_is_an_invalid_request() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.start_b();
    let token = signer.access_token(&valid_claims());
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
    let token = signer.access_token(&valid_claims());
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
        c.introspection.set_response(failure);
        let response = b.resource("opaque").await;
        assert_eq!(
            (response.status, response.json()["error"].as_str()),
            (503, Some("temporarily_unavailable")),
            "{response:?}"
        );
        assert!(response.header("retry-after").parse::<u64>().unwrap() >= 1);
    }
    assert_eq!(b.resource("opaque").await.header("retry-after"), "9");
    drop(c);
    assert_eq!(b.resource("opaque").await.status, 503);
}

#[tokio::test]
async fn local_b_rejects_opaque_tokens_without_introspection() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.start_b();
    b.resource("opaque").await.assert_bearer_error(401, "invalid_token", "");
    assert!(c.requests(crate::harness::INTROSPECT).await.is_empty());
}
