use serde_json::json;
use test_support::signer::Signer;

use crate::{
    client::send,
    harness::{C, ISSUER, RESOURCE},
};

#[tokio::test]
async fn resource_metadata_names_issuer_and_scopes() {
    let c = C::start(&Signer::es256("k1")).await;
    let expected = json!({
        "resource": RESOURCE,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["resource:read", "resource:write"],
        "bearer_methods_supported": ["header"],
    });
    let b = c.start_b();
    for path in ["", "/api"] {
        let response = b.get(&format!("/.well-known/oauth-protected-resource{path}")).await;
        assert_eq!((response.status, response.json()), (200, expected.clone()), "{path}");
    }
    assert_eq!(b.get("/.well-known/oauth-protected-resource/other").await.status, 404);
}

#[tokio::test]
async fn page_is_in_the_language_of_the_browser() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.start_b();
    let (english, chinese) = ("This is B, the resource server", "这是资源服务器 B");
    for (path, header, expected, other) in [
        ("/", ("accept-language", "en"), english, chinese),
        ("/", ("accept-language", "zh-CN,zh;q=0.9"), chinese, english),
        ("/", ("cookie", "gatepass-language=zh"), chinese, english),
        ("/?lang=zh", ("accept-language", "en"), chinese, english),
    ] {
        let response = send(b.request("GET", path).header(header.0, header.1)).await;
        assert_eq!(response.status, 200);
        let page = response.text;
        assert!(page.contains(expected) && !page.contains(other), "{path} {header:?}: {page}");
    }
}

#[tokio::test]
async fn unknown_host_gets_421() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.start_b();
    for path in ["/api/resource", "/.well-known/oauth-protected-resource", "/openapi.json"] {
        let request = b.request("GET", path).header("host", "evil.example");
        let response = send(request).await;
        assert_eq!(response.status, 421, "{path}");
        assert_eq!(response.json()["error"], "invalid_request", "{path}");
    }
}
