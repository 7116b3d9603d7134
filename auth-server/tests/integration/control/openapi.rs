//! The OpenAPI document of the control API.

use std::{collections::BTreeSet, fs};

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use service_kit::SecretSetting;
use test_support::{
    http::TestClient,
    openapi::{OpenApi, Operation, routes_in},
};

use super::Controlled;
use crate::{
    client::{client_builder, send},
    test_server::TestServer,
};

fn api() -> OpenApi {
    OpenApi::parse(include_str!("../../../openapi-control.json"))
}

fn routes() -> BTreeSet<Operation> {
    routes_in(include_str!("../../../src/control/router.rs"))
}

#[test]
fn openapi_lists_exactly_the_routes_of_the_control_api() {
    assert!(routes().len() > 15);
    api().assert_operations(&routes());
    api().assert_bodies_document_408_and_413();
}

const USER: &str = "/control/users/{username}";
const CLIENT: &str = "/control/clients/{client_id}";
const RESOURCE: &str = "/control/resources";

fn tenant() -> Value {
    json!({ "name": "tenant", "from": { "value": "acme" }, "in": ["access_token"] })
}

/// The path of a request to a documented one.
fn filled(path: &str) -> String {
    let path = path.replace("{username}", "carol").replace("{client_id}", "new-client");
    let path = path.replace("{name}", "default");
    if path == RESOURCE { path + "?identifier=https://new.example" } else { path }
}

/// Requests for every response that needs no broken server: method, path, expected status, body.
fn requests() -> Vec<(&'static str, &'static str, u16, Value)> {
    let none = Value::Null;
    let next_login = json!({ "client_id": "site", "user": "alice" });
    vec![
        ("get", "/control", 200, none.clone()),
        ("get", "/control/openapi.json", 200, none.clone()),
        ("get", "/control/clock", 200, none.clone()),
        ("put", "/control/clock", 200, json!({ "at": 1_800_000_000, "frozen": true })),
        ("put", "/control/clock", 400, json!({ "at": "noon" })),
        ("post", "/control/clock/advance", 200, json!({ "seconds": 1 })),
        ("post", "/control/clock/advance", 400, json!({ "seconds": -1 })),
        ("post", "/control/tokens", 201, json!({ "token": "access", "client_id": "shop" })),
        ("post", "/control/tokens", 400, json!({ "token": "access", "client_id": 1 })),
        ("post", "/control/tokens", 404, json!({ "token": "access", "client_id": "nobody" })),
        ("put", "/control/issuers/{name}", 400, json!({ "url": "https://other.example" })),
        ("post", "/control/keys/rotate", 200, none.clone()),
        ("post", "/control/keys/rotate", 400, json!({ "withdraw": 1 })),
        ("post", "/control/keys/rotate", 404, json!({ "withdraw": "no such key" })),
        ("post", "/control/revocations", 200, json!({ "client_id": "shop" })),
        ("post", "/control/revocations", 400, json!({})),
        ("post", "/control/revocations", 404, json!({ "token": "x" })),
        ("post", "/control/devices", 400, json!({ "user": "alice" })),
        ("post", "/control/devices", 404, json!({ "user": "alice", "user_code": "AAAA-AAAA" })),
        ("post", "/control/logouts", 400, json!({ "user": "alice", "flaws": ["bad"] })),
        ("post", "/control/logouts", 404, json!({ "user": "nobody" })),
        ("post", "/control/next-logins", 201, next_login.clone()),
        ("get", "/control/next-logins", 200, none.clone()),
        ("delete", "/control/next-logins/{id}", 404, none.clone()),
        ("delete", "/control/next-logins", 204, none.clone()),
        ("post", "/control/faults", 201, json!({ "on": "page", "do": { "status": 503 } })),
        ("get", "/control/faults", 200, none.clone()),
        ("delete", "/control/faults/{id}", 404, none.clone()),
        ("delete", "/control/faults", 204, none.clone()),
        ("post", "/control/logins", 400, json!({ "authorization_url": "x", "user": "alice" })),
        ("get", "/control/requests", 200, none.clone()),
        ("post", "/control/requests/verify", 200, json!({ "count": { "at_most": 9 } })),
        ("post", "/control/requests/verify", 422, json!({ "count": { "exactly": 9 } })),
        ("delete", "/control/requests", 204, none.clone()),
        ("get", "/control/seed", 200, none.clone()),
        ("get", "/control/claims", 200, none.clone()),
        ("put", "/control/claims", 200, json!({ "claims": [tenant()] })),
        ("put", "/control/claims", 400, json!({ "claims": [{ "name": "iss" }] })),
        ("delete", "/control/claims", 204, none.clone()),
        ("get", USER, 404, none.clone()),
        ("put", USER, 200, json!({ "password": "a password" })),
        ("put", USER, 400, json!({ "password": 1 })),
        ("get", USER, 200, none.clone()),
        ("delete", USER, 204, none.clone()),
        ("delete", USER, 404, none.clone()),
        ("get", CLIENT, 404, none.clone()),
        ("put", CLIENT, 200, json!({ "client_secret": "a secret" })),
        ("put", CLIENT, 400, json!({})),
        ("get", CLIENT, 200, none.clone()),
        ("delete", CLIENT, 204, none.clone()),
        ("get", RESOURCE, 404, none.clone()),
        ("put", RESOURCE, 200, json!({ "scopes": "a" })),
        ("put", RESOURCE, 400, json!({})),
        ("get", RESOURCE, 200, none.clone()),
        ("delete", RESOURCE, 204, none.clone()),
        ("post", "/control/reset", 204, none),
        ("post", "/control/reset", 204, json!({ "keys": true })),
        ("post", "/control/reset", 400, json!({ "keys": 1 })),
    ]
}

