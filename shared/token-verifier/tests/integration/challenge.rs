//! The exact words of a refusal (RFC 6750 §3, RFC 9728 §5.1).

use axum::{Router, routing::get};
use http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use token_verifier::{Authorized, ErrorDetail, LocalSettings, RequiredScope, Verifier};

use crate::{
    setup::{C, metadata},
    signer::Signer,
};

struct ResourceRead;

impl RequiredScope for ResourceRead {
    const SCOPE: &'static str = "resource:read";
}

/// What a caller sees: the status, the one challenge, and the body.
type Seen = (u16, String, Value);

const METADATA: &str =
    r#"resource_metadata="https://b.example/.well-known/oauth-protected-resource""#;

/// B's address.
async fn b(verifier: Verifier) -> String {
    let app = Router::new()
        .route("/", get(async |_: Authorized<ResourceRead>| "open"))
        .with_state(verifier);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn explaining(c: &C) -> String {
    b(c.builder().local(LocalSettings::default()).detail(ErrorDetail::Full).build().unwrap()).await
}

async fn seen(request: RequestBuilder) -> Seen {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
    let challenges: Vec<_> = answer.headers().get_all(WWW_AUTHENTICATE).iter().collect();
    assert!(challenges.len() < 2, "{challenges:?}");
    let challenge =
        challenges.first().map(|one| one.to_str().unwrap().to_owned()).unwrap_or_default();
    (answer.status().as_u16(), challenge, answer.json().await.unwrap())
}

#[tokio::test]
async fn without_a_token_there_is_a_challenge_and_no_error() {
    let b = b(C::with_keys([]).await.local()).await;
    let nothing = [
        None,
        Some("Basic c2VydmljZS1hOmFiYzEyMw=="),
        Some("DPoP abc"),
        Some("Bearerabc"),
        Some(""),
    ];
    for header in nothing {
        let request = Client::new().get(&b);
        let request = header
            .into_iter()
            .fold(request, |request, header| request.header("authorization", header));
        let (status, challenge, _) = seen(request).await;
        assert_eq!(
            (status, challenge),
            (401, format!(r#"Bearer realm="https://b.example", {METADATA}"#)),
            "{header:?}"
        );
    }
}

#[tokio::test]
async fn each_error_has_its_description() {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    let b = b(c.local()).await;
    let poor = signer.token_with(|_, claims| claims["scope"] = json!("resource:write"));
    let get = |token: &str| Client::new().get(&b).bearer_auth(token);
    let void = "the access token is malformed, expired, revoked or not for this resource";
    let in_url = "an access token in the query string is not accepted because URLs are logged; use the Authorization header";
    let cases = [
        (get("opaque"), 401, "", "invalid_token", void),
        (
            get(poor.expose()),
            403,
            r#"scope="resource:read", "#,
            "insufficient_scope",
            "this request requires the scope resource:read",
        ),
        (Client::new().get(format!("{b}?access_token=x")), 400, "", "invalid_request", in_url),
    ];
    for (request, status, scope, error, description) in cases {
        let challenge = format!(
            r#"Bearer realm="https://b.example", {scope}error="{error}", error_description="{description}", {METADATA}"#
        );
        let body = json!({ "error": error, "error_description": description });
        assert_eq!(seen(request).await, (status, challenge, body));
    }
}

#[tokio::test]
async fn neither_a_header_nor_a_claim_breaks_out_of_the_challenge() {
    let (signer, thief) = (Signer::es256("1"), Signer::es256("2"));
    let c = C::with_keys([&signer]).await;
    let b = explaining(&c).await;
    let evil =
        "x\", error=\"none\", scope=\"all\r\nset-cookie: a=b\r\n\r\n<script>\\\u{e4}\u{0}\u{7f}";
    let tokens = [
        thief.token_with(|header, _| header["kid"] = json!(evil)),
        thief.token_with(|header, _| header["alg"] = json!(evil)),
        thief.token_with(|header, _| header["typ"] = json!(evil)),
        signer.token_with(|_, claims| claims["iss"] = json!(evil)),
        signer.token_with(|_, claims| claims["aud"] = json!([evil, evil])),
    ];
    for token in tokens {
        let (status, challenge, body) =
            seen(Client::new().get(&b).bearer_auth(token.expose())).await;
        assert_eq!((status, &body["error"]), (401, &json!("invalid_token")));
        assert_eq!(challenge.matches('"').count(), 8, "{challenge}");
        assert!(challenge.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{challenge}");
    }
}

/// A proxy that finds a header too long drops the whole answer.
#[tokio::test]
async fn an_explanation_is_short_however_long_the_values_are() {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    let long = "x".repeat(9_000);
    let tokens = [
        signer.token_with(|_, claims| claims["scope"] = json!(long)),
        signer.token_with(|_, claims| claims["aud"] = json!(long)),
        signer.token_with(|header, _| header["alg"] = json!(long)),
    ];
    let b = explaining(&c).await;
    for token in tokens {
        let (_, challenge, body) = seen(Client::new().get(&b).bearer_auth(token.expose())).await;
        assert!(
            challenge.len() < 1_000 && body.to_string().len() < 1_000,
            "{} bytes",
            challenge.len()
        );
        assert!(challenge.contains("xxx"), "{challenge}");
    }
    c.metadata.answers(metadata(&long));
    let b = explaining(&c).await;
    let (status, _, body) = seen(Client::new().get(&b).bearer_auth(signer.token().expose())).await;
    assert!(status == 503 && body.to_string().len() < 1_000, "{status} {body}");
}
