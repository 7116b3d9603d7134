//! Changes of the seed that the control API rejects.

use serde_json::json;

use super::{Controlled, assert_error_at};
use crate::test_server::{ORDERS_API, STOCK_API};

const RESOURCES: &str = "/control/resources?identifier=https://new.example/api";

#[tokio::test]
async fn resource_in_use_is_not_removed() {
    let controlled = Controlled::start().await;
    let path = format!("/control/resources?identifier={STOCK_API}");
    let response = controlled.call("DELETE", &path, &json!({})).await;
    assert_eq!(response.status, 400, "{response:?}");
    let text = response.json()["error_description"].as_str().unwrap().to_owned();
    assert!(text.contains("in use by client `shop`, "), "{text}");
    assert_eq!(controlled.control.get(&path).await.status, 200);
    let twice = format!("{path}&identifier=x");
    let response = controlled.call("PUT", &twice, &json!({ "scopes": "a" })).await;
    assert_eq!(response.status, 400);
    assert!(response.text.contains("more than once"), "{response:?}");
}

#[tokio::test]
async fn invalid_entries_are_rejected_and_change_nothing() {
    let controlled = Controlled::start().await;
    let before = controlled.seed().await;
    let orders = format!("/control/resources?identifier={ORDERS_API}");
    for (path, body, pointer, words) in [
        ("/control/users/carol", json!({ "pasword": "x" }), "/pasword", "unknown member"),
        ("/control/users/carol", json!({ "password": 1 }), "/password", "not what is expected"),
        ("/control/users/carol", json!({ "username": "dave" }), "/username", "different entries"),
        ("/control/clients/x", json!({ "scope": "a" }), "/scope", "unknown member"),
        ("/control/clients/x", json!({ "login": { "redirect": 1 } }), "/login/redirect", "unknown"),
        (
            "/control/claims",
            json!({ "claims": [{ "name": "a", "from": { "value": 1 }, "in": ["cookie"] }] }),
            "/claims/0/in/0",
            "not what is expected",
        ),
    ] {
        assert_error_at(&controlled.call("PUT", path, &body).await, 400, pointer, words);
    }
    for (path, body, pointer, words) in [
        ("/control/users/carol", json!({}), "/password", "set either password or password_hash"),
        ("/control/users/carol", json!({ "password": "" }), "/password", "is empty"),
        ("/control/users/carol", json!({ "password_hash": "q" }), "/password_hash", "PHC string"),
        ("/control/users/carol", json!({ "password": "x", "sub": " " }), "/sub", "sub must have"),
        (
            "/control/clients/x",
            json!({ "client_secret": "x", "resources": ["y"] }),
            "/resources/0",
            "client `x`",
        ),
        (
            "/control/clients/x",
            json!({ "client_secret": "x", "login": { "redirect_uris": ["https://a/", "nope"] } }),
            "/login/redirect_uris/1",
            "redirect_uris",
        ),
        ("/control/clients/x", json!({}), "/client_secret", "requires client_secret"),
        ("/control/clients/x", json!({ "client_secret": "" }), "/client_secret", "is empty"),
        (
            "/control/clients/x",
            json!({ "client_secret": "x", "login": {
                "redirect_uris": [], "userinfo_signed_response_alg": "HS256",
            } }),
            "/login/userinfo_signed_response_alg",
            "cannot be HS256",
        ),
        (&*orders, json!({}), "/scopes", "is missing"),
        (
            &*orders,
            json!({ "scopes": "a", "access_token_ttl_seconds": 0 }),
            "/access_token_ttl_seconds",
            "at least 1 second",
        ),
        (&orders, json!({ "scopes": "a", "algorithm": "HS256" }), "/algorithm", "cannot be HS256"),
        (
            &*orders,
            json!({ "scopes": "a", "token_format": "opaque", "typ": "JWT" }),
            "/token_format",
            "contradict",
        ),
        (
            "/control/resources?identifier=x",
            json!({ "scopes": "a" }),
            "/identifier",
            "not an absolute URI",
        ),
        (
            "/control/claims",
            json!({ "claims": [{ "name": "a", "from": ["user.a"], "in": ["id_token"] }] }),
            "/claims/0/from",
            "not what is expected",
        ),
        (
            "/control/claims",
            json!({ "claims": [{ "name": "a", "from": { "user": "a" }, "in": ["id_token"] }] }),
            "/claims/0/from",
            "not what is expected",
        ),
        (
            "/control/resources?identifier=https://a.example/%20b",
            json!({ "scopes": "a" }),
            "/identifier",
            "not an absolute URI",
        ),
        (
            "/control/claims",
            json!({ "claims": [{ "name": "iss", "from": { "value": 1 }, "in": ["id_token"] }] }),
            "/claims/0/name",
            "reserved",
        ),
        (
            "/control/claims",
            json!({ "claims": [{ "name": "a", "from": { "value": 1 }, "in": [] }] }),
            "/claims/0/in",
            "in: is empty",
        ),
    ] {
        let response = controlled.call("PUT", path, &body).await;
        assert_error_at(&response, 400, pointer, words);
        assert!(response.json()["expected"].is_string(), "{response:?}");
    }
    for (path, body, words) in [
        ("/control/users/%20", json!({ "password": "x" }), "starts or ends"),
        ("/control/resources", json!({ "scopes": "a" }), "names no resource"),
        (
            RESOURCES,
            json!({ "scopes": "a", "access_token_ttl_seconds": 100_000 }),
            "access_token_ttl_seconds",
        ),
        (&*orders, json!({ "scopes": "orders:read" }), "client `site`"),
    ] {
        let response = controlled.call("PUT", path, &body).await;
        response.assert_error(400, "invalid_request", words);
    }
    assert_eq!(controlled.seed().await, before);
}
