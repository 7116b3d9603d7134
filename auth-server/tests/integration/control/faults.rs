//! Faults of the control API.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Controlled, assert_error_at};
use crate::{
    browser::{AuthorizationRequest, Browser},
    client::send,
    registration::{register_client, text, website_metadata},
    test_server::{SHOP, SITE},
};

const FAULTS: &str = "/control/faults";
const JWKS: &str = "/.well-known/jwks.json";

impl Controlled {
    async fn fault(&self, body: Value) -> Value {
        let response = self.call("POST", FAULTS, &body).await;
        assert_eq!(response.status, 201, "{response:?}");
        response.json()
    }
}

#[tokio::test]
async fn fault_applies_as_often_as_it_says() {
    let controlled = Controlled::start().await;
    let fault =
        controlled.fault(json!({ "on": "token", "times": 2, "do": { "status": 503 } })).await;
    assert_eq!(fault["remaining"], json!(2));
    let status = async || controlled.server.client_credentials(SHOP, &[]).await.status;
    assert_eq!([status().await, status().await, status().await], [503, 503, 200]);
    assert_eq!(controlled.control.get_json(FAULTS).await, json!({ "faults": [] }));
}

#[tokio::test]
async fn newest_fault_that_matches_the_client_applies() {
    let controlled = Controlled::start().await;
    controlled.fault(json!({ "on": "token", "do": { "oauth_error": "server_error" } })).await;
    let of_shop =
        json!({ "on": "token", "match": { "client_id": "shop" }, "do": { "status": 418 } });
    let id = controlled.fault(of_shop).await["id"].clone();
    assert_eq!(controlled.server.client_credentials(SHOP, &[]).await.status, 418);
    let other = controlled.server.client_credentials(SITE, &[]).await;
    assert_eq!((other.status, &other.json()["error"]), (500, &json!("server_error")));
    let listed = controlled.control.get_json(FAULTS).await;
    assert_eq!(listed["faults"][1]["match"], json!({ "client_id": "shop" }));
    assert_eq!(listed["faults"][1]["remaining"], Value::Null);
    assert_eq!(listed["faults"][1]["do"], json!({ "status": 418 }));
    let one = format!("{FAULTS}/{id}");
    assert_eq!(controlled.call("DELETE", &one, &json!({})).await.status, 204);
    assert_eq!(controlled.call("DELETE", &one, &json!({})).await.status, 404);
    assert_eq!(controlled.server.client_credentials(SHOP, &[]).await.status, 500);
    assert_eq!(controlled.call("DELETE", FAULTS, &json!({})).await.status, 204);
    assert_eq!(controlled.server.client_credentials(SHOP, &[]).await.status, 200);
}

#[tokio::test]
async fn bodies_are_as_demanded() {
    let controlled = Controlled::start().await;
    for (action, status, content_type, text) in [
        (json!({ "body": "maintenance" }), 200, "text/plain; charset=utf-8", "maintenance"),
        (json!({ "status": 502, "body": { "keys": 1 } }), 502, "application/json", "{\"keys\":1}"),
        (json!({ "status": 204 }), 204, "", ""),
    ] {
        controlled.fault(json!({ "on": "jwks", "times": 1, "do": action })).await;
        let response = send(controlled.server.request("GET", JWKS)).await;
        let found = (response.status, response.header("content-type"), &*response.text);
        assert_eq!(found, (status, content_type, text));
    }
    controlled.fault(json!({ "on": "discovery", "times": 1, "do": { "garbage": true } })).await;
    let path = "/.well-known/openid-configuration";
    let response = send(controlled.server.request("GET", path)).await;
    assert!(serde_json::from_str::<Value>(&response.text).is_err(), "{response:?}");
}

#[tokio::test]
async fn connection_ends_early() {
    let controlled = Controlled::start().await;
    for action in [json!({ "truncate": 10 }), json!({ "close": true })] {
        controlled.fault(json!({ "on": "jwks", "times": 1, "do": action })).await;
        let response = controlled.server.request("GET", JWKS).send().await;
        let body = match response {
            Ok(response) => response.bytes().await,
            Err(error) => Err(error),
        };
        assert!(body.is_err(), "{action}: {body:?}");
    }
    // What comes before the end arrives.
    for length in [0, 1, 100] {
        controlled.fault(json!({ "on": "jwks", "times": 1, "do": { "truncate": length } })).await;
        let mut response = controlled.server.request("GET", JWKS).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let mut body = Vec::new();
        while let Ok(Some(part)) = response.chunk().await {
            body.extend_from_slice(&part);
        }
        assert_eq!(body.len(), length, "{body:?}");
    }
    // Longer than the response.
    controlled.fault(json!({ "on": "jwks", "times": 1, "do": { "truncate": 1_000_000 } })).await;
    assert!(!controlled.server.published_keys().await.is_empty());
}

