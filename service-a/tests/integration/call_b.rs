use std::time::Duration;

use oauth_types::ClientAuthMethod;
use reqwest::Method;
use serde_json::json;
use service_kit::{Profile, SecretSetting};
use test_support::{
    http::send,
    mock::{header, json},
};

use crate::{
    openapi::document,
    test_servers::{
        RESOURCES, SECRET, TestServers, UNREACHABLE, assert_call_error, bearer, parameter,
        token_response,
    },
};

#[tokio::test]
async fn get_reads_the_resource_with_an_access_token_of_c() {
    let servers = TestServers::start().await;
    let a = servers.start_a().await;
    let response = a.get("/api/call-b").await;
    assert_eq!((response.status, response.json()), (200, json!({ "b": "local" })));
    assert_eq!(response.header("content-type"), "application/json");

    let token_request = servers.c.requests().await.pop().unwrap();
    let expected = [
        ("grant_type", "client_credentials"),
        ("client_id", "service-a"),
        ("client_secret", SECRET),
        ("scope", "resource:read resource:write"),
        ("resource", RESOURCES[0]),
    ];
    for (name, value) in expected {
        assert_eq!(parameter(&token_request, name).as_deref(), Some(value), "{name}");
    }
    let called = servers.b.requests().await.pop().unwrap();
    assert_eq!((&called.method, called.url.path()), (&Method::GET, "/api/resource"));
    assert_eq!(header(&called, "authorization"), bearer(0));
    assert_eq!(servers.introspecting_b.request_count(), 0);
}

#[tokio::test]
async fn client_secret_basic_sends_the_secret_in_the_header() {
    let servers = TestServers::start().await;
    let a = servers
        .start_a_with(|settings| settings.token_endpoint_auth_method = ClientAuthMethod::Basic)
        .await;
    assert_eq!(a.get("/api/call-b").await.status, 200);
    let token_request = servers.c.requests().await.pop().unwrap();
    assert!(header(&token_request, "authorization").starts_with("Basic "));
    assert_eq!(parameter(&token_request, "client_secret"), None, "one method only");
}

#[tokio::test]
async fn post_forwards_the_body_to_b() {
    let servers = TestServers::start().await;
    let a = servers.start_a().await;
    let body = json!({ "do": "this", "times": 3 });
    let response = send(a.post("/api/call-b?target=introspection").body(body.to_string())).await;
    assert_eq!((response.status, response.json()), (200, json!({ "b": "introspection" })));
    let called = servers.introspecting_b.requests().await.pop().unwrap();
    assert_eq!((&called.method, called.url.path()), (&Method::POST, "/api/do_something"));
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&called.body).unwrap(), body);
    assert_eq!(header(&called, "content-type"), "application/json");
}

#[tokio::test]
async fn each_target_gets_its_own_access_token() {
    let servers = TestServers::start().await;
    let a = servers.start_a().await;
    for target in ["local", "introspection"] {
        let response = a.get(&format!("/api/call-b?target={target}")).await;
        assert_eq!(response.json()["b"], target);
    }
    let resources: Vec<_> = servers
        .c
        .requests()
        .await
        .iter()
        .filter_map(|request| parameter(request, "resource"))
        .collect();
    assert_eq!(resources, RESOURCES);
    for (number, b) in [&servers.b, &servers.introspecting_b].into_iter().enumerate() {
        assert_eq!(header(&b.requests().await[0], "authorization"), bearer(number));
    }
}

#[tokio::test]
async fn access_token_is_reused_until_it_expires() {
    let servers = TestServers::start().await;
    let a = servers.start_a().await;
    for _ in 0..5 {
        assert_eq!(a.get("/api/call-b").await.status, 200);
    }
    assert_eq!((servers.c.request_count(), servers.b.request_count()), (1, 5));
    servers.clock.advance(Duration::from_secs(1_800));
    assert_eq!(a.get("/api/call-b").await.status, 200);
    assert_eq!(servers.c.request_count(), 2);
    assert_eq!(header(&servers.b.requests().await[5], "authorization"), bearer(1));
}

