//! The journal of requests.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Controlled, assert_error_at};
use crate::{
    browser::{AuthorizationRequest, Browser},
    client::{send, wait_until},
    test_server::{ALICE, SHOP, SITE},
};

const REQUESTS: &str = "/control/requests";
const VERIFY: &str = "/control/requests/verify";

async fn requests(controlled: &Controlled) -> Vec<Value> {
    controlled.control.get_json(REQUESTS).await["requests"].as_array().unwrap().clone()
}

#[tokio::test]
async fn journal_says_who_asked_for_what_and_how_it_ended() {
    let controlled = Controlled::start().await;
    controlled.server.access_token(SHOP, &[("scope", "orders:read")]).await;
    controlled.server.client_credentials(("shop", "wrong-guess"), &[]).await;
    let [right, wrong] = &requests(&controlled).await[..] else { panic!() };
    for (entry, status, authenticated, error) in
        [(right, 200, true, Value::Null), (wrong, 401, false, json!("invalid_client"))]
    {
        assert_eq!(
            (&entry["endpoint"], &entry["method"], &entry["path"], &entry["client_id"]),
            (&json!("token"), &json!("POST"), &json!("/oauth/token"), &json!("shop"))
        );
        assert_eq!(entry["authentication"], json!("client_secret_post"));
        assert_eq!(
            (&entry["status"], &entry["authenticated"], &entry["error"]),
            (&json!(status), &json!(authenticated), &error)
        );
    }
    assert_eq!(right["fields"]["scope"], json!("orders:read"));
    let text = controlled.control.get_json(REQUESTS).await.to_string();
    assert!(!text.contains(SHOP.1) && !text.contains("wrong-guess"), "{text}");
    assert_eq!(controlled.call("DELETE", REQUESTS, &json!({})).await.status, 204);
    assert_eq!(requests(&controlled).await, Vec::<Value>::new());
}