#[tokio::test]
async fn delayed_response_is_right() {
    let controlled = Controlled::start().await;
    controlled.fault(json!({ "on": "jwks", "times": 1, "do": { "delay_ms": 20_000 } })).await;
    tokio::time::pause();
    let mut keys = Box::pin(controlled.server.published_keys());
    let early = tokio::time::timeout(Duration::from_millis(19_900), &mut keys).await;
    assert!(early.is_err(), "the response has its delay");
    // In paused time the handler, which waits for threads, could run into the request's timeout.
    tokio::time::resume();
    assert!(!keys.await.is_empty());
}

#[tokio::test]
async fn stale_key_set_lacks_the_current_key() {
    let controlled = Controlled::start().await;
    let token = controlled.server.access_token(SHOP, &[]).await;
    let kid = crate::jwt::kid(&token);
    controlled.fault(json!({ "on": "jwks", "do": { "stale_keys": true } })).await;
    let keys = controlled.server.published_keys().await;
    assert!(!keys.is_empty() && keys.iter().all(|key| key["kid"] != json!(kid)), "{keys:?}");
}

#[tokio::test]
async fn authorization_error_goes_to_the_client() {
    let controlled = Controlled::start().await;
    let error = json!({ "oauth_error": "temporarily_unavailable" });
    controlled.fault(json!({ "on": "authorize", "times": 1, "do": error })).await;
    let browser = Browser::new(&controlled.server);
    let page = browser.authorize(&AuthorizationRequest::site()).await;
    page.assert_client_error("temporarily_unavailable");
    browser.authorize(&AuthorizationRequest::site()).await.assert_contains("password");
}

#[tokio::test]
async fn fault_that_makes_no_sense_is_rejected() {
    let controlled = Controlled::start().await;
    let on_token = |action: Value| json!({ "on": "token", "do": action });
    for (body, pointer, words) in [
        (json!({ "do": { "status": 503 } }), "/on", "is missing"),
        (
            json!({ "on": "jwks", "match": { "client_id": "shop" }, "do": { "status": 503 } }),
            "/match/client_id",
            "name no client",
        ),
        (json!({ "on": "tokens", "do": { "status": 503 } }), "/on", "not what is expected"),
        (on_token(json!({})), "/do", "does nothing"),
        (on_token(json!({ "statuses": 1 })), "/do/statuses", "unknown member"),
        (on_token(json!({ "status": 100 })), "/do/status", "from 200 to 599"),
        (on_token(json!({ "delay_ms": 27_001 })), "/do/delay_ms", "would time out"),
        (on_token(json!({ "body": "x".repeat(65_536) })), "", "longer than"),
        (on_token(json!({ "oauth_error": "nope" })), "/do/oauth_error", "not what is expected"),
        (on_token(json!({ "stale_keys": true })), "/do/stale_keys", "only the endpoint `jwks`"),
        (on_token(json!({ "close": true, "garbage": true })), "/do", "cannot be combined"),
        (on_token(json!({ "close": true, "truncate": 1 })), "/do", "cannot be combined"),
        (
            json!({ "on": "token", "times": 0, "do": { "close": true } }),
            "/times",
            "not what is expected",
        ),
        (
            json!({ "on": "token", "match": { "scope": "x" }, "do": { "close": true } }),
            "/match/scope",
            "unknown member",
        ),
    ] {
        let response = controlled.call("POST", FAULTS, &body).await;
        if pointer.is_empty() {
            assert!([400, 413].contains(&response.status), "{response:?}");
        } else {
            assert_error_at(&response, 400, pointer, words);
        }
    }
}

#[tokio::test]
async fn longest_waits_end_before_the_request_times_out() {
    let controlled = Controlled::start().await;
    let longest = json!({ "delay_ms": 27_000, "status": 418 });
    controlled.fault(json!({ "on": "jwks", "do": longest })).await;
    let verify = json!({ "count": { "exactly": 1 }, "within_ms": 27_000 });
    tokio::time::pause();
    let delayed = send(controlled.server.request("GET", JWKS)).await;
    assert_eq!(delayed.status, 418, "{delayed:?}");
    controlled.call("DELETE", "/control/requests", &json!({})).await;
    let verdict = controlled.call("POST", "/control/requests/verify", &verify).await;
    assert_eq!(verdict.status, 422, "{verdict:?}");
}

