//! Verification by introspection (RFC 7662), and the cache of its responses.

use std::time::Duration;

use flow_events::{Event, Party, Rule};
use oauth_types::{AccessToken, ClientSecret, basic};
use serde_json::{Value, json};
use test_support::{
    mock::{json, status},
    signer::Signer,
};
use token_verifier::LocalSettings;
use tokio::task::JoinSet;
use wiremock::ResponseTemplate;

use crate::{
    setup::{
        AuthServer, INTROSPECT, ISSUER, JWKS, NOW, RESOURCE, SECRET, expect_unavailable, inactive,
        introspection_settings, short_timeout_client, violated_rule,
    },
    signer::SignAccessToken,
};

fn opaque() -> AccessToken {
    AccessToken::new("gpat_opaque")
}

/// Returns the introspection response for a valid token.
fn active() -> Value {
    json!({
        "active": true, "iss": ISSUER, "aud": RESOURCE, "sub": "alice", "client_id": "service-a",
        "scope": "resource:read", "exp": NOW + 1_800, "iat": NOW, "jti": "t-1",
    })
}

fn active_with(member: &str, value: Value) -> Value {
    let mut response = active();
    response[member] = value;
    response
}

#[tokio::test]
async fn introspection_request_authenticates_the_resource_server() {
    let c = AuthServer::with_introspection_response(active()).await;
    let (outcome, checks) = c.record_checks(c.introspecting_verifier().verify(&opaque())).await;
    assert_eq!(outcome.unwrap().subject(), Some("alice"));
    let rules: Vec<_> = checks.iter().map(|check| check.rule).collect();
    assert_eq!(rules, [Rule::Active, Rule::Issuer, Rule::Audience, Rule::Expiry, Rule::IssuedAt]);
    let request = &c.requests(INTROSPECT).await[0];
    let expected = basic::format("service-b", &ClientSecret::new(SECRET));
    assert_eq!(request.headers["authorization"], expected.as_str());
    assert_eq!(
        String::from_utf8_lossy(&request.body),
        "token=gpat_opaque&token_type_hint=access_token"
    );
    assert_eq!(request.method, "POST");
    assert!(request.headers["traceparent"].to_str().unwrap().starts_with("00-07070707"));
}

#[tokio::test]
async fn introspection_request_and_response_are_emitted() {
    let c = AuthServer::with_introspection_response(active()).await;
    let verifier = c.introspecting_verifier();
    verifier.warm_up().await.unwrap();
    let (_, events) = c.record_events(verifier.verify(&opaque())).await;
    let [sent, received, ..] = &events[..] else { panic!("{events:?}") };
    assert!(
        matches!(&sent.event, Event::RequestSent { to: Party::AuthorizationServer, method, .. } if method == "POST")
    );
    assert!(matches!(&received.event, Event::ResponseReceived { status: 200, .. }));
}

#[tokio::test]
async fn introspection_response_is_checked() {
    let cases = [
        (json!({ "active": false }), Rule::Active),
        // Ory Hydra and Keycloak introspect refresh tokens too.
        (active_with("token_use", json!("refresh_token")), Rule::Kind),
        (active_with("typ", json!("Refresh")), Rule::Kind),
        (active_with("token_type", json!("id_token")), Rule::Kind),
        (active_with("iss", json!("http://other.example")), Rule::Issuer),
        (active_with("aud", json!("https://other.example")), Rule::Audience),
        (active_with("aud", Value::Null), Rule::Audience),
        (active_with("exp", json!(NOW - 5)), Rule::Expiry),
        (active_with("nbf", json!(NOW + 6)), Rule::NotBefore),
        (active_with("iat", json!(NOW + 6)), Rule::IssuedAt),
    ];
    for (response, rule) in cases {
        let c = AuthServer::with_introspection_response(response.clone()).await;
        assert_eq!(
            violated_rule(c.introspecting_verifier().verify(&opaque()).await),
            Some(rule),
            "{response}"
        );
    }
}

#[tokio::test]
async fn introspected_token_that_names_itself_an_access_token_is_accepted() {
    for (member, kind) in
        [("token_type", "Bearer"), ("token_use", "access_token"), ("typ", "Bearer")]
    {
        let c = AuthServer::with_introspection_response(active_with(member, json!(kind))).await;
        c.introspecting_verifier().verify(&opaque()).await.unwrap();
    }
}

