//! The exact content of error responses (RFC 6750 §3, RFC 9728 §5.1).

use axum::{Router, routing::get};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use test_support::{
    http::{TestClient, send},
    signer::Signer,
};
use token_verifier::{Authorized, ErrorDetail, LocalSettings, Verifier};

use crate::{
    setup::{AuthServer, ResourceRead, metadata, serve},
    signer::SignAccessToken,
};

/// The status, the challenge (empty if absent) and the body.
type ErrorResponse = (u16, String, Value);

const METADATA: &str =
    r#"resource_metadata="https://b.example/.well-known/oauth-protected-resource""#;

/// Starts a resource server.
async fn start(verifier: Verifier) -> TestClient {
    let app = Router::new()
        .route("/", get(async |_: Authorized<ResourceRead>| "open"))
        .with_state(verifier);
    TestClient::new(serve(app).await)
}

async fn start_with_full_detail(c: &AuthServer) -> TestClient {
    start(c.builder().local(LocalSettings::default()).detail(ErrorDetail::Full).build().unwrap())
        .await
}

async fn error_response(request: RequestBuilder) -> ErrorResponse {
    let response = send(request).await;
    assert_eq!(response.header("cache-control"), "no-store");
    let challenges = response.headers.get_all("www-authenticate").iter().count();
    assert!(challenges < 2, "{response:?}");
    (response.status, response.header("www-authenticate").to_owned(), response.json())
}

#[tokio::test]
async fn missing_token_challenge_has_no_error() {
    let b = start(AuthServer::with_keys([]).await.local_verifier()).await;
    let headers_without_token = [
        None,
        Some("Basic c2VydmljZS1hOmFiYzEyMw=="),
        Some("DPoP abc"),
        Some("Bearerabc"),
        Some(""),
    ];
    for header in headers_without_token {
        let request = b.request("GET", "/");
        let request = header
            .into_iter()
            .fold(request, |request, header| request.header("authorization", header));
        let (status, challenge, _) = error_response(request).await;
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
    let b = start(c.local_verifier()).await;
    let without_scope = signer.token_with(|_, claims| claims["scope"] = json!("resource:write"));
    let get = |token: &str| b.request("GET", "/").bearer_auth(token);
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
        (b.request("GET", "/?access_token=x"), 400, "", "invalid_request", in_query),
    ];
    for (request, status, scope, error, description) in cases {
        let challenge = format!(
            r#"Bearer realm="https://b.example", {scope}error="{error}", error_description="{description}", {METADATA}"#
        );
        let body = json!({ "error": error, "error_description": description });
        assert_eq!(error_response(request).await, (status, challenge, body));
    }
}

#[tokio::test]
async fn token_values_cannot_inject_into_the_challenge() {
    let (signer, attacker) = (Signer::es256("1"), Signer::es256("2"));
    let c = AuthServer::with_keys([&signer]).await;
    let b = start_with_full_detail(&c).await;
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
            error_response(b.request("GET", "/").bearer_auth(token.expose())).await;
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
    let b = start_with_full_detail(&c).await;
    for token in tokens {
        let (_, challenge, body) =
            error_response(b.request("GET", "/").bearer_auth(token.expose())).await;
        assert!(
            challenge.len() < 1_000 && body.to_string().len() < 1_000,
            "{} bytes",
            challenge.len()
        );
        assert!(challenge.contains("xxx"), "{challenge}");
    }
    c.metadata.respond(metadata(&long));
    let b = start_with_full_detail(&c).await;
    let (status, _, body) =
        error_response(b.request("GET", "/").bearer_auth(signer.token().expose())).await;
    assert!(status == 503 && body.to_string().len() < 1_000, "{status} {body}");
}