#[tokio::test]
async fn login_appears_with_pkce_and_without_secrets() {
    let controlled = Controlled::start().await;
    let request = AuthorizationRequest::site();
    let code = Browser::new(&controlled.server).authorization_code(&request, ALICE).await;
    let tokens = controlled.server.redeem_code(SITE, &request, &code).await.json();
    controlled.server.userinfo(tokens["access_token"].as_str().unwrap()).await;
    let all = requests(&controlled).await;
    let of = |endpoint: &str| {
        all.iter().find(|entry| entry["endpoint"] == json!(endpoint)).unwrap().clone()
    };
    for endpoint in ["authorize", "token"] {
        assert_eq!(of(endpoint)["pkce"], json!(true), "{endpoint}");
    }
    assert_eq!(of("userinfo")["client_id"], json!("site"));
    assert_eq!(of("userinfo")["authentication"], json!("bearer"));
    let text = json!(all).to_string();
    for secret in [&code, ALICE.1, SITE.1, tokens["access_token"].as_str().unwrap()] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn fault_is_named() {
    let controlled = Controlled::start().await;
    let fault = json!({ "on": "token", "do": { "oauth_error": "invalid_scope" } });
    let id = controlled.call("POST", "/control/faults", &fault).await.json()["id"].clone();
    controlled.server.client_credentials(SHOP, &[]).await;
    let entry = &requests(&controlled).await[0];
    assert_eq!((&entry["fault_id"], &entry["error"]), (&id, &json!("invalid_scope")));
}

#[tokio::test]
async fn expectation_holds_or_names_the_nearest_request() {
    let controlled = Controlled::start().await;
    controlled.server.access_token(SHOP, &[("scope", "orders:read")]).await;
    controlled.server.access_token(SHOP, &[("scope", "orders:write")]).await;
    let verify = async |matching: Value, count: Value| {
        let body = json!({ "match": matching, "count": count });
        controlled.call("POST", VERIFY, &body).await
    };
    let token = json!({ "endpoint": "token", "client_id": "shop" });
    for (count, status) in [
        (json!({ "exactly": 2 }), 200),
        (json!({ "at_least": 1 }), 200),
        (json!({ "at_most": 2 }), 200),
        (json!({ "exactly": 3 }), 422),
        (json!({ "at_most": 1 }), 422),
    ] {
        let verdict = verify(token.clone(), count.clone()).await;
        assert_eq!((verdict.status, &verdict.json()["matched"]), (status, &json!(2)), "{count}");
    }
    let other = json!({ "endpoint": "token", "fields": { "scope": "stock:read" } });
    let verdict = verify(other, json!({ "exactly": 1 })).await;
    assert_eq!(verdict.status, 422);
    assert_eq!(verdict.json()["nearest"]["differs"], json!(["fields.scope"]));
    let scope = &verdict.json()["nearest"]["request"]["fields"]["scope"];
    assert_eq!(scope, &json!("orders:write"), "the latest of several");
}

#[tokio::test]
async fn expectation_waits_for_requests() {
    let controlled = Controlled::start().await;
    let body = json!({
        "match": { "endpoint": "token" }, "count": { "exactly": 1 }, "within_ms": 27_000,
    });
    let waiting = controlled.call("POST", VERIFY, &body);
    let (verdict, _) = tokio::join!(waiting, controlled.server.client_credentials(SHOP, &[]));
    assert_eq!(verdict.status, 200, "{verdict:?}");
}

#[tokio::test]
async fn journal_that_lost_requests_verifies_lower_bounds_alone() {
    let controlled = Controlled::start().await;
    // Each entry is as long as it can be.
    let scope = "n".repeat(300);
    let mut form = vec![("client_id", "shop")];
    form.extend([("scope", &*scope); 62]);
    while controlled.control.get_json(REQUESTS).await["dropped"] == json!(0) {
        for _ in 0..20 {
            controlled.server.post_form("/oauth/token", &form).await;
        }
    }
    for (endpoint, count, status) in [
        ("jwks", json!({ "exactly": 0 }), 422),
        ("jwks", json!({ "at_most": 1 }), 422),
        ("jwks", json!({ "at_least": 1 }), 422),
        ("token", json!({ "at_least": 2 }), 200),
    ] {
        let body = json!({ "match": { "endpoint": endpoint }, "count": count });
        let verdict = controlled.call("POST", VERIFY, &body).await;
        assert_eq!(verdict.status, status, "{body} {verdict:?}");
        assert!(verdict.json()["dropped"].as_u64() > Some(0));
    }
}

#[tokio::test]
async fn upper_bound_is_verified_when_the_time_is_over() {
    let controlled = Controlled::start().await;
    tokio::time::pause();
    for count in [json!({ "exactly": 0 }), json!({ "at_most": 3 })] {
        let began = tokio::time::Instant::now();
        let body = json!({ "count": count, "within_ms": 20_000 });
        let verdict = controlled.call("POST", VERIFY, &body).await;
        assert_eq!(verdict.status, 200, "{verdict:?}");
        assert!(began.elapsed() >= Duration::from_secs(20), "{count}");
    }
}

#[tokio::test]
async fn expected_values_match_as_they_were_sent_and_as_they_are_written() {
    let controlled = Controlled::start().await;
    let request = AuthorizationRequest::site();
    Browser::new(&controlled.server).authorize(&request).await;
    controlled.server.client_credentials(SHOP, &[]).await;
    let authorize = requests(&controlled).await[0].clone();
    for (name, value) in [
        ("redirect_uri", "https://site.example/cb?shop=1"),
        ("redirect_uri", "https://site.example/cb"),
        ("state", request.get("state")),
        ("state", authorize["fields"]["state"].as_str().unwrap()),
        ("code_challenge", request.get("code_challenge")),
        ("client_secret", "••••••"),
    ] {
        let fields = json!({ "fields": { name: value } });
        let body = json!({ "match": fields, "count": { "at_least": 1 } });
        let verdict = controlled.call("POST", VERIFY, &body).await;
        assert_eq!(verdict.status, 200, "{name} {verdict:?}");
    }
    let body = json!({ "match": { "fields": { "state": "other" } }, "count": { "exactly": 1 } });
    assert_eq!(controlled.call("POST", VERIFY, &body).await.status, 422);
}

#[tokio::test]
async fn request_is_authenticated_only_if_c_has_checked_who_sends_it() {
    let controlled = Controlled::start_with(|settings| {
        settings.compat.wechat = true;
        settings.rate_limits.client_auth.burst = 1;
    })
    .await;
    let server = &controlled.server;
    let client_credentials = &[("grant_type", "client_credentials")][..];
    let basic = |id: &str, secret| server.post("/oauth/token").basic_auth(id, Some(secret));
    // The error comes after authentication.
    send(basic("shop", SHOP.1).form(&[("grant_type", "none")])).await;
    let twice = [client_credentials, &[("client_secret", SHOP.1)]].concat();
    send(basic("shop", SHOP.1).form(&twice)).await;
    send(basic("unknown", "wrong").form(client_credentials)).await;
    let limited = send(basic("unknown", "wrong").form(client_credentials)).await;
    assert_eq!(limited.status, 429);
    let wechat = "/sns/oauth2/access_token?grant_type=authorization_code&code=x";
    for (id, secret) in [("forum", "wrong"), SITE] {
        server.get(&format!("{wechat}&appid={id}&secret={secret}")).await;
    }
    let public = [("client_id", "app"), ("grant_type", "authorization_code"), ("code", "x")];
    server.post_form("/oauth/token", &public).await;
    let fault = json!({ "on": "token", "do": { "status": 200 } });
    controlled.call("POST", "/control/faults", &fault).await;
    send(basic("shop", SHOP.1).form(client_credentials)).await;
    let authenticated: Vec<Value> =
        requests(&controlled).await.iter().map(|entry| entry["authenticated"].clone()).collect();
    let expected = [true, false, false, false, false, true, false, false];
    assert_eq!(authenticated, expected.map(Value::from));
}

#[tokio::test]
async fn client_of_an_access_token_is_found_wherever_the_token_is() {
    let controlled = Controlled::start_with(|settings| settings.compat.wechat = true).await;
    let server = &controlled.server;
    let body = json!({
        "token": "access", "client_id": "site", "user": "alice", "scope": "openid profile",
    });
    let minted = controlled.call("POST", "/control/tokens", &body).await.json();
    let token = minted["token"].as_str().unwrap();
    server.post_form("/userinfo", &[("access_token", token)]).await;
    server.get(&format!("/sns/userinfo?access_token={token}&openid=1")).await;
    server.userinfo(token).await;
    let json = json!({ "client_id": "shop", "client_secret": "in-json", "grant_type": "none" });
    send(server.post("/oauth2/token").json(&json)).await;
    let found: Vec<Value> = requests(&controlled)
        .await
        .iter()
        .map(|entry| json!([entry["client_id"], entry["authentication"], entry["authenticated"]]))
        .collect();
    let of_site = json!(["site", "bearer", true]);
    let of_shop = json!(["shop", "client_secret_post", false]);
    assert_eq!(found, [of_site.clone(), of_site.clone(), of_site, of_shop]);
    let text = controlled.control.get_json(REQUESTS).await.to_string();
    assert!(!text.contains("in-json") && !text.contains(token), "{text}");
}

/// Requests the key set, and gets no response.
async fn request_without_response(controlled: &Controlled) {
    let fault = json!({ "on": "jwks", "times": 1, "do": { "close": true } });
    controlled.succeed("POST", "/control/faults", &fault).await;
    let closed = controlled.server.request("GET", "/.well-known/jwks.json").send().await;
    assert!(closed.is_err() || closed.unwrap().bytes().await.is_err());
}

/// What the journal writes as `null`.
#[tokio::test]
async fn null_matches_a_request_without_the_value() {
    let controlled = Controlled::start().await;
    request_without_response(&controlled).await;
    controlled.server.published_keys().await;
    for (matching, status) in [
        (json!({ "endpoint": "jwks", "status": null }), 200),
        (json!({ "endpoint": "jwks", "status": null, "fault_id": null }), 422),
        (json!({ "endpoint": "jwks", "status": 200, "error": null }), 200),
        (json!({ "endpoint": null }), 400),
    ] {
        let body = json!({ "match": matching, "count": { "exactly": 1 } });
        let response = controlled.call("POST", "/control/requests/verify", &body).await;
        assert_eq!(response.status, status, "{body} {response:?}");
    }
}

#[tokio::test]
async fn request_that_got_no_response_has_no_status() {
    let controlled = Controlled::start().await;
    request_without_response(&controlled).await;

    let fault = json!({ "on": "token", "times": 1, "do": { "delay_ms": 27_000 } });
    let id = controlled.call("POST", "/control/faults", &fault).await.json()["id"].clone();
    let address = controlled.server.base.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let body = "grant_type=client_credentials&client_id=shop";
    let request = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    wait_until("the fault is used up", async || {
        controlled.control.get_json("/control/faults").await["faults"] == json!([])
    })
    .await;
    drop(socket);
    wait_until("the request is in the journal", async || requests(&controlled).await.len() == 2)
        .await;
    let [closed, given_up] = &requests(&controlled).await[..] else { panic!() };
    assert_eq!((&closed["status"], &given_up["status"]), (&Value::Null, &Value::Null));
    assert_eq!((&given_up["client_id"], &given_up["fault_id"]), (&json!("shop"), &id));
}

#[tokio::test]
async fn request_whose_body_never_arrives_has_no_status() {
    let controlled = Controlled::start().await;
    let address = controlled.server.base.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /oauth/token?client_id=shop HTTP/1.1\r\nHost: {address}\r\nContent-Length: 9\r\n\
         Connection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"
    );
    tokio::time::pause();
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut response = String::new();
    socket.read_to_string(&mut response).await.unwrap();
    tokio::time::resume();
    assert!(response.starts_with("HTTP/1.1 408"), "{response}");
    let [entry] = &requests(&controlled).await[..] else { panic!() };
    assert_eq!((&entry["status"], &entry["client_id"]), (&Value::Null, &json!("shop")));
}

