//! Devices that the control API approves.

use serde_json::{Value, json};

use super::{Controlled, assert_error_at};
use crate::{
    client::Response,
    device_grant::{begin, poll},
    test_server::ORDERS,
};

const DEVICES: &str = "/control/devices";

async fn decide(controlled: &Controlled, device: &Value, more: Value) -> Response {
    let mut body = json!({ "user_code": device["user_code"], "user": "alice" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    controlled.call("POST", DEVICES, &body).await
}

#[tokio::test]
async fn approved_device_gets_tokens_of_the_user() {
    let controlled = Controlled::start().await;
    let device = begin(&controlled.server).await;
    let decided = decide(&controlled, &device, json!({})).await;
    assert_eq!(
        (decided.status, decided.json()),
        (
            200,
            json!({
                "client_id": "app",
                "scope": "openid profile orders:read",
                "decision": "approve",
            })
        )
    );
    let tokens = poll(&controlled.server, &device).await.json();
    let token = tokens["access_token"].as_str().unwrap();
    assert!(controlled.server.is_active(ORDERS, token).await);
    let id_token = crate::jwt::claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(id_token["name"], Value::Null, "the claims are at userinfo");
    let again = decide(&controlled, &device, json!({})).await;
    again.assert_error(404, "unknown_user_code", "no device waits");
}

#[tokio::test]
async fn denied_device_gets_no_tokens() {
    let controlled = Controlled::start().await;
    let device = begin(&controlled.server).await;
    let decided = decide(&controlled, &device, json!({ "decision": "deny" })).await;
    assert_eq!((decided.status, decided.member("decision").as_str()), (200, "deny"));
    poll(&controlled.server, &device).await.assert_error(400, "access_denied", "denied");
}

#[tokio::test]
async fn decision_about_nothing_is_rejected() {
    let controlled = Controlled::start().await;
    let device = begin(&controlled.server).await;
    for code in ["AAAA-AAAA", "x", ""] {
        let unknown = decide(&controlled, &device, json!({ "user_code": code })).await;
        unknown.assert_error(404, "unknown_user_code", "no device waits");
        assert_eq!(unknown.member("pointer"), "/user_code");
    }
    let nobody = decide(&controlled, &device, json!({ "user": "nobody" })).await;
    assert_error_at(&nobody, 404, "/user", "no user `nobody`");
    let maybe = decide(&controlled, &device, json!({ "decision": "maybe" })).await;
    assert_error_at(&maybe, 400, "/decision", "not what is expected");
    controlled.server.clock.advance(std::time::Duration::from_secs(600));
    let expired = decide(&controlled, &device, json!({})).await;
    expired.assert_error(404, "unknown_user_code", "no device waits");
}
