//! Genuine access tokens that B rejects: expired, revoked, for another resource, without the
//! required scope, or sent by an unsupported method.

use std::time::Duration;

use e2e_tests::{
    harness::{Harness, ResourceServer},
    http::{ResponseAssertions, TestResponse, send},
};

#[tokio::test]
async fn request_without_token_gets_a_challenge_without_error() {
    let harness = Harness::start().await;
    for b in ResourceServer::BOTH {
        let response = send(harness.resource_request(b)).await;
        let expected = format!(
            "Bearer realm=\"{0}\", resource_metadata=\"{0}/.well-known/oauth-protected-resource\"",
            b.resource()
        );
        assert_eq!(
            (response.status, response.header("www-authenticate")),
            (401, expected.as_str())
        );
        assert!(response.json().get("error").is_none(), "RFC 6750 section 3.1: {response:?}");
        let other = send(harness.resource_request(b).basic_auth("service-a", Some("abc123"))).await;
        assert_eq!(
            (other.status, other.header("www-authenticate")),
            (401, expected.as_str()),
            "another authentication scheme"
        );
        let metadata =
            send(harness.http.get(harness.b_url(b, "/.well-known/oauth-protected-resource"))).await;
        assert_eq!(metadata.json()["authorization_servers"][0], "http://localhost:9000");
    }
}

/// The token request of the README names no resource.
#[tokio::test]
async fn token_without_named_resource_is_for_the_default_resource_alone() {
    let harness = Harness::start().await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "service-a"),
        ("client_secret", "abc123"),
    ];
    let response = harness.post_to_c("/oauth/token", &form).await;
    assert_eq!(response.member("scope"), "resource:read resource:write");
    let token = response.member("access_token");
    assert_eq!(harness.call_b(ResourceServer::Local, &token).await.status, 200);
    let elsewhere = harness.call_b(ResourceServer::Introspecting, &token).await;
    elsewhere.assert_rejected(401, "invalid_token", "");
}

#[tokio::test]
async fn token_in_the_url_or_sent_twice_is_rejected() {
    let harness = Harness::start().await;
    for b in ResourceServer::BOTH {
        let token = harness.access_token("service-a", b).await;
        let assert_rejected = |response: TestResponse, words: &str| {
            response.assert_rejected(400, "invalid_request", words);
        };
        let in_url = || harness.resource_request(b).query(&[("access_token", &token)]);
        assert_rejected(send(in_url()).await, "in the query string");
        assert_rejected(
            send(in_url().bearer_auth(&token)).await,
            "in the Authorization header and in the query string",
        );
        assert_rejected(
            send(harness.resource_request(b).bearer_auth(&token).bearer_auth(&token)).await,
            "more than one",
        );
        assert_rejected(
            send(harness.resource_request(b).header("authorization", "Bearer ")).await,
            "no valid token",
        );
        let write = || harness.http.post(harness.b_url(b, "/api/do_something"));
        assert_rejected(
            send(write().bearer_auth(&token).form(&[("access_token", &token)])).await,
            "",
        );
        assert_eq!(harness.call_b(b, &token).await.status, 200, "the token is valid");
    }
}

#[tokio::test]
async fn missing_scope_is_named_in_the_challenge() {
    let harness = Harness::start().await;
    for b in ResourceServer::BOTH {
        let token = harness.access_token("reader", b).await;
        assert_eq!(harness.call_b(b, &token).await.status, 200);
        let write = harness.http.post(harness.b_url(b, "/api/do_something")).bearer_auth(&token);
        let response = send(write).await;
        response.assert_rejected(403, "insufficient_scope", "resource:write");
        assert!(
            response.header("www-authenticate").contains("scope=\"resource:write\""),
            "{response:?}"
        );
    }
}

#[tokio::test]
async fn token_for_another_resource_is_rejected() {
    let harness = Harness::start().await;
    for (intended, other) in [
        (ResourceServer::Local, ResourceServer::Introspecting),
        (ResourceServer::Introspecting, ResourceServer::Local),
    ] {
        let token = harness.access_token("service-a", intended).await;
        harness.call_b(other, &token).await.assert_rejected(
            401,
            "invalid_token",
            intended.resource(),
        );
        assert_eq!(harness.call_b(intended, &token).await.status, 200);
    }
}