#[tokio::test]
async fn responses_of_the_control_api_match_openapi() {
    let api = api();
    let controlled = Controlled::start_with(|settings| {
        settings.control.token = Some(SecretSetting::new("the-control-token"));
    })
    .await;
    let request = |method: &str, path: &str| {
        controlled.request(&method.to_uppercase(), &filled(path)).bearer_auth("the-control-token")
    };
    let mut called = BTreeSet::new();
    for (method, path, status, body) in requests() {
        let request = request(method, path);
        let request = if body.is_null() { request } else { request.json(&body) };
        let response = send(request).await;
        assert_eq!(response.status, status, "{method} {path}: {response:?}");
        api.assert_response(path, method, &response);
        called.insert((path.to_owned(), method.to_owned()));
    }
    assert_eq!(called, api.operations(), "every operation was called");
    let assert = async |method: &str, path: &str, status: u16, request: RequestBuilder| {
        let response = send(request).await;
        assert_eq!(response.status, status, "{method} {path}: {response:?}");
        api.assert_response(path, method, &response);
    };
    for (path, method) in api.operations() {
        let unknown_issuer = request(&method, &path).query(&[("issuer", "https://other.example")]);
        assert(&method, &path, 404, unknown_issuer).await;
        assert(&method, &path, 400, request(&method, &path).query(&[("unknown", "x")])).await;
        let without_token = controlled.request(&method.to_uppercase(), &filled(&path));
        assert(&method, &path, 401, without_token).await;
        let of_page = request(&method, &path).header("origin", "https://evil.example");
        assert(&method, &path, 403, of_page).await;
        if api.operation(&path, &method)["requestBody"].is_object() {
            let large = json!({ "pad": "x".repeat(70_000) });
            assert(&method, &path, 413, request(&method, &path).json(&large)).await;
            assert(&method, &path, 415, request(&method, &path).form(&[("a", "b")])).await;
        }
    }
}

#[tokio::test]
async fn other_listeners_have_no_control_route() {
    for control in ["127.0.0.1:0", ""] {
        let server = TestServer::start_with(|settings| {
            settings.control.listen = control.to_owned();
            settings.tls_listen = "127.0.0.1:0".to_owned();
            settings.test_controls = true;
            settings.registration.enabled = true;
            settings.compat.wechat = true;
        })
        .await;
        assert_eq!(server.control.is_some(), !control.is_empty());
        let ca = fs::read(auth_server::dev_ca_certificate(&server.settings)).unwrap();
        let ca = reqwest::Certificate::from_pem(&ca).unwrap();
        let tls = TestClient {
            base: server.tls.clone().unwrap(),
            http: client_builder().tls_certs_only([ca]).build().unwrap(),
        };
        for listener in [&server.client.0, &server.manage.0, &tls] {
            for (path, method) in routes() {
                let response = send(listener.request(&method.to_uppercase(), &path)).await;
                assert_eq!(response.status, 404, "{method} {path}");
            }
        }
        assert_eq!(tls.get("/.well-known/jwks.json").await.status, 200);
    }
}
