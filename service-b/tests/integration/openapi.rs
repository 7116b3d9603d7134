use std::collections::BTreeSet;

use reqwest::RequestBuilder;
use serde_json::json;
use service_b::settings::Mode;
use test_support::{
    mock::{json, status},
    openapi::{OpenApi, routes_in},
    signer::Signer,
};

use crate::{
    client::{read_resource, send},
    harness::{B, C, RESOURCE, access_token, claims},
};

pub fn document() -> OpenApi {
    OpenApi::parse(include_str!("../../openapi.json"))
}

#[test]
fn documented_operations_match_the_routes() {
    let routes = routes_in(include_str!("../../src/router.rs"));
    assert!(routes.len() > 3, "{routes:?}");
    document().assert_operations(&routes);
}

#[test]
fn operations_with_a_body_document_408_and_413() {
    document().assert_bodies_document_408_and_413();
}

/// Returns requests for every documented operation, each with its expected status.
fn documented_requests(
    b: &B,
    signer: &Signer,
) -> Vec<(&'static str, &'static str, u16, RequestBuilder)> {
    let mut requests = Vec::new();
    let scopes = [
        ("/api/resource", "get", "resource:read"),
        ("/api/admin", "get", "resource:read"),
        ("/api/do_something", "post", "resource:write"),
    ];
    for (path, method, scope) in scopes {
        let request = || b.request(&method.to_uppercase(), path);
        let [good, other] = [scope, "else"].map(|scope| {
            let claims = claims(&json!({ "scope": scope, "roles": ["admin"] }));
            access_token(signer, &claims)
        });
        requests.extend([
            (path, method, 200, request().bearer_auth(&good)),
            (path, method, 400, request().bearer_auth(&good).query(&[("access_token", &good)])),
            (path, method, 401, request()),
            (path, method, 401, request().bearer_auth("made.up.token")),
            (path, method, 403, request().bearer_auth(other)),
            (path, method, 503, request().bearer_auth("opaque")),
        ]);
    }
    let write = access_token(signer, &claims(&json!({ "scope": "resource:write" })));
    let long = b.post("/api/do_something").bearer_auth(write).body("x".repeat(70_000));
    requests.push(("/api/do_something", "post", 413, long));
    let in_query =
        |secret| b.request("GET", "/api").query(&[("access_key", "service-a"), ("secret", secret)]);
    let in_header = |secret| b.post("/api/do_something").basic_auth("service-a", Some(secret));
    for (secret, status) in [("abc123", 200), ("abc124", 401)] {
        requests.push(("/api", "get", status, in_query(secret)));
        requests.push(("/api/do_something", "post", status, in_header(secret)));
    }
    for path in ["/", "/.well-known/oauth-protected-resource", "/openapi.json"] {
        requests.push((path, "get", 200, b.request("GET", path)));
    }
    requests
}

#[tokio::test]
async fn every_operation_responds_as_documented() {
    let (document, signer) = (document(), Signer::es256("k1"));
    let c = C::start(&signer).await;
    let b = c.start_b_with(|settings| {
        settings.mode = Mode::Auto;
        settings.legacy_secret_demo = true;
    });
    b.wait_until_ready().await;
    c.introspection.respond(status(500));
    let mut called = BTreeSet::new();
    for (path, method, status, request) in documented_requests(&b, &signer) {
        let response = send(request).await;
        assert_eq!(response.status, status, "{method} {path}: {response:?}");
        document.assert_response(path, method, &response);
        called.insert((path.to_owned(), method.to_owned()));
    }
    assert_eq!(called, document.operations(), "every operation must be called");
}

#[tokio::test]
async fn stalled_body_gets_the_documented_408() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.start_b_with(|settings| settings.limits.request_timeout_seconds = 1);
    b.wait_until_ready().await;
    let token = access_token(&signer, &claims(&json!({ "scope": "resource:write" })));
    for content_type in ["text/plain", "application/x-www-form-urlencoded"] {
        let headers = format!("authorization: Bearer {token}\r\ncontent-type: {content_type}\r\n");
        let response = b.stall_body("POST", "/api/do_something", &headers).await;
        assert_eq!(response.status, 408, "{response:?}");
        document().assert_response("/api/do_something", "post", &response);
    }
}

#[tokio::test]
async fn response_after_introspection_is_documented() {
    let (document, signer) = (document(), Signer::es256("k1"));
    let c = C::start(&signer).await;
    let b = c.start_b_with(|settings| settings.mode = Mode::Introspection);
    b.wait_until_ready().await;
    c.introspection
        .respond(json(200, &json!({ "active": true, "aud": RESOURCE, "scope": "resource:read" })));
    let response = read_resource(&b, "opaque").await;
    assert_eq!(response.status, 200, "{response:?}");
    document.assert_response("/api/resource", "get", &response);
}