#[tokio::test]
async fn local_verification_allows_five_seconds_of_clock_skew() {
    let harness = Harness::start().await;
    let [local, introspecting] = [
        harness.access_token("service-a", ResourceServer::Local).await,
        harness.access_token("service-a", ResourceServer::Introspecting).await,
    ];
    let [never_seen, known] =
        [harness.access_token("service-a", ResourceServer::Local).await, local];
    assert_eq!(harness.call_b(ResourceServer::Local, &known).await.status, 200);
    assert_eq!(harness.call_b(ResourceServer::Introspecting, &introspecting).await.status, 200);
    harness.clock.advance(Duration::from_secs(1_799));
    assert_eq!(harness.call_b(ResourceServer::Introspecting, &introspecting).await.status, 200);
    harness.clock.advance(Duration::from_secs(1));
    harness.call_b(ResourceServer::Introspecting, &introspecting).await.assert_rejected(
        401,
        "invalid_token",
        "inactive",
    );
    harness.clock.advance(Duration::from_secs(4));
    assert_eq!(harness.call_b(ResourceServer::Local, &known).await.status, 200);
    harness.clock.advance(Duration::from_secs(1));
    for token in [known, never_seen] {
        harness.call_b(ResourceServer::Local, &token).await.assert_rejected(
            401,
            "invalid_token",
            "has expired",
        );
    }
}

#[tokio::test]
async fn opaque_token_works_by_introspection_only() {
    let harness = Harness::start().await;
    let token = harness.access_token("service-a-opaque", ResourceServer::Local).await;
    assert!(token.starts_with("gpat_"), "{}", token.len());
    harness.call_b(ResourceServer::Local, &token).await.assert_rejected(
        401,
        "invalid_token",
        "not a JWT",
    );
    let response = harness
        .call_b(
            ResourceServer::Introspecting,
            &harness.access_token("service-a-opaque", ResourceServer::Introspecting).await,
        )
        .await;
    assert_eq!(
        (response.status, response.json()["token"]["client_id"].as_str()),
        (200, Some("service-a-opaque"))
    );
}

#[tokio::test]
async fn auto_mode_accepts_jwt_and_opaque_tokens() {
    let harness =
        Harness::start_with(|settings| settings.b_local.mode = service_b::settings::Mode::Auto)
            .await;
    for client in ["service-a", "service-a-opaque"] {
        assert_eq!(
            harness
                .call_b(
                    ResourceServer::Local,
                    &harness.access_token(client, ResourceServer::Local).await
                )
                .await
                .status,
            200,
            "{client}"
        );
    }
    harness.call_b(ResourceServer::Local, "gpat_made_up").await.assert_rejected(
        401,
        "invalid_token",
        "inactive",
    );
}

#[tokio::test]
async fn revocation_takes_effect_by_introspection_only() {
    let harness = Harness::start().await;
    let [local, introspecting] = [
        harness.access_token("service-a", ResourceServer::Local).await,
        harness.access_token("service-a", ResourceServer::Introspecting).await,
    ];
    let opaque = harness.access_token("service-a-opaque", ResourceServer::Introspecting).await;
    for (b, token) in [
        (ResourceServer::Local, &local),
        (ResourceServer::Introspecting, &introspecting),
        (ResourceServer::Introspecting, &opaque),
    ] {
        assert_eq!(harness.call_b(b, token).await.status, 200);
    }
    for (client, token) in
        [("service-a", &local), ("service-a", &introspecting), ("service-a-opaque", &opaque)]
    {
        harness.revoke(client, token).await;
    }
    for token in [&introspecting, &opaque] {
        assert_eq!(
            harness.call_b(ResourceServer::Introspecting, token).await.status,
            200,
            "introspection responses are cached for 2 s"
        );
    }
    harness.clock.advance(Duration::from_secs(2));
    for token in [&introspecting, &opaque] {
        harness.call_b(ResourceServer::Introspecting, token).await.assert_rejected(
            401,
            "invalid_token",
            "inactive",
        );
    }
    harness.clock.advance(Duration::from_secs(1_797));
    assert_eq!(
        harness.call_b(ResourceServer::Local, &local).await.status,
        200,
        "local verification does not notice a revocation"
    );
    harness.clock.advance(Duration::from_secs(6));
    harness.call_b(ResourceServer::Local, &local).await.assert_rejected(
        401,
        "invalid_token",
        "has expired",
    );
}

#[tokio::test]
async fn a_replaces_its_revoked_token() {
    let harness = Harness::start().await;
    harness.call_through_a(ResourceServer::Introspecting).await;
    let jti = harness.audit("service-a").await.into_iter().find_map(|record| record.jti).unwrap();
    let change = auth_server::storage::Change::RevokeToken { jti, exp: i64::MAX };
    let audit = harness.audit("service-a").await.remove(0);
    harness
        .store()
        .await
        .apply(auth_server::storage::AuditedChange { audit, change })
        .await
        .unwrap();
    harness.clock.advance(Duration::from_secs(2));
    let flow = harness.observe(harness.request_through_a(ResourceServer::Introspecting)).await;
    let script = crate::event_lines::script(&flow.events);
    assert_eq!(flow.status, 200, "{script:?}");
    let rejected = script.iter().position(|line| line == "B -> A 401").unwrap();
    let issued = script.iter().position(|line| line == "C issues an access token").unwrap();
    assert!(rejected < issued && script.last().unwrap() == "B -> A 200", "{script:?}");
}