#[tokio::test]
async fn introspection_response_may_omit_optional_members() {
    let c =
        AuthServer::with_introspection_response(json!({ "active": true, "aud": [RESOURCE] })).await;
    let token = c.introspecting_verifier().verify(&opaque()).await.unwrap();
    assert!(token.subject().is_none() && token.jti().is_none() && token.scope().is_empty());
    assert_eq!(
        token.expires_at(),
        NOW + 10,
        "the token is valid for as long as the response is cached"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_callers_share_one_introspection_request() {
    let c = AuthServer::with_introspection_response(active()).await;
    c.introspection.respond(json(200, &active()).set_delay(Duration::from_millis(100)));
    let verifier = c.introspecting_verifier();
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let verifier = verifier.clone();
        callers.spawn(async move { verifier.verify(&opaque()).await.is_ok() });
    }
    assert!(callers.join_all().await.iter().all(|accepted| *accepted));
    assert_eq!(c.request_count(INTROSPECT).await, 1);
}

/// Otherwise each would run into its own timeout, one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_callers_share_one_failed_introspection() {
    let c = AuthServer::with_introspection_response(active()).await;
    let verifier = c.introspecting_verifier();
    verifier.warm_up().await.unwrap();
    c.introspection.respond(status(500).set_delay(Duration::from_millis(500)));
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let verifier = verifier.clone();
        callers.spawn(async move { verifier.verify(&opaque()).await });
    }
    callers.join_all().await.into_iter().for_each(|outcome| drop(expect_unavailable(outcome)));
    assert_eq!(c.request_count(INTROSPECT).await, 1);
    c.introspection.respond(json(200, &active()));
    verifier.verify(&opaque()).await.unwrap();
}

#[tokio::test]
async fn introspection_response_is_cached_for_its_ttl() {
    let c = AuthServer::with_introspection_response(active()).await;
    let verifier = c.introspecting_verifier();
    verifier.verify(&opaque()).await.unwrap();
    c.introspection.respond(inactive());
    c.clock.advance(Duration::from_millis(9_999));
    let (outcome, checks) = c.record_checks(verifier.verify(&opaque())).await;
    outcome.unwrap();
    assert!(checks.len() == 1 && checks[0].rule == Rule::Cached, "{checks:?}");
    c.clock.advance(Duration::from_millis(1));
    assert_eq!(
        violated_rule(verifier.verify(&opaque()).await),
        Some(Rule::Active),
        "the revocation is noticed"
    );
    assert_eq!(c.request_count(INTROSPECT).await, 2);
}

#[tokio::test]
async fn clock_that_is_set_back_does_not_extend_the_cache() {
    let c = AuthServer::with_introspection_response(active()).await;
    let verifier = c.introspecting_verifier();
    verifier.verify(&opaque()).await.unwrap();
    c.introspection.respond(inactive());
    c.clock.set_back(Duration::from_secs(3_600));
    c.clock.advance(Duration::from_secs(10));
    assert_eq!(violated_rule(verifier.verify(&opaque()).await), Some(Rule::Active));
}

#[tokio::test]
async fn inactive_response_is_cached() {
    let c = AuthServer::with_introspection_response(json!({ "active": false })).await;
    let verifier = c.introspecting_verifier();
    for _ in 0..3 {
        assert_eq!(violated_rule(verifier.verify(&opaque()).await), Some(Rule::Active));
    }
    assert_eq!(c.request_count(INTROSPECT).await, 1);
}

#[tokio::test]
async fn introspection_response_is_not_cached_beyond_exp() {
    let c = AuthServer::with_introspection_response(active_with("exp", json!(NOW + 3))).await;
    let verifier = c.introspecting_verifier();
    verifier.verify(&opaque()).await.unwrap();
    c.advance_clock(2);
    verifier.verify(&opaque()).await.unwrap();
    assert_eq!(c.request_count(INTROSPECT).await, 1);
    c.introspection.respond(inactive());
    c.advance_clock(1);
    assert_eq!(violated_rule(verifier.verify(&opaque()).await), Some(Rule::Active));
}