#[tokio::test]
async fn longest_waits_follow_the_request_timeout() {
    let controlled =
        Controlled::start_with(|settings| settings.limits.request_timeout_seconds = 2).await;
    let delayed = json!({ "on": "jwks", "do": { "delay_ms": 1_801 } });
    let verify = json!({ "count": { "exactly": 1 }, "within_ms": 1_801 });
    for (path, body, pointer) in
        [(FAULTS, delayed, "/do/delay_ms"), ("/control/requests/verify", verify, "/within_ms")]
    {
        let response = controlled.call("POST", path, &body).await;
        assert_error_at(&response, 400, pointer, "would time out");
        assert_eq!(response.member("expected"), "0 to 1800");
    }
}

#[tokio::test]
async fn oauth_error_has_the_challenge_of_its_endpoint() {
    let controlled = Controlled::start().await;
    for (on, code) in [("userinfo", "invalid_token"), ("token", "invalid_client")] {
        controlled.fault(json!({ "on": on, "do": { "oauth_error": code } })).await;
    }
    controlled.server.userinfo("gpat_1").await.assert_bearer_error(401, "invalid_token", "a fault");
    let token = controlled.server.client_credentials(SHOP, &[]).await;
    assert_eq!(token.header("www-authenticate"), "Basic realm=\"gatepass\"");
}

#[tokio::test]
async fn posted_authorization_request_gets_the_error_of_a_fault() {
    let controlled = Controlled::start().await;
    controlled.fault(json!({ "on": "authorize", "do": { "oauth_error": "server_error" } })).await;
    let request = AuthorizationRequest::site();
    let page = Browser::new(&controlled.server).post("/oauth/authorize", &request.pairs()).await;
    page.assert_client_error("server_error");
}

#[tokio::test]
async fn fault_of_a_registration_matches_its_client() {
    let controlled = Controlled::start_with(|settings| settings.registration.enabled = true).await;
    let register = async || register_client(&controlled.server, website_metadata(json!({}))).await;
    let (one, other) = (register().await, register().await);
    let matching = json!({ "client_id": text(&one, "client_id") });
    let fault = json!({ "on": "registration", "match": matching, "do": { "status": 503 } });
    controlled.fault(fault).await;
    for (registration, status) in [(&one, 503), (&other, 200)] {
        let path = format!("/oauth/register/{}", text(registration, "client_id"));
        let token = text(registration, "registration_access_token");
        let read = send(controlled.server.request("GET", &path).bearer_auth(token)).await;
        assert_eq!(read.status, status, "{read:?}");
    }
}

#[tokio::test]
async fn errors_of_wechat_have_its_form_and_are_in_the_journal() {
    let controlled = Controlled::start_with(|settings| settings.compat.wechat = true).await;
    let error = json!({ "oauth_error": "invalid_client" });
    controlled.fault(json!({ "on": "token", "times": 1, "do": error })).await;
    let path = "/sns/oauth2/access_token?appid=site&secret=x&code=x&grant_type=authorization_code";
    let response = controlled.server.get(path).await;
    assert_eq!((response.status, &response.json()["errcode"]), (200, &json!(40_125)));
    let matching = json!({ "endpoint": "token", "status": 200, "error": "40125" });
    let body = json!({ "match": matching, "count": { "exactly": 1 } });
    controlled.succeed("POST", "/control/requests/verify", &body).await;
}

#[tokio::test]
async fn paths_of_wechat_are_endpoints_only_where_they_are_served() {
    let path = "/connect/qrconnect?appid=site&response_type=code&scope=snsapi_login\
                &redirect_uri=https%3A%2F%2Fsite.example%2Fcb%3Fshop%3D1&state=s";
    for is_served in [true, false] {
        let controlled =
            Controlled::start_with(|settings| settings.compat.wechat = is_served).await;
        let error = json!({ "oauth_error": "access_denied" });
        controlled.fault(json!({ "on": "authorize", "times": 1, "do": error })).await;
        let page = Browser::new(&controlled.server).open(path).await;
        let faults = controlled.control.get_json(FAULTS).await;
        if is_served {
            page.assert_client_error("access_denied");
            assert_eq!(faults["faults"], json!([]));
        } else {
            assert_eq!(page.status(), 404);
            assert_eq!(faults["faults"][0]["remaining"], json!(1));
        }
    }
}
