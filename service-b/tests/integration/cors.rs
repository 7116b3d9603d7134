//! Which pages of other origins may read B's responses.

use test_support::signer::Signer;

use crate::{
    client::{TestResponse, send},
    harness::{B, C, access_token, valid_claims},
};

const APP: &str = "https://app.example";
const METADATA: &str = "/.well-known/oauth-protected-resource";

async fn start(origins: &[&str]) -> (Signer, C, B) {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.start_b_with(|settings| {
        settings.cors.allowed_origins = origins.iter().map(|&origin| origin.to_owned()).collect();
    });
    (signer, c, b)
}

async fn preflight(b: &B, path: &str, origin: &str) -> TestResponse {
    let request = b.request("OPTIONS", path).header("origin", origin);
    send(request.header("access-control-request-method", "GET")).await
}

fn has_no_cors_headers(response: &TestResponse) -> bool {
    !response.headers.keys().any(|name| name.as_str().starts_with("access-control-"))
}

#[tokio::test]
async fn page_of_an_allowed_origin_reads_responses_and_errors_of_the_api() {
    let (signer, _c, b) = start(&["http://localhost:5173", APP]).await;
    let token = access_token(&signer, &valid_claims());
    let read = |path: &str| b.request("GET", path).header("origin", APP);
    for (request, status) in [
        (read("/api/resource").bearer_auth(&token), 200),
        (read("/api/resource"), 401),
        (read("/api/admin").bearer_auth(&token), 403),
        (read("/api/unknown"), 404),
        (read("/api/resource").header("host", "evil.example"), 421),
    ] {
        let response = send(request).await;
        assert_eq!(response.status, status);
        assert_eq!(response.header("access-control-allow-origin"), APP, "{status}");
        let exposed = response.header("access-control-expose-headers");
        assert!(exposed.contains("www-authenticate"), "{exposed}");
        assert!(!response.headers.contains_key("access-control-allow-credentials"));
        assert_eq!(response.header("vary"), "origin");
    }
}

#[tokio::test]
async fn preflight_of_an_allowed_origin_permits_the_authorization_header() {
    let (_, _c, b) = start(&[APP]).await;
    let response = preflight(&b, "/api/resource", APP).await;
    assert_eq!(response.status, 204);
    assert_eq!(response.header("access-control-allow-origin"), APP);
    assert_eq!(response.header("access-control-allow-methods"), "GET, POST");
    assert!(response.header("access-control-allow-headers").contains("authorization"));
    assert!(!response.headers.contains_key("access-control-allow-credentials"));
}

#[tokio::test]
async fn other_origins_and_null_get_no_access_to_the_api() {
    let (_, _c, b) = start(&[APP]).await;
    let others = ["https://evil.example", "null", "https://app.example.evil", "http://app.example"];
    for origin in others {
        let response = send(b.request("GET", "/api/resource").header("origin", origin)).await;
        assert!(has_no_cors_headers(&response), "{origin} {response:?}");
        assert_eq!(response.header("vary"), "origin", "caches keep both apart");
        let response = preflight(&b, "/api/resource", origin).await;
        assert!(response.status == 405 && has_no_cors_headers(&response), "{origin} {response:?}");
    }
}

#[tokio::test]
async fn api_allows_no_origin_by_default() {
    let (_, _c, b) = start(&[]).await;
    let response = preflight(&b, "/api/resource", APP).await;
    assert!(response.status == 405 && has_no_cors_headers(&response), "{response:?}");
}

#[tokio::test]
async fn metadata_is_readable_by_every_page() {
    let (_, _c, b) = start(&[]).await;
    for path in [METADATA, "/.well-known/oauth-protected-resource/api"] {
        for origin in [APP, "https://any.example"] {
            let response = send(b.request("GET", path).header("origin", origin)).await;
            assert_eq!(response.status, 200, "{path}");
            assert_eq!(response.header("access-control-allow-origin"), "*");
            assert!(!response.headers.contains_key("access-control-allow-credentials"));
            let response = preflight(&b, path, origin).await;
            assert_eq!(response.status, 204);
            assert_eq!(response.header("access-control-allow-headers"), "*");
        }
    }
    assert_eq!(b.get("/.well-known/oauth-protected-resource/other").await.status, 404);
}

#[tokio::test]
async fn other_routes_are_not_readable_by_pages() {
    let (_, _c, b) = start(&[APP]).await;
    let response = send(b.request("GET", "/openapi.json").header("origin", APP)).await;
    assert!(response.status == 200 && has_no_cors_headers(&response), "{response:?}");
}

#[tokio::test]
async fn malformed_origin_is_rejected_at_the_start() {
    for origin in ["*", "null", "https://app.example/"] {
        let flag = format!("cors.allowed_origins={origin}");
        let arguments = ["--set".to_owned(), flag];
        let output = crate::process::run(&["check-config"], &arguments).await;
        assert_eq!(output.code, Some(1), "{origin}");
        assert!(output.stderr.contains("cors.allowed_origins"), "{}", output.stderr);
    }
}