#[tokio::test]
async fn expectation_that_makes_no_sense_is_rejected() {
    let controlled = Controlled::start().await;
    for (body, pointer, words) in [
        (json!({}), "/count", "is missing"),
        (json!({ "count": { "at_least": 0 } }), "/count/at_least", "any number"),
        (json!({ "count": { "exactly": 1 }, "within_ms": 27_001 }), "/within_ms", "would time out"),
        (
            json!({ "match": { "fields": { "login_hint": "alice" } }, "count": { "exactly": 1 } }),
            "/match/fields/login_hint",
            "the journal hides the value",
        ),
        (
            json!({ "match": { "fields": { "a/b": "1" } }, "count": { "exactly": 1 } }),
            "/match/fields/a~1b",
            "the journal hides the value",
        ),
        (
            json!({ "match": { "authentication": "basic" }, "count": { "exactly": 0 } }),
            "/match/authentication",
            "not what is expected",
        ),
        (
            json!({ "match": { "error": "invalid_clients" }, "count": { "exactly": 0 } }),
            "/match/error",
            "there is no error `invalid_clients`",
        ),
        (
            json!({ "match": { "method": "post" }, "count": { "exactly": 0 } }),
            "/match/method",
            "there is no method",
        ),
        (
            json!({ "match": { "client": "shop" }, "count": { "exactly": 1 } }),
            "/match/client",
            "unknown member",
        ),
    ] {
        let response = controlled.call("POST", VERIFY, &body).await;
        assert_error_at(&response, 400, pointer, words);
    }
}

