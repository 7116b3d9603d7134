//! The endpoint that requires a custom claim, and settings for tokens of other issuers.

use serde_json::{Value, json};
use service_b::settings::Mode;
use test_support::{mock, signer::Signer};

use crate::{
    client::{TestResponse, read_resource, send},
    harness::{B, C, access_token, active, claims},
    process::run,
};

async fn read_admin(b: &B, token: &str) -> TestResponse {
    send(b.request("GET", "/api/admin").bearer_auth(token)).await
}

#[tokio::test]
async fn admin_endpoint_requires_the_role_besides_the_scope() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.start_b();
    for (changes, status, roles) in [
        (json!({ "roles": ["auditor", "admin"] }), 200, json!(["auditor", "admin"])),
        (json!({ "roles": "admin" }), 200, json!(["admin"])),
        (json!({ "roles": ["auditor"] }), 403, Value::Null),
        (json!({}), 403, Value::Null),
        (json!({ "roles": ["admin"], "scope": "resource:write" }), 403, Value::Null),
    ] {
        let response = read_admin(&b, &access_token(&signer, &claims(&changes))).await;
        assert_eq!(response.status, status, "{changes} {response:?}");
        assert_eq!(response.json()["roles"], roles, "{changes}");
    }
    let response = read_admin(&b, &access_token(&signer, &claims(&json!({})))).await;
    response.assert_bearer_error(403, "insufficient_scope", "requires the claim roles");
}

#[tokio::test]
async fn role_in_an_introspection_response_counts() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.start_b_with(|settings| settings.mode = Mode::Introspection);
    c.introspection.respond(active(&json!({ "roles": ["admin"] })));
    assert_eq!(read_admin(&b, "opaque-1").await.status, 200);
    c.introspection.respond(active(&json!({ "roles": ["user"] })));
    assert_eq!(read_admin(&b, "opaque-2").await.status, 403);
}

#[tokio::test]
async fn token_of_another_issuer_is_accepted_by_settings() {
    let signer = Signer::es384("k1");
    let c = C::start(&signer).await;
    let token = json!({
        "jti": null, "client_id": null, "scope": null, "aud": "api://orders", "azp": "app-1",
        "scp": "Files.Read",
    });
    let mut token = claims(&token);
    token.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let token = signer.sign(&json!({ "typ": "JWT" }), &token);
    assert_eq!(read_resource(&c.start_b(), &token).await.status, 401, "the default is strict");
    let b = c.start_b_with(|settings| {
        settings.audiences = vec!["api://orders".to_owned()];
        settings.local.algorithms = vec!["ES384".to_owned()];
        settings.local.token_types = vec!["JWT".to_owned()];
        settings.scopes.names = vec!["Files.Read=resource:read".to_owned()];
    });
    let response = read_resource(&b, &token).await;
    assert_eq!(response.status, 200, "{response:?}");
    let body = response.json();
    assert_eq!(
        (&body["token"]["client_id"], &body["token"]["jti"], &body["token"]["scope"]),
        (&json!("app-1"), &Value::Null, &json!("Files.Read resource:read"))
    );
}

#[tokio::test]
async fn introspection_endpoint_of_the_settings_needs_no_metadata() {
    let c = C::start(&Signer::es256("k1")).await;
    c.metadata.respond(mock::status(404));
    c.introspection.respond(active(&json!({})));
    let endpoint = format!("{}{}", c.server.uri(), crate::harness::INTROSPECT);
    let b = c.start_b_with(|settings| {
        settings.mode = Mode::Introspection;
        settings.introspection.endpoint = Some(endpoint);
    });
    assert_eq!(read_resource(&b, "opaque").await.status, 200);
    b.wait_until_ready().await;
}

/// Every configuration of the guide is read and checked by B.
#[tokio::test(flavor = "multi_thread")]
async fn settings_of_the_guide_are_valid() {
    let guide = include_str!("../../../docs/guides/outside-issuers.md");
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "a secret that is long enough for production").unwrap();
    let blocks = guide.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut read = 0;
    for block in blocks {
        let file = folder.path().join("service-b.toml");
        let text = block.replace("/run/secrets/introspection", &secret.display().to_string());
        std::fs::write(&file, format!("profile = \"production\"\n{text}")).unwrap();
        let file = file.display().to_string();
        let output = run(&["check-config", "--config", &file], &[]).await;
        assert_eq!(output.code, Some(0), "{block}\n{output:?}");
        read += 1;
    }
    assert_eq!(read, 6, "one block for each issuer");
}
