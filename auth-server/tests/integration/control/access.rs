//! Who may call the control API: hosts, pages, the token, and the issuer that a call names.

use serde_json::json;
use service_kit::SecretSetting;

use super::{Controlled, assert_error_at};
use crate::client::send;

const STATE: &str = "/control";
const ADVANCE: &str = "/control/clock/advance";

#[tokio::test]
async fn state_names_issuer_version_counts_and_keys() {
    let controlled = Controlled::start().await;
    // The response waits until every key is made.
    let published = controlled.server.published_keys().await;
    let state = controlled.control.get_json(STATE).await;
    assert_eq!(state["issuer"], json!(controlled.server.issuer()));
    assert_eq!(state["version"], json!(env!("CARGO_PKG_VERSION")));
    assert_eq!(state["now"], json!(controlled.server.clock.seconds()));
    // The demo users.
    assert_eq!(state["users"], json!(3));
    assert!(state["clients"].as_u64() > Some(5) && state["resources"].as_u64() > Some(2));
    let keys = state["keys"].as_array().unwrap();
    let kids = |keys: &[serde_json::Value]| {
        let mut kids: Vec<_> = keys.iter().map(|key| key["kid"].to_string()).collect();
        kids.sort();
        kids
    };
    assert_eq!(kids(keys), kids(&published));
    assert!(keys.iter().any(|key| key["state"] == "current" && key["algorithm"] == "ES256"));
}

#[tokio::test]
async fn unknown_host_gets_421() {
    let controlled = Controlled::start_with(|settings| {
        settings.control.allowed_hosts = vec!["c.test".to_owned()];
        settings.allowed_hosts = vec!["c.example".to_owned()];
    })
    .await;
    for (host, status) in [
        ("localhost", 200),
        ("172.18.0.3:9005", 200),
        ("gatepass:9005", 200),
        ("c.test", 200),
        ("c.example", 421),
        ("evil.example", 421),
    ] {
        let response = send(controlled.request("GET", STATE).header("host", host)).await;
        assert_eq!(response.status, status, "{host}");
        if status == 421 {
            response.assert_error(421, "invalid_request", "the setting control.allowed_hosts adds");
        }
    }
}

#[tokio::test]
async fn only_pages_of_listed_origins_may_call() {
    const LISTED: &str = "http://localhost:5173";
    let controlled = Controlled::start_with(|settings| {
        settings.control.allowed_origins = vec![LISTED.to_owned()];
    })
    .await;
    let body = json!({ "seconds": 1 });
    for headers in [
        &[("origin", "http://evil.example")][..],
        &[("origin", "null")],
        &[("origin", &*controlled.control.base)],
        &[("sec-fetch-site", "cross-site")],
    ] {
        for (method, path) in [("GET", STATE), ("POST", ADVANCE), ("OPTIONS", ADVANCE)] {
            let mut request = controlled.request(method, path).json(&body);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let response = send(request.header("access-control-request-method", "POST")).await;
            response.assert_error(403, "invalid_request", "control.allowed_origins");
            assert_eq!(response.header("access-control-allow-origin"), "");
        }
    }
    let now = controlled.server.clock.seconds();
    let preflight = controlled
        .request("OPTIONS", ADVANCE)
        .header("origin", LISTED)
        .header("access-control-request-method", "POST");
    let call = controlled.request("POST", ADVANCE).json(&body).header("origin", LISTED);
    for (request, status) in [(preflight, 204), (call, 200)] {
        let response = send(request).await;
        let allowed = response.header("access-control-allow-origin");
        assert_eq!((response.status, allowed), (status, LISTED));
    }
    assert_eq!(controlled.server.clock.seconds(), now + 1);
}

#[tokio::test]
async fn token_is_required_on_every_path_if_it_is_set() {
    let controlled = Controlled::start_with(|settings| {
        settings.control.token = Some(SecretSetting::new("the-control-token"));
    })
    .await;
    for path in [STATE, "/control/openapi.json", "/control/clock", "/nowhere"] {
        for token in [None, Some("the-wrong-token"), Some("")] {
            let mut request = controlled.request("GET", path);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            send(request).await.assert_bearer_error(401, "invalid_token", "control.token");
        }
        let wrong_method = send(controlled.request("PATCH", path)).await;
        wrong_method.assert_bearer_error(401, "invalid_token", "control.token");
        let response = send(controlled.request("GET", path).bearer_auth("the-control-token")).await;
        assert_eq!(response.status, if path == "/nowhere" { 404 } else { 200 }, "{path}");
    }
}

