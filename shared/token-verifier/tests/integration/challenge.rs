//! The exact content of error responses (RFC 6750 §3, RFC 9728 §5.1).

use axum::{Router, routing::get};
use http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use token_verifier::{Authorized, ErrorDetail, LocalSettings, RequiredScope, Verifier};

use crate::{
    setup::{AuthServer, metadata},
    signer::Signer,
};

struct ResourceRead;

impl RequiredScope for ResourceRead {
    const SCOPE: &'static str = "resource:read";
}

/// The status, the challenge (empty if absent) and the body.
type ErrorResponse = (u16, String, Value);

const METADATA: &str =
    r#"resource_metadata="https://b.example/.well-known/oauth-protected-resource""#;

/// Starts a resource server and returns its URL.
async fn serve(verifier: Verifier) -> String {
    let app = Router::new()
        .route("/", get(async |_: Authorized<ResourceRead>| "open"))
        .with_state(verifier);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

async fn serve_with_full_detail(c: &AuthServer) -> String {
    serve(c.builder().local(LocalSettings::default()).detail(ErrorDetail::Full).build().unwrap())
        .await
}

async fn send(request: RequestBuilder) -> ErrorResponse {
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    let challenges: Vec<_> = response.headers().get_all(WWW_AUTHENTICATE).iter().collect();
    assert!(challenges.len() < 2, "{challenges:?}");
    let challenge =
        challenges.first().map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    (response.status().as_u16(), challenge, response.json().await.unwrap())
}

#[tokio::test]
async fn missing_token_challenge_has_no_error() {
    let b = serve(AuthServer::with_keys([]).await.local_verifier()).await;
    let headers_without_token = [
        None,
        Some("Basic c2VydmljZS1hOmFiYzEyMw=="),
        Some("DPoP abc"),
        Some("Bearerabc"),
        Some(""),
    ];
    for header in headers_without_token {
        let request = Client::new().get(&b);
        let request = header
            .into_iter()
            .fold(request, |request, header| request.header("authorization", header));
        let (status, challenge, _) = send(request).await;
        assert_eq!(
            (status, challenge),
            (401, format!(r#"Bearer realm="https://b.example", {METADATA}"#)),
            "{header:?}"
        );
    }
}

#[tokio::test]
async fn error_responses_match_rfc_6750() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    let b = serve(c.local_verifier()).await;
    let without_scope = signer.token_with(|_, claims| claims["scope"] = json!("resource:write"));
    let get = |token: &str| Client::new().get(&b).bearer_auth(token);
    let invalid_token = "the access token is malformed, expired, revoked or not for this resource";
    let in_query = "an access token in the query string is not accepted because URLs are logged; use the Authorization header";
    let cases = [
        (get("opaque"), 401, "", "invalid_token", invalid_token),
        (
            get(without_scope.expose()),
            403,
            r#"scope="resource:read", "#,
            "insufficient_scope",
            "this request requires the scope resource:read",
        ),
        (Client::new().get(format!("{b}?access_token=x")), 400, "", "invalid_request", in_query),
    ];
    for (request, status, scope, error, description) in cases {
        let challenge = format!(
            r#"Bearer realm="https://b.example", {scope}error="{error}", error_description="{description}", {METADATA}"#
        );
        let body = json!({ "error": error, "error_description": description });
        assert_eq!(send(request).await, (status, challenge, body));
    }
}

#[tokio::test]
async fn token_values_cannot_inject_into_the_challenge() {
    let (signer, attacker) = (Signer::es256("1"), Signer::es256("2"));
    let c = AuthServer::with_keys([&signer]).await;
    let b = serve_with_full_detail(&c).await;
    let injection =
        "x\", error=\"none\", scope=\"all\r\nset-cookie: a=b\r\n\r\n<script>\\\u{e4}\u{0}\u{7f}";
    let tokens = [
        attacker.token_with(|header, _| header["kid"] = json!(injection)),
        attacker.token_with(|header, _| header["alg"] = json!(injection)),
        attacker.token_with(|header, _| header["typ"] = json!(injection)),
        signer.token_with(|_, claims| claims["iss"] = json!(injection)),
        signer.token_with(|_, claims| claims["aud"] = json!([injection, injection])),
    ];
    for token in tokens {
        let (status, challenge, body) =
            send(Client::new().get(&b).bearer_auth(token.expose())).await;
        assert_eq!((status, &body["error"]), (401, &json!("invalid_token")));
        assert_eq!(challenge.matches('"').count(), 8, "{challenge}");
        assert!(challenge.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{challenge}");
    }
}

/// Proxies drop responses with long headers.
#[tokio::test]
async fn long_token_values_are_truncated_in_error_responses() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    let long = "x".repeat(9_000);
    let tokens = [
        signer.token_with(|_, claims| claims["scope"] = json!(long)),
        signer.token_with(|_, claims| claims["aud"] = json!(long)),
        signer.token_with(|header, _| header["alg"] = json!(long)),
    ];
    let b = serve_with_full_detail(&c).await;
    for token in tokens {
        let (_, challenge, body) = send(Client::new().get(&b).bearer_auth(token.expose())).await;
        assert!(
            challenge.len() < 1_000 && body.to_string().len() < 1_000,
            "{} bytes",
            challenge.len()
        );
        assert!(challenge.contains("xxx"), "{challenge}");
    }
    c.metadata.set_response(metadata(&long));
    let b = serve_with_full_detail(&c).await;
    let (status, _, body) = send(Client::new().get(&b).bearer_auth(signer.token().expose())).await;
    assert!(status == 503 && body.to_string().len() < 1_000, "{status} {body}");
}
