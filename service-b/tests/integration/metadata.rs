use serde_json::json;
use test_support::signer::Signer;

use crate::harness::{C, ISSUER, RESOURCE};

#[tokio::test]
async fn resource_metadata_names_issuer_and_scopes() {
    let c = C::start(&Signer::es256("k1")).await;
    let expected = json!({
        "resource": RESOURCE,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["resource:read", "resource:write"],
        "bearer_methods_supported": ["header"],
    });
    let response = c.start_b().get("/.well-known/oauth-protected-resource").await;
    assert_eq!((response.status, response.json()), (200, expected));
}
