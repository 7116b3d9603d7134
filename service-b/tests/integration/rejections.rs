use clock::Clock;
use reqwest::header::HeaderValue;
use serde_json::json;
use service_b::settings::Mode;

use crate::{
    client::answer,
    harness::{C, claims, good, status},
    signer::Signer,
};

const METADATA: &str =
    "resource_metadata=\"https://b.example/.well-known/oauth-protected-resource/api\"";
const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn request_without_token_gets_a_challenge_without_error_code() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.b();
    let basic = || b.request("GET", "/api/resource").basic_auth("service-a", Some("abc123"));
    for request in [b.request("GET", "/api/resource"), b.post("/api/do_something"), basic()] {
        let answer = answer(request).await;
        let challenge = answer.header("www-authenticate");
        assert_eq!(answer.status, 401);
        assert!(challenge.starts_with("Bearer ") && challenge.contains(METADATA), "{challenge}");
        assert!(!challenge.contains("error") && answer.json().get("error").is_none(), "{answer:?}");
    }
}

#[tokio::test]
async fn invalid_token_is_rejected_with_the_reason() {
    let (signer, stranger) = (Signer::es256("k1"), Signer::es256("k1"));
    let c = C::start(&signer).await;
    let b = c.b();
    let now = Clock::system().seconds();
    for (pass, words) in [
        (signer.pass(&claims(&json!({ "exp": now - 10 }))), "expired"),
        (signer.pass(&claims(&json!({ "nbf": now + 60 }))), "not yet valid"),
        (
            signer.pass(&claims(&json!({ "aud": "https://else.example" }))),
            "is for another resource",
        ),
        (signer.pass(&claims(&json!({ "iss": "https://else.example" }))), "issuer does not match"),
        (stranger.pass(&good()), "signature"),
        (Signer::es256("k2").pass(&good()), "key"),
        ("gpat_1f3a".to_owned(), "not a JWT"),
    ] {
        let answer = b.resource(&pass).await;
        answer.refused(401, "invalid_token", words);
        assert!(answer.header("www-authenticate").contains(METADATA), "{answer:?}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(
            !answer.text.contains(&pass) && !answer.header("www-authenticate").contains(&pass),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn missing_scope_is_named_in_the_rejection() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.b();
    let answer = b.resource(&signer.pass(&claims(&json!({ "scope": "resource:write" })))).await;
    answer.refused(403, "insufficient_scope", "resource:read");
    let challenge = answer.header("www-authenticate");
    assert!(
        challenge.contains("scope=\"resource:read\"") && challenge.contains(METADATA),
        "{challenge}"
    );
}

#[tokio::test]
async fn token_in_url_form_or_two_places_is_an_invalid_request() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.b();
    let pass = signer.pass(&good());
    let form = || {
        b.post("/api/do_something")
            .header("content-type", FORM)
            .body(format!("access_token={pass}"))
    };
    for request in [
        b.request("GET", "/api/resource").query(&[("access_token", &pass)]),
        b.request("GET", "/api/resource").query(&[("access_token", &pass)]).bearer_auth(&pass),
        b.request("GET", "/api/resource").bearer_auth(&pass).bearer_auth(&pass),
        form(),
        form().bearer_auth(&pass),
    ] {
        answer(request).await.refused(400, "invalid_request", "");
    }
    // The body of a GET says nothing (RFC 6750 §2.2): neither for the caller nor against it.
    let get = || {
        b.request("GET", "/api/resource")
            .header("content-type", FORM)
            .body(format!("access_token={pass}"))
    };
    assert_eq!(answer(get()).await.status, 401);
    assert_eq!(answer(get().bearer_auth(&pass)).await.status, 200);
}

#[tokio::test]
async fn a_second_content_type_does_not_hide_a_form() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.b();
    let pass = signer.pass(&good());
    let form =
        || b.post("/api/do_something").bearer_auth(&pass).body(format!("access_token={pass}"));
    for kinds in [["text/plain", FORM], [FORM, "text/plain"], [FORM, FORM]] {
        let request =
            kinds.iter().fold(form(), |request, kind| request.header("content-type", *kind));
        answer(request).await.refused(400, "invalid_request", "more than one Content-Type");
    }
    let odd = HeaderValue::from_bytes(b"application/x-www-form-urlencoded; x=\xff").unwrap();
    answer(form().header("content-type", odd)).await.refused(400, "invalid_request", "in the body");
}

#[tokio::test]
async fn an_introspecting_b_without_c_says_later_and_never_yes() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.b_with(|settings| settings.mode = Mode::Introspection);
    b.until_ready().await;
    for trouble in [
        status(500),
        status(401),
        status(200).set_body_string("garbage"),
        status(503).insert_header("retry-after", "9"),
    ] {
        c.introspection.answers(trouble);
        let answer = b.resource("opaque").await;
        assert_eq!(
            (answer.status, answer.json()["error"].as_str()),
            (503, Some("temporarily_unavailable")),
            "{answer:?}"
        );
        assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
    }
    assert_eq!(b.resource("opaque").await.header("retry-after"), "9");
    drop(c);
    assert_eq!(b.resource("opaque").await.status, 503);
}

#[tokio::test]
async fn local_b_rejects_opaque_tokens_without_introspection() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.b();
    b.resource("opaque").await.refused(401, "invalid_token", "");
    assert!(c.requests(crate::harness::INTROSPECT).await.is_empty());
}
