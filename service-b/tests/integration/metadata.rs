use serde_json::json;

use crate::{
    harness::{C, ISSUER, RESOURCE},
    signer::Signer,
};

#[tokio::test]
async fn b_says_whose_passes_it_takes_and_for_what() {
    let c = C::start(&Signer::es256("k1")).await;
    let expected = json!({
        "resource": RESOURCE,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["resource:read", "resource:write"],
        "bearer_methods_supported": ["header"],
    });
    let answer = c.b().get("/.well-known/oauth-protected-resource").await;
    assert_eq!((answer.status, answer.json()), (200, expected));
}
