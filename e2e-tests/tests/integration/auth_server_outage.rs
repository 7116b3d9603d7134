//! C starts late, stops and comes back. What does not need C continues to work; everything else
//! fails with 503, and no request is accepted unchecked.

use std::time::Duration;

use clock::Clock;
use e2e_tests::{
    harness::{ResourceServer, SECRET},
    http::{ResponseAssertions, TestResponse, send, until, url},
    separate_servers::{RunningServer, SeparateServers},
};

async fn access_token(servers: &SeparateServers, c: &RunningServer, b: ResourceServer) -> String {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "service-a"),
        ("client_secret", SECRET),
        ("resource", b.resource()),
    ];
    send(servers.http.post(url(c.address, "/oauth/token")).form(&form)).await.member("access_token")
}

async fn call_b(servers: &SeparateServers, b: &RunningServer, token: &str) -> TestResponse {
    send(servers.http.get(url(b.address, "/api/resource")).bearer_auth(token)).await
}

async fn call_through_a(
    servers: &SeparateServers,
    a: &RunningServer,
    b: ResourceServer,
) -> TestResponse {
    send(servers.http.get(url(a.address, &format!("/api/call-b?target={}", b.target())))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn local_b_works_without_c_and_introspecting_b_returns_503() {
    let servers = SeparateServers::new(Clock::manual(Clock::system().seconds()));
    let c = servers.start_c().await;
    let (local, introspecting) = (
        servers.start_b(&servers.settings.b_local),
        servers.start_b(&servers.settings.b_introspection),
    );
    let a = servers.start_a(&local, &introspecting).await;
    for server in [&local, &introspecting, &a] {
        server.wait_until_ready().await;
    }
    let [known, never_seen] = [
        access_token(&servers, &c, ResourceServer::Local).await,
        access_token(&servers, &c, ResourceServer::Local).await,
    ];
    let introspected = access_token(&servers, &c, ResourceServer::Introspecting).await;
    assert_eq!(call_b(&servers, &local, &known).await.status, 200);
    assert_eq!(call_b(&servers, &introspecting, &introspected).await.status, 200);
    for b in ResourceServer::BOTH {
        assert_eq!(call_through_a(&servers, &a, b).await.status, 200);
    }

    c.stop().await;
    for token in [&known, &never_seen] {
        assert_eq!(call_b(&servers, &local, token).await.status, 200, "the keys are cached");
    }
    assert_eq!(
        call_b(&servers, &introspecting, &introspected).await.status,
        200,
        "introspection responses are cached for two seconds"
    );
    servers.clock.advance(Duration::from_secs(2));
    let response = call_b(&servers, &introspecting, &introspected).await;
    assert_eq!(
        (response.status, response.member("error").as_str()),
        (503, "temporarily_unavailable"),
        "{response:?}"
    );
    assert!(response.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert_eq!(
        call_through_a(&servers, &a, ResourceServer::Local).await.status,
        200,
        "A has a token and B has the keys"
    );
    let response = call_through_a(&servers, &a, ResourceServer::Introspecting).await;
    response.assert_failed_at("call_b", "B responded with status 503");
    assert!(!response.header("retry-after").is_empty(), "{response:?}");
    servers.clock.advance(Duration::from_secs(1_800));
    call_through_a(&servers, &a, ResourceServer::Local).await.assert_failed_at("get_token", "");
    for server in [&local, &a] {
        assert_eq!(server.readiness.check(true).await, Ok(()));
    }

    let c = servers.start_c().await;
    until("A reaches both Bs again", async || {
        servers.clock.advance(Duration::from_secs(1));
        call_through_a(&servers, &a, ResourceServer::Local).await.status == 200
            && call_through_a(&servers, &a, ResourceServer::Introspecting).await.status == 200
    })
    .await;
    assert_eq!(
        call_b(
            &servers,
            &introspecting,
            &access_token(&servers, &c, ResourceServer::Introspecting).await
        )
        .await
        .status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn restarted_c_knows_its_tokens_and_keys() {
    let servers = SeparateServers::new(Clock::manual(Clock::system().seconds()));
    let c = servers.start_c().await;
    let (local, introspecting) = (
        servers.start_b(&servers.settings.b_local),
        servers.start_b(&servers.settings.b_introspection),
    );
    for b in [&local, &introspecting] {
        b.wait_until_ready().await;
    }
    let (for_local, for_introspecting) = (
        access_token(&servers, &c, ResourceServer::Local).await,
        access_token(&servers, &c, ResourceServer::Introspecting).await,
    );
    let revoked = access_token(&servers, &c, ResourceServer::Introspecting).await;
    let form = [("client_id", "service-a"), ("client_secret", SECRET), ("token", &revoked)];
    assert_eq!(
        send(servers.http.post(url(c.address, "/oauth/revoke")).form(&form)).await.status,
        200
    );
    c.stop().await;
    let c = servers.start_c().await;
    assert_eq!(call_b(&servers, &local, &for_local).await.status, 200);
    assert_eq!(call_b(&servers, &introspecting, &for_introspecting).await.status, 200);
    call_b(&servers, &introspecting, &revoked).await.assert_rejected(
        401,
        "invalid_token",
        "inactive",
    );
    assert_eq!(
        call_b(&servers, &local, &access_token(&servers, &c, ResourceServer::Local).await)
            .await
            .status,
        200,
        "C still signs with the same key"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_and_b_start_before_c() {
    let servers = SeparateServers::new(Clock::system());
    let (local, introspecting) = (
        servers.start_b(&servers.settings.b_local),
        servers.start_b(&servers.settings.b_introspection),
    );
    let a = servers.start_a(&local, &introspecting).await;
    for b in [&local, &introspecting] {
        assert_eq!(b.readiness.check(true).await, Err("no keys of the issuer yet".to_owned()));
        let response = call_b(&servers, b, "e30.e30.e30").await;
        assert!(
            matches!(response.status, 401 | 503),
            "the token must not be accepted: {response:?}"
        );
    }
    call_through_a(&servers, &a, ResourceServer::Local).await.assert_failed_at("get_token", "");
    let _c = servers.start_c().await;
    for b in [&local, &introspecting] {
        b.wait_until_ready().await;
    }
    for b in ResourceServer::BOTH {
        until("A calls B", async || call_through_a(&servers, &a, b).await.status == 200).await;
    }
}