#[tokio::test]
async fn cache_ttl_of_zero_disables_the_introspection_cache() {
    let c = AuthServer::with_introspection_response(active()).await;
    let settings = introspection_settings().cache_ttl(Duration::ZERO);
    let verifier = c.builder().introspection(settings).build().unwrap();
    for _ in 0..3 {
        verifier.verify(&opaque()).await.unwrap();
    }
    assert_eq!(c.request_count(INTROSPECT).await, 3);
}

#[tokio::test]
async fn failed_introspection_rejects_the_token_and_is_not_cached() {
    let c = AuthServer::with_introspection_response(active()).await;
    let verifier = c.introspecting_verifier();
    let failures = [
        status(500),
        status(503),
        status(400),
        status(401),
        status(403),
        status(404),
        status(204),
        status(302).insert_header("location", "/elsewhere"),
        ResponseTemplate::new(200),
        ResponseTemplate::new(200).set_body_string("<html>active: true"),
        json(200, &json!({ "active": "true" })),
        json(200, &json!({ "scope": "resource:read" })),
        json(200, &json!(["active"])),
        ResponseTemplate::new(200)
            .set_body_string(format!("{{\"active\":true,\"x\":\"{}\"}}", "x".repeat(300_000))),
    ];
    for (number, failure) in failures.into_iter().enumerate() {
        c.introspection.respond(failure);
        expect_unavailable(verifier.verify(&opaque()).await);
        assert_eq!(c.request_count(INTROSPECT).await, number + 1);
    }
    c.introspection.respond(json(200, &active()));
    verifier.verify(&opaque()).await.unwrap();
}

#[tokio::test]
async fn retry_after_of_the_issuer_is_reported() {
    let c = AuthServer::with_introspection_response(active()).await;
    for code in [429, 503] {
        c.introspection.respond(status(code).insert_header("retry-after", "17"));
        assert_eq!(
            expect_unavailable(c.introspecting_verifier().verify(&opaque()).await).1,
            Duration::from_secs(17)
        );
    }
}

#[tokio::test]
async fn rejected_introspection_credentials_make_verification_unavailable() {
    let c = AuthServer::with_introspection_response(active()).await;
    c.introspection.respond(status(401).set_body_json(json!({ "error": "invalid_client" })));
    let (reason, _) = expect_unavailable(c.introspecting_verifier().verify(&opaque()).await);
    assert!(
        reason.contains("rejects the introspection requests of this resource server"),
        "{reason}"
    );
}

#[tokio::test]
async fn introspection_timeout_or_connection_failure_is_unavailable() {
    let c = AuthServer::with_introspection_response(active()).await;
    let verifier = c
        .builder()
        .introspection(introspection_settings())
        .http_client(short_timeout_client())
        .build()
        .unwrap();
    c.introspection.respond(json(200, &active()).set_delay(Duration::from_secs(60)));
    let (outcome, events) = c.record_events(verifier.verify(&opaque())).await;
    assert!(expect_unavailable(outcome).0.contains("in time"));
    assert!(events.iter().any(|event| matches!(event.event, Event::RequestFailed { .. })));
    let AuthServer { server, introspection: endpoint, clock, .. } = c;
    let closed_url = server.uri();
    drop((server, endpoint));
    let builder =
        token_verifier::Verifier::builder(ISSUER, RESOURCE).internal_url(closed_url).clock(clock);
    let verifier = builder
        .introspection(introspection_settings())
        .http_client(short_timeout_client())
        .build()
        .unwrap();
    expect_unavailable(verifier.verify(&opaque()).await);
}

#[tokio::test]
async fn jwts_are_verified_locally_and_opaque_tokens_introspected() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    c.introspection.respond(json(200, &active()));
    let verifier = c
        .builder()
        .local(LocalSettings::default())
        .introspection(introspection_settings())
        .build()
        .unwrap();
    assert!(!verifier.is_ready());
    verifier.warm_up().await.unwrap();
    assert!(verifier.is_ready());
    verifier.verify(&signer.token()).await.unwrap();
    assert_eq!((c.request_count(JWKS).await, c.request_count(INTROSPECT).await), (1, 0));
    verifier.verify(&opaque()).await.unwrap();
    assert_eq!(c.request_count(INTROSPECT).await, 1);
    let forged = Signer::es256("1").token();
    assert_eq!(
        violated_rule(verifier.verify(&forged).await),
        Some(Rule::Signature),
        "a JWT that fails local verification is not introspected"
    );
    assert_eq!(c.request_count(INTROSPECT).await, 1);
}
