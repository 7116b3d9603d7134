//! Calls that cannot be meant: they are rejected with the part at fault, and change nothing.

use serde_json::{Value, json};

use super::Controlled;
use crate::{
    client::{Response, send},
    test_server::ORDERS_API,
};

/// Calls with a body that are right: method, path, body.
fn calls() -> Vec<(&'static str, &'static str, Value)> {
    let url = "http://localhost/oauth/authorize?client_id=site";
    let claim = json!({ "name": "tenant", "from": { "value": "a" }, "in": ["access_token"] });
    let right_match = json!({
        "endpoint": "token", "method": "POST", "path": "/", "client_id": "shop", "pkce": true,
        "authentication": "none", "authenticated": true, "fields": { "a": "b" }, "status": 200,
    });
    vec![
        (
            "POST",
            "/control/tokens",
            json!({
                "token": "access", "client_id": "shop", "user": "alice", "audience": [ORDERS_API],
                "scope": "openid", "claims": { "a": 1 }, "expires_in": 1, "not_before": 1,
                "typ": "at+jwt", "algorithm": "ES256", "flaws": ["no_kid"],
            }),
        ),
        ("POST", "/control/logins", json!({ "authorization_url": url, "user": "alice" })),
        (
            "POST",
            "/control/next-logins",
            json!({ "client_id": "site", "user": "alice", "times": 1 }),
        ),
        ("POST", "/control/devices", json!({ "user_code": "BCDF-GHJK", "user": "alice" })),
        ("POST", "/control/revocations", json!({ "client_id": "shop", "user": "alice" })),
        ("POST", "/control/logouts", json!({ "user": "alice", "flaws": ["expired"] })),
        ("POST", "/control/keys/rotate", json!({ "withdraw": "none" })),
        ("POST", "/control/clock/advance", json!({ "seconds": 1 })),
        ("PUT", "/control/clock", json!({ "at": 1, "frozen": true })),
        (
            "POST",
            "/control/faults",
            json!({ "on": "token", "match": { "client_id": "shop" }, "times": 1,
                    "do": { "status": 503, "body": "a", "delay_ms": 1, "truncate": 1 } }),
        ),
        (
            "POST",
            "/control/requests/verify",
            json!({ "match": right_match, "count": { "exactly": 0 }, "within_ms": 0 }),
        ),
        ("PUT", "/control/users/anna", json!({ "password": "of anna", "claims": { "name": "A" } })),
        (
            "PUT",
            "/control/clients/new",
            json!({ "client_secret": "of the new one", "scopes": "openid", "resources": [],
                    "login": { "redirect_uris": ["https://new.example/cb"] } }),
        ),
        ("PUT", "/control/resources?identifier=https://new.example", json!({ "scopes": "a b" })),
        ("PUT", "/control/claims", json!({ "claims": [claim] })),
        ("PUT", "/control/issuers/default", json!({ "url": "http://localhost" })),
        ("POST", "/control/reset", json!({ "keys": false })),
    ]
}

impl Controlled {
    /// Sends a call with this text as its body.
    async fn send_text(&self, method: &str, path: &str, text: &str) -> Response {
        let request = self.request(method, path).header("content-type", "application/json");
        send(request.body(text.to_owned())).await
    }

    /// Returns what a call could have changed. The keys are made in the background, and the offset
    /// of the test's clock follows the system time.
    async fn state(&self) -> [Value; 3] {
        let mut state = self.control.get_json("/control").await;
        for member in ["keys", "offset"] {
            state.as_object_mut().unwrap().remove(member);
        }
        let next_logins = self.control.get_json("/control/next-logins").await;
        [state, self.control.get_json("/control/seed").await, next_logins]
    }
}

#[track_caller]
fn assert_explained(response: &Response, call: &str) {
    let error = response.json();
    assert!((400..500).contains(&response.status), "{call}: {response:?}");
    for member in ["error", "error_description", "pointer"] {
        assert!(error[member].is_string(), "{call}: {response:?}");
    }
}

