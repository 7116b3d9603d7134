//! What callers without credentials make C store is bounded.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::{HttpClient, Response, send, wait_until},
    process::succeed,
    registration::{records, register_client, start_with_registration, text, website_metadata},
    test_server::{ALICE, SITE, TestServer},
};

/// The rejections in the audit log, newest first.
async fn rejections(server: &TestServer) -> Vec<Value> {
    let arguments = ["audit", "--json", "--limit", "10000"];
    let lines = succeed(&arguments, &server.cli_arguments()).await;
    let mut records: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    records.retain(|record| record["outcome"] == "rejected");
    records
}

fn counted(records: &[Value]) -> u64 {
    records.iter().map(|record| record["count"].as_u64().unwrap()).sum()
}

async fn push(
    client: &HttpClient,
    credentials: &[(&str, &str)],
    auth_request: &AuthorizationRequest,
) -> Response {
    let pairs = auth_request.pairs();
    let own = pairs.into_iter().filter(|(name, _)| *name != "client_id");
    client
        .post_form("/oauth/par", &credentials.iter().copied().chain(own).collect::<Vec<_>>())
        .await
}

const APP: [(&str, &str); 1] = [("client_id", "app")];

#[tokio::test]
async fn pushed_requests_of_public_clients_are_limited_by_address() {
    let server = TestServer::start_with(|settings| {
        settings.rate_limits.pushed_authorization.burst = 2;
        settings.rate_limits.pushed_authorization.refill_seconds = 7;
    })
    .await;
    let app = AuthorizationRequest::app();
    assert_eq!(push(&server, &APP, &app).await.status, 201);
    let invalid = app.clone().with("response_type", "token");
    assert_eq!(push(&server, &APP, &invalid).await.status, 400, "rejected requests count too");
    let limited = push(&server, &APP, &app).await;
    limited.assert_error(429, "temporarily_unavailable", "try again in 7 s");
    assert_eq!(limited.header("retry-after"), "7");
    let elsewhere = server.from_address("127.0.0.2");
    assert_eq!(push(&elsewhere, &APP, &app).await.status, 201);
    let site = [("client_id", SITE.0), ("client_secret", SITE.1)];
    for _ in 0..5 {
        let pushed = push(&server, &site, &AuthorizationRequest::site()).await;
        assert_eq!(pushed.status, 201, "a client with a secret");
    }
    server.clock.advance(Duration::from_secs(7));
    assert_eq!(push(&server, &APP, &app).await.status, 201);
}

#[tokio::test]
async fn pushed_request_of_more_than_8_kib_is_rejected() {
    let server = TestServer::start().await;
    let with_state = |length: usize| AuthorizationRequest::app().with("state", &"s".repeat(length));
    assert_eq!(push(&server, &APP, &with_state(7_000)).await.status, 201);
    let rejected = push(&server, &APP, &with_state(8_192)).await;
    rejected.assert_error(413, "invalid_request", "longer than 8192 bytes");
}