#[tokio::test]
async fn concurrent_calls_share_one_token_request() {
    let servers = TestServers::start().await;
    servers.c.respond_in_order([token_response(0).set_delay(Duration::from_millis(200))]);
    let a = servers.start_a().await;
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let client = a.client.clone();
            tokio::spawn(async move { client.get("/api/call-b").await.status })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 200);
    }
    assert_eq!((servers.c.request_count(), servers.b.request_count()), (1, 100));
}

#[tokio::test]
async fn access_token_rejected_by_b_is_replaced_once() {
    let servers = TestServers::start().await;
    let a = servers.start_a().await;
    let revoked = json(401, &json!({ "error": "invalid_token" }));
    for (calls, method) in [(2, Method::GET), (4, Method::POST)] {
        servers.c.respond_in_order([token_response(0), token_response(1)]);
        servers.b.respond_in_order([revoked.clone(), json(200, &json!({ "b": "local" }))]);
        let request = a.http.request(method.clone(), format!("{}/api/call-b", a.base)).body("{}");
        assert_eq!(send(request).await.status, 200, "{method}");
        let called = servers.b.requests().await;
        assert_eq!(called.len(), calls, "{method}");
        let [rejected, accepted] = &called[calls - 2..] else { panic!("two calls") };
        assert_ne!(header(rejected, "authorization"), header(accepted, "authorization"));
        assert_eq!((&rejected.method, &rejected.body), (&accepted.method, &accepted.body));
        assert_eq!(header(accepted, "authorization"), bearer(if calls == 2 { 1 } else { 0 }));
    }
}

#[tokio::test]
async fn second_rejection_by_b_is_an_error() {
    let servers = TestServers::start().await;
    servers.b.respond_in_order([json(
        401,
        &json!({ "error": "invalid_token", "error_description": "revoked" }),
    )]);
    let a = servers.start_a().await;
    assert_call_error(
        &a.get("/api/call-b").await,
        502,
        "call_b",
        "B responded with status 401: invalid_token: revoked",
    );
    assert_eq!((servers.c.request_count(), servers.b.request_count()), (2, 2));
}

#[tokio::test]
async fn production_calls_b_for_anyone_only_if_settings_name_it() {
    let servers = TestServers::start().await;
    for (reads, writes, get, post) in [
        (None, None, 404, 404),
        (Some(false), Some(false), 404, 404),
        (Some(true), None, 502, 405),
        (None, Some(true), 405, 502),
    ] {
        let a = servers
            .start_a_with(|settings| {
                settings.profile = Profile::Production;
                settings.database_url = Some(SecretSetting::new("sqlite"));
                settings.anonymous_reads = reads;
                settings.anonymous_writes = writes;
                settings.issuer = "https://c.example".to_owned();
                settings.internal_url = Some(UNREACHABLE.replace("http:", "https:"));
                settings.public_url = "https://a.example".to_owned();
                settings.client_secret =
                    Some(SecretSetting::new("Xq7vR2mK9tBz4LwY8nHc3PdF6sGj5aUe"));
            })
            .await;
        let response = a.get("/api/call-b").await;
        assert_eq!(response.status, get, "{reads:?}");
        document().assert_response("/api/call-b", "get", &response);
        let response = send(a.post("/api/call-b").body("{}")).await;
        assert_eq!(response.status, post, "{writes:?}: {response:?}");
        document().assert_response("/api/call-b", "post", &response);
        if post == 405 {
            assert_eq!(response.header("allow"), "GET,HEAD");
        }
    }
}

#[tokio::test]
async fn pages_of_other_hosts_and_origins_cannot_make_a_call_b() {
    let servers = TestServers::start().await;
    let a = servers.start_a().await;
    let post = async |name: &str, value: &str| {
        send(a.post("/api/call-b").header(name, value).json(&json!([1]))).await
    };
    // DNS rebinding: the name of the page, at the address of A.
    post("host", "evil.example").await.assert_error(421, "invalid_request", "allowed_hosts");
    for (name, value) in
        [("origin", "http://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
    {
        post(name, value).await.assert_error(403, "invalid_request", "another origin");
    }
    assert_eq!(servers.b.request_count(), 0);
    assert_eq!(post("origin", &a.base).await.status, 200);
}