/// Returns the pointers to all parts of a body, the whole first.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(name, value)| pointers(value, &format!("{at}/{name}"), found));
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, value)| pointers(value, &format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

#[tokio::test]
async fn values_of_another_kind_change_nothing_unless_they_are_accepted() {
    let controlled = Controlled::start().await;
    controlled.reset().await;
    let initial = controlled.state().await;
    let others = [json!(null), json!(true), json!(-1), json!("\u{0}é"), json!([]), json!({})];
    for (method, path, body) in calls() {
        let mut parts = Vec::new();
        pointers(&body, "", &mut parts);
        for (part, other) in parts.iter().flat_map(|part| others.iter().map(move |o| (part, o))) {
            let mut changed = body.clone();
            *changed.pointer_mut(part).unwrap() = other.clone();
            let response = controlled.send_text(method, path, &changed.to_string()).await;
            let call = format!("{method} {path} {changed}");
            if response.status < 300 {
                controlled.reset().await;
            } else if response.status != 422 {
                assert_explained(&response, &call);
            }
            assert!(controlled.state().await == initial, "{call} changed the state");
        }
    }
}

#[tokio::test]
async fn malformed_bodies_are_rejected() {
    let controlled = Controlled::start().await;
    controlled.reset().await;
    let initial = controlled.state().await;
    for (method, path, body) in calls() {
        let text = body.to_string();
        let (name, value) = body.as_object().unwrap().iter().next().unwrap();
        let with = |member: &str| format!("{},{member}}}", text.strip_suffix('}').unwrap());
        for (malformed, pointer) in [
            (with(&format!("\"{name}\":{value}")), format!("/{name}")),
            (with(r#""名称":1"#), "/名称".to_owned()),
            (with(r#""issuer":"nobody""#), "/issuer".to_owned()),
            (with(r#""issuer":null"#), "/issuer".to_owned()),
            (format!("[{text}]"), String::new()),
            (format!("{text}{text}"), String::new()),
            (text.replace('}', ""), String::new()),
            ("null".to_owned(), String::new()),
            ("[".repeat(1_000), String::new()),
            (with(&format!("\"long\":\"{}\"", "x".repeat(100_000))), String::new()),
        ] {
            let response = controlled.send_text(method, path, &malformed).await;
            let call = format!("{method} {path} {malformed:.200}");
            assert_explained(&response, &call);
            let error = response.json();
            assert_eq!(error["pointer"], json!(pointer), "{call}: {response:?}");
            assert!(error["expected"].is_string(), "{call}: {response:?}");
        }
        for media_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
            let request = controlled.request(method, path).header("content-type", media_type);
            let response = send(request.body(text.clone())).await;
            assert_eq!(response.status, 415, "{method} {path} {media_type}: {response:?}");
            assert_explained(&response, path);
        }
        assert!(controlled.state().await == initial, "{method} {path} changed the state");
    }
}

/// A list of several matches would otherwise match every request.
#[tokio::test]
async fn array_in_place_of_an_object_is_rejected() {
    let controlled = Controlled::start().await;
    for (path, body, pointer) in [
        ("/control/requests/verify", json!({ "match": [], "count": { "exactly": 0 } }), "/match"),
        ("/control/faults", json!({ "on": "token", "do": [503] }), "/do"),
        (
            "/control/faults",
            json!({ "on": "token", "match": ["shop"], "do": { "status": 503 } }),
            "/match",
        ),
    ] {
        let response = controlled.call("POST", path, &body).await;
        super::assert_error_at(&response, 400, pointer, "not what is expected");
        assert_eq!(response.json()["expected"], json!("an object"), "{response:?}");
    }
}

#[tokio::test]
async fn names_are_strings_and_not_members() {
    let controlled = Controlled::start().await;
    for (path, body, pointer) in [
        ("/control/tokens", json!({ "token": { "access": null }, "client_id": "shop" }), "/token"),
        ("/control/faults", json!({ "on": { "jwks": null }, "do": { "status": 503 } }), "/on"),
        ("/control/faults", json!({ "on": null, "do": { "status": 503 } }), "/on"),
        (
            "/control/requests/verify",
            json!({ "match": {}, "count": { "exactly": 1, "at_least": 1 } }),
            "/count",
        ),
        ("/control/requests/verify", json!({ "match": {}, "count": {} }), "/count"),
    ] {
        let response = controlled.call("POST", path, &body).await;
        let error = response.json();
        assert_eq!((response.status, &error["pointer"]), (400, &json!(pointer)), "{error}");
        let expected = error["expected"].as_str().unwrap();
        for internal in ["map", "variant", "struct", "representing"] {
            assert!(!expected.contains(internal), "{error}");
        }
    }
}
