//! What handlers require: scopes, claims, both, or nothing.

use axum::{Router, routing::get};
use serde_json::{Value, json};
use test_support::{
    http::{TestClient, TestResponse, send},
    signer::Signer,
};
use token_verifier::{
    Authorized, ErrorDetail, HasClaim, LocalSettings, RequiredClaim, RequiredScope, VerifiedToken,
};

use crate::{
    setup::{AuthServer, ResourceRead, serve},
    signer::SignAccessToken,
};

struct Auditor;

impl RequiredClaim for Auditor {
    const NAME: &'static str = "roles";
    const VALUE: &'static str = "auditor";
}

/// Keycloak lists the roles of a realm in an object.
struct RealmAuditor;

impl RequiredClaim for RealmAuditor {
    const NAME: &'static str = "realm_access";
    const VALUE: &'static str = "auditor";

    fn is_met(token: &VerifiedToken) -> bool {
        let access: Option<Value> = token.claim(Self::NAME);
        let roles = access.as_ref().and_then(|access| access["roles"].as_array());
        roles.is_some_and(|roles| roles.iter().any(|role| role == Self::VALUE))
    }
}

struct Write;

impl RequiredScope for Write {
    const SCOPE: &'static str = "resource:write";
}

struct Api {
    client: TestClient,
    signer: Signer,
}

async fn start(detail: ErrorDetail) -> Api {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    let verifier = c.builder().local(LocalSettings::default()).detail(detail).build().unwrap();
    verifier.warm_up().await.unwrap();
    let app = Router::new()
        .route("/any", get(async |_: Authorized<()>| "ok"))
        .route("/claim", get(async |_: Authorized<HasClaim<Auditor>>| "ok"))
        .route("/realm", get(async |_: Authorized<HasClaim<RealmAuditor>>| "ok"))
        .route("/both", get(async |_: Authorized<(ResourceRead, HasClaim<Auditor>)>| "ok"))
        .route("/three", get(async |_: Authorized<(ResourceRead, Write, HasClaim<Auditor>)>| "ok"))
        .with_state(verifier);
    Api { client: TestClient::new(serve(app).await), signer }
}

impl Api {
    async fn call(&self, path: &str, more: &Value) -> TestResponse {
        let token = self.signer.token_with(|_, claims| {
            claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        });
        send(self.client.request("GET", path).bearer_auth(token.expose())).await
    }
}

#[tokio::test]
async fn claim_is_required_as_text_or_list() {
    let api = start(ErrorDetail::Full).await;
    for (roles, status) in [
        (json!("auditor"), 200),
        (json!(["x", "auditor"]), 200),
        (json!(["auditors"]), 403),
        (json!({ "auditor": true }), 403),
        (json!(null), 403),
    ] {
        let response = api.call("/claim", &json!({ "roles": roles.clone() })).await;
        assert_eq!(response.status, status, "{roles}");
    }
    assert_eq!(api.call("/claim", &json!({})).await.status, 403);
    let realm = json!({ "realm_access": { "roles": ["auditor"] } });
    assert_eq!(api.call("/realm", &realm).await.status, 200);
    assert_eq!(api.call("/realm", &json!({ "roles": "auditor" })).await.status, 403);
}

#[tokio::test]
async fn missing_claim_is_named_and_its_value_only_in_full_detail() {
    for (detail, named) in [(ErrorDetail::Full, true), (ErrorDetail::Terse, false)] {
        let response = start(detail).await.call("/claim", &json!({})).await;
        response.assert_bearer_error(403, "insufficient_scope", "requires the claim roles");
        assert_eq!(response.text.contains("auditor"), named);
        assert!(!response.header("www-authenticate").contains("scope=\""), "no scope would help");
    }
}

#[tokio::test]
async fn every_requirement_of_a_tuple_has_to_be_met() {
    let api = start(ErrorDetail::Full).await;
    let auditor = json!({ "roles": ["auditor"] });
    assert_eq!(api.call("/both", &auditor).await.status, 200);
    assert_eq!(api.call("/both", &json!({})).await.status, 403);
    let other_scope = json!({ "roles": ["auditor"], "scope": "resource:write" });
    let response = api.call("/both", &other_scope).await;
    response.assert_bearer_error(403, "insufficient_scope", "requires the scope resource:read");
    assert_eq!(api.call("/three", &auditor).await.status, 403);
    let all = json!({ "roles": "auditor", "scope": "resource:read resource:write" });
    assert_eq!(api.call("/three", &all).await.status, 200);
}

/// The audience decides whether a token is for this resource server, not the scope.
#[tokio::test]
async fn handler_without_requirement_needs_a_valid_token() {
    let api = start(ErrorDetail::Full).await;
    assert_eq!(api.call("/any", &json!({ "scope": "" })).await.status, 200);
    assert_eq!(api.call("/any", &json!({ "aud": "https://other.example" })).await.status, 401);
    assert_eq!(send(api.client.request("GET", "/any")).await.status, 401);
}