#[tokio::test]
async fn device_authorizations_of_public_clients_are_limited_by_address() {
    let server = TestServer::start_with(|settings| {
        settings.rate_limits.device_authorization.burst = 2;
        settings.rate_limits.device_authorization.refill_seconds = 7;
    })
    .await;
    let fields = [("client_id", "app"), ("scope", "openid")];
    let begin =
        async |client: &HttpClient| client.post_form("/oauth/device_authorization", &fields).await;
    for _ in 0..2 {
        assert_eq!(begin(&server).await.status, 200);
    }
    let limited = begin(&server).await;
    limited.assert_error(429, "temporarily_unavailable", "try again in 7 s");
    assert_eq!(limited.header("retry-after"), "7");
    assert_eq!(begin(&server.from_address("127.0.0.2")).await.status, 200);
    server.clock.advance(Duration::from_secs(7));
    assert_eq!(begin(&server).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejections_of_unknown_callers_are_counted() {
    let server = TestServer::start().await;
    for number in 0..60 {
        let name = format!("made-up-{number}");
        assert_eq!(server.client_credentials((&name, "guess"), &[]).await.status, 401);
    }
    let records = rejections(&server).await;
    assert_eq!(records.len(), 9, "eight ids, and the first of the others: {records:?}");
    server.clock.advance(Duration::from_secs(60));
    wait_until("the others are counted", async || rejections(&server).await.len() == 10).await;
    let records = rejections(&server).await;
    assert_eq!(counted(&records), 60);
    assert_eq!(
        (&records[0]["count"], &records[0]["client_id"], &records[0]["address"]),
        (&Value::from(51), &Value::Null, &Value::from("127.0.0.1"))
    );
    let text = succeed(&["audit", "--limit", "1"], &server.cli_arguments()).await;
    assert!(text.ends_with("from=127.0.0.1  error=invalid_client  count=51"), "{text}");
}

/// A public client proves nothing, so what it asks for again and again must not fill the log.
#[tokio::test(flavor = "multi_thread")]
async fn requests_without_effect_are_counted() {
    let server = TestServer::start().await;
    let revocations = async || {
        let lines = succeed(&["audit", "--json"], &server.cli_arguments()).await;
        let records = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        records.filter(|record| record["event"] == "revocation").count()
    };
    let revoke = async |token: &str| {
        let response =
            server.post_form("/oauth/revoke", &[("client_id", "app"), ("token", token)]).await;
        assert_eq!(response.status, 200, "{response:?}");
    };
    for _ in 0..20 {
        revoke("made-up").await;
    }
    assert_eq!(revocations().await, 1);
    let browser = Browser::new(&server);
    let app = AuthorizationRequest::app();
    let code = browser.authorization_code(&app, ALICE).await;
    let tokens = server.redeem_code(("app", ""), &app, &code).await.json();
    for _ in 0..20 {
        revoke(tokens["access_token"].as_str().unwrap()).await;
    }
    // The revocation, and the first one of a revoked token.
    assert!(revocations().await <= 3, "{}", revocations().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_of_a_registration_are_counted() {
    let server = start_with_registration().await;
    let registration = register_client(&server, website_metadata(json!({}))).await;
    let path = format!("/oauth/register/{}", text(&registration, "client_id"));
    for _ in 0..20 {
        let token = text(&registration, "registration_access_token");
        assert_eq!(send(server.request("GET", &path).bearer_auth(token)).await.status, 200);
    }
    let records = records(&server).await;
    assert_eq!(records.iter().filter(|(event, ..)| event == "client_read").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_sign_ins_are_counted_and_a_success_is_always_a_record() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let mut page = browser.open("/login").await;
    for _ in 0..4 {
        page = browser.sign_in(&page, ("alice", "wrong")).await;
    }
    for _ in 0..2 {
        page = browser.open("/login").await;
        assert_eq!(browser.sign_in(&page, ALICE).await.path, "/account");
        browser.clear_cookies();
    }
    assert_eq!(rejections(&server).await.len(), 1);
    server.clock.advance(Duration::from_secs(60));
    wait_until("the others are counted", async || counted(&rejections(&server).await) == 4).await;
    assert_eq!(rejections(&server).await.len(), 2);
    let all = succeed(&["audit", "--json"], &server.cli_arguments()).await;
    let successes =
        all.lines().filter(|line| line.contains("\"sign_in\",\"outcome\":\"succeeded\""));
    assert_eq!(successes.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_stored_when_the_server_stops() {
    let mut server = TestServer::start().await;
    for _ in 0..5 {
        server.client_credentials(("made-up", "guess"), &[]).await;
    }
    server.stop().await;
    let counts: Vec<_> =
        rejections(&server).await.iter().map(|record| record["count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [4, 1]);
}

#[tokio::test]
async fn rejections_of_a_client_with_a_secret_are_all_records() {
    let server = TestServer::start().await;
    for _ in 0..3 {
        server.client_credentials(SITE, &[("scope", "else")]).await;
    }
    let records = rejections(&server).await;
    assert_eq!((records.len(), &records[0]["actor"]), (3, &Value::from("client:site")));
}