#[tokio::test]
async fn requests_for_unknown_paths_and_methods_are_listed_and_meet_faults() {
    let controlled = Controlled::start().await;
    for (method, path, status, endpoint) in [
        ("GET", "/nosuch", 404, "page"),
        ("POST", "/oauth/tokens", 404, "page"),
        ("GET", "/oauth/token", 405, "token"),
        ("PUT", "/oauth/authorize", 405, "authorize"),
    ] {
        let response = send(controlled.server.request(method, path)).await;
        assert_eq!(response.status, status, "{method} {path}");
        let listed = requests(&controlled).await;
        let last = listed.last().unwrap();
        assert_eq!(
            (&last["method"], &last["status"], &last["endpoint"]),
            (&json!(method), &json!(status), &json!(endpoint)),
            "{path}"
        );
    }
    let fault = json!({ "on": "page", "times": 1, "do": { "status": 503 } });
    assert_eq!(controlled.call("POST", "/control/faults", &fault).await.status, 201);
    assert_eq!(send(controlled.server.request("GET", "/nosuch")).await.status, 503);
}

#[tokio::test]
async fn client_of_a_logout_is_that_of_its_hint() {
    let controlled = Controlled::start().await;
    let minted = json!({ "token": "id", "client_id": "site", "user": "alice" });
    let minted = controlled.call("POST", "/control/tokens", &minted).await.json();
    let hint = minted["token"].as_str().unwrap();
    let fault =
        json!({ "on": "logout", "match": { "client_id": "site" }, "do": { "status": 599 } });
    assert_eq!(controlled.call("POST", "/control/faults", &fault).await.status, 201);
    let path = format!("/logout?id_token_hint={hint}");
    assert_eq!(send(controlled.server.request("GET", &path)).await.status, 599);
    let other = send(controlled.server.request("GET", "/logout?id_token_hint=e30.e30.e30")).await;
    assert_ne!(other.status, 599);
    let listed = requests(&controlled).await;
    let clients: Vec<_> = listed.iter().map(|request| &request["client_id"]).collect();
    assert_eq!(clients, [&json!("site"), &Value::Null]);
}

#[tokio::test]
async fn error_of_a_fault_is_verified_as_the_journal_writes_it() {
    let controlled = Controlled::start().await;
    let body = json!({ "status": 400, "body": { "error": "custom_error" } });
    let fault = json!({ "on": "token", "times": 1, "do": body });
    assert_eq!(controlled.call("POST", "/control/faults", &fault).await.status, 201);
    controlled.server.client_credentials(SHOP, &[]).await;
    let expectation = json!({ "match": { "error": "custom_error" }, "count": { "exactly": 1 } });
    assert_eq!(controlled.call("POST", VERIFY, &expectation).await.status, 200);
}
