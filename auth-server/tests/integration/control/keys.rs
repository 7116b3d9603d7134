//! Rotation and withdrawal of keys by the control API.

use auth_server::domain::Algorithm;
use serde_json::{Value, json};
use service_kit::SecretSetting;

use super::{Controlled, assert_error_at};
use crate::{
    client::send,
    jwt,
    test_server::{ORDERS, ORDERS_API, SHOP},
};

const ROTATE: &str = "/control/keys/rotate";

impl Controlled {
    /// The id of the key of access tokens in this state.
    async fn kid(&self, state: &str) -> String {
        let keys = self.control.get_json("/control").await["keys"].clone();
        let is_named = |key: &&Value| key["state"] == state && key["algorithm"] == "ES256";
        let found = keys.as_array().unwrap().iter().find(is_named).unwrap();
        found["kid"].as_str().unwrap().to_owned()
    }

    async fn published(&self, kid: &str) -> bool {
        self.server.published_keys().await.iter().any(|key| key["kid"] == kid)
    }
}

#[tokio::test]
async fn next_key_signs_at_once_and_old_tokens_stay_valid() {
    let controlled = Controlled::start().await;
    let server = &controlled.server;
    let (current, next) = (controlled.kid("current").await, controlled.kid("next").await);
    let old = server.access_token(SHOP, &[("resource", ORDERS_API)]).await;
    assert_eq!(jwt::header(&old)["kid"], json!(current));
    let rotated = send(controlled.request("POST", ROTATE)).await;
    assert_eq!(rotated.status, 200, "{rotated:?}");
    let state = controlled.control.get_json("/control").await;
    assert_eq!(rotated.json()["keys"], state["keys"]);
    let new = server.access_token(SHOP, &[("resource", ORDERS_API)]).await;
    assert_eq!(jwt::header(&new)["kid"], json!(next));
    assert_eq!((controlled.kid("retired").await, controlled.kid("current").await), (current, next));
    assert!(controlled.published(&controlled.kid("next").await).await);
    assert!(server.is_active(ORDERS, &old).await && server.is_active(ORDERS, &new).await);
}

#[tokio::test]
async fn withdrawn_key_and_its_tokens_are_gone_at_once() {
    let controlled = Controlled::start().await;
    let server = &controlled.server;
    let (current, next) = (controlled.kid("current").await, controlled.kid("next").await);
    let token = server.access_token(SHOP, &[("resource", ORDERS_API)]).await;
    let withdraw =
        async |kid: &str| controlled.call("POST", ROTATE, &json!({ "withdraw": kid })).await;
    assert_error_at(&withdraw(&next).await, 400, "/withdraw", "has signed nothing");
    assert_eq!(withdraw(&current).await.status, 200);
    assert!(!controlled.published(&current).await);
    assert!(!server.is_active(ORDERS, &token).await);
    assert_eq!(controlled.kid("current").await, next);
    let again = withdraw(&current).await;
    again.assert_error(404, "unknown_key", &current);
    assert_eq!(again.member("pointer"), "/withdraw");
}

#[tokio::test]
async fn secret_of_hs256_cannot_be_rotated() {
    let controlled = Controlled::start_with(|settings| {
        settings.keys.algorithm = Algorithm::HS256;
        settings.keys.hs256_secret = Some(SecretSetting::new("a secret of 32 bytes and some more"));
        // ID tokens have keys of their own.
        std::fs::write(settings.clients_file.as_ref().unwrap(), "").unwrap();
    })
    .await;
    let response = send(controlled.request("POST", ROTATE)).await;
    response.assert_error(400, "invalid_request", "HS256");
}