#[tokio::test]
async fn call_for_an_unknown_issuer_gets_404() {
    let controlled = Controlled::start().await;
    let issuer = controlled.server.issuer();
    for (named, status) in [(&*issuer, 200), ("https://other.example", 404), ("", 404)] {
        let in_query = controlled.request("GET", STATE).query(&[("issuer", named)]);
        let response = send(in_query).await;
        assert_eq!(response.status, status, "{named}");
        let body = json!({ "issuer": named, "seconds": 0 });
        let response = controlled.call("POST", ADVANCE, &body).await;
        assert_eq!(response.status, status, "{named}");
        if status == 404 {
            response.assert_error(404, "unknown_issuer", "no issuer");
            assert_eq!(response.member("pointer"), "/issuer");
        }
    }
    let unknown = send(controlled.request("GET", "/control?isuer=x")).await;
    unknown.assert_error(400, "invalid_request", "unknown query parameter `isuer`");
    assert_eq!(unknown.member("expected"), "issuer");
}

#[tokio::test]
async fn call_that_names_too_much_is_rejected() {
    let controlled = Controlled::start().await;
    let fault = json!({ "on": "token", "do": { "status": 503 } });
    controlled.call("POST", "/control/faults", &fault).await;
    for path in
        ["/control/faults?identifier=7", "/control/requests?id=7", "/control/seed?identifier="]
    {
        let method = if path.contains("seed") { "GET" } else { "DELETE" };
        let response = send(controlled.request(method, path)).await;
        response.assert_error(400, "invalid_request", "unknown query parameter");
    }
    for path in ["/control/faults", "/control/next-logins", "/control/claims"] {
        let response = controlled.call("DELETE", path, &json!({ "id": 7 })).await;
        assert_error_at(&response, 400, "/id", "unknown member `id`");
    }
    let text = controlled.request("DELETE", "/control/faults").body("7");
    send(text).await.assert_error(415, "invalid_request", "application/json");
    let foreign = json!({ "issuer": "https://other.example" });
    let response = controlled.call("DELETE", "/control/faults", &foreign).await;
    response.assert_error(404, "unknown_issuer", "no issuer");
    let left = controlled.control.get_json("/control/faults").await;
    assert_eq!(left["faults"].as_array().unwrap().len(), 1, "nothing was deleted");
    let own = json!({ "issuer": controlled.server.issuer() });
    assert_eq!(controlled.call("DELETE", "/control/faults", &own).await.status, 204);
}

#[tokio::test]
async fn malformed_body_is_rejected() {
    let controlled = Controlled::start().await;
    let post = |body: &str| controlled.request("POST", ADVANCE).body(body.to_owned());
    send(post("{}")).await.assert_error(415, "invalid_request", "application/json");
    let form = controlled.request("POST", ADVANCE).form(&[("seconds", "1")]);
    send(form).await.assert_error(415, "invalid_request", "application/json");
    let json = |body: &str| post(body).header("content-type", "application/json; charset=utf-8");
    for body in ["", "[]", "{", "1"] {
        assert_error_at(&send(json(body)).await, 400, "", "not a JSON object");
    }
    let response = send(json(r#"{"seconds":1,"second":1}"#)).await;
    assert_error_at(&response, 400, "/second", "unknown member `second`");
    let large = format!(r#"{{"seconds":1,"pad":"{}"}}"#, "x".repeat(70_000));
    send(json(&large)).await.assert_error(413, "invalid_request", "too long");
}

#[tokio::test]
async fn name_in_the_path_that_is_not_utf8_is_rejected() {
    let controlled = Controlled::start().await;
    for path in ["/control/users/%FF", "/control/clients/%FF", "/control/faults/%FF"] {
        let response = send(controlled.request("DELETE", path)).await;
        response.assert_error(400, "invalid_request", "the name in the path is not UTF-8");
    }
}

#[tokio::test]
async fn unknown_path_and_method_are_rejected() {
    let controlled = Controlled::start().await;
    for path in ["/", "/oauth/token", "/control/nowhere"] {
        let response = controlled.control.get(path).await;
        response.assert_error(404, "not_found", "/control/openapi.json");
    }
    let response = send(controlled.request("DELETE", STATE)).await;
    response.assert_error(405, "invalid_request", "no such method");
    assert_eq!(response.header("allow"), "GET,HEAD");
}
