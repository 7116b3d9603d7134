//! Outages of the issuer, and callers that disconnect.

use std::{
    future::{Future, poll_fn},
    net::TcpListener,
    pin::pin,
    task::Poll,
    time::Duration,
};

use clock::Clock;
use flow_events::Rule;
use oauth_types::AccessToken;
use serde_json::json;
use test_support::{
    mock::{json, status},
    signer::Signer,
    wait::until,
};
use token_verifier::{LocalSettings, Verifier, VerifierBuilder};
use tokio::task::JoinSet;
use wiremock::{Mock, MockServer, matchers::path};

use crate::{
    setup::{
        AuthServer, INTROSPECT, ISSUER, JWKS, METADATA, NOW, RESOURCE, expect_unavailable,
        introspection_settings, keys, metadata, short_timeout_client, violated_rule,
    },
    signer::SignAccessToken,
};

/// Starts an issuer on `listener`. After it is dropped, connections to its address are refused.
async fn start_issuer(listener: TcpListener, signer: &Signer) -> MockServer {
    let server = MockServer::builder().listener(listener).start().await;
    let introspection = json(200, &json!({ "active": true, "aud": RESOURCE, "iss": ISSUER }));
    for (endpoint, response) in
        [(METADATA, metadata(ISSUER)), (JWKS, keys([signer])), (INTROSPECT, introspection)]
    {
        Mock::given(path(endpoint)).respond_with(response).mount(&server).await;
    }
    server
}

#[tokio::test]
async fn verifier_recovers_from_an_issuer_outage() {
    let (signer, unknown) = (Signer::es256("1"), Signer::es256("2"));
    let c = start_issuer(TcpListener::bind("127.0.0.1:0").unwrap(), &signer).await;
    let (address, clock) = (*c.address(), Clock::manual(NOW));
    let builder = || {
        Verifier::builder(ISSUER, RESOURCE)
            .internal_url(format!("http://{address}"))
            .clock(clock.clone())
    };
    let build = |builder: VerifierBuilder| builder.build().unwrap();
    let local = build(builder().local(LocalSettings::default()));
    let introspecting = build(builder().introspection(introspection_settings()));
    let without_keys = build(builder().local(LocalSettings::default()));
    let opaque = |name: &str| AccessToken::new(name);
    local.verify(&signer.token_number(1)).await.unwrap();
    introspecting.verify(&opaque("known")).await.unwrap();

    drop(c);
    local.verify(&signer.token_number(2)).await.unwrap();
    introspecting.verify(&opaque("known")).await.unwrap();
    assert!(expect_unavailable(local.verify(&unknown.token()).await).0.contains("cannot reach"));
    assert!(
        expect_unavailable(introspecting.verify(&opaque("new")).await).0.contains("cannot reach")
    );
    expect_unavailable(without_keys.verify(&signer.token()).await);
    clock.advance(Duration::from_secs(10));
    expect_unavailable(introspecting.verify(&opaque("known")).await);

    let _c = start_issuer(TcpListener::bind(address).unwrap(), &signer).await;
    introspecting.verify(&opaque("known")).await.unwrap();
    introspecting.verify(&opaque("new")).await.unwrap();
    without_keys.verify(&signer.token()).await.unwrap();
    clock.advance(Duration::from_secs(30));
    assert_eq!(
        violated_rule(local.verify(&unknown.token()).await),
        Some(Rule::Key),
        "the fetched keys do not contain it"
    );
}

/// Polls `future` once and drops it, as a server does when the client disconnects. Returns whether
/// it was pending.
async fn poll_once_and_cancel(future: impl Future) -> bool {
    let mut future = pin!(future);
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

/// Otherwise an attacker could start fetches and disconnect: the cooldown would remain, and new
/// keys would never be found.
#[tokio::test]
async fn cancelled_caller_does_not_abort_the_key_fetch() {
    let (old, new, attacker) = (Signer::es256("1"), Signer::es256("2"), Signer::es256("made-up"));
    let c = AuthServer::with_keys([&old]).await;
    let verifier = c.local_verifier();
    verifier.warm_up().await.unwrap();
    c.jwks.respond(keys([&old, &new]).set_delay(Duration::from_millis(100)));
    let fetch_started = until("the fetch", async || c.request_count(JWKS).await >= 2);
    let made_up = attacker.token();
    tokio::select! {
        outcome = verifier.verify(&made_up) => panic!("completed before it was cancelled: {outcome:?}"),
        () = fetch_started => {}
    }
    for _ in 0..100 {
        poll_once_and_cancel(verifier.verify(&made_up)).await;
    }
    verifier.verify(&new.token()).await.unwrap();
    assert_eq!(c.request_count(JWKS).await, 2, "a hundred cancelled callers cause one request");
}

#[tokio::test]
async fn cancelled_introspection_is_repeated_by_the_next_caller() {
    let c =
        AuthServer::with_introspection_response(json!({ "active": true, "aud": RESOURCE })).await;
    let verifier = c.introspecting_verifier();
    let opaque = AccessToken::new("gpat_opaque");
    for _ in 0..3 {
        assert!(
            poll_once_and_cancel(verifier.verify(&opaque)).await,
            "cancelled before the response"
        );
    }
    verifier.verify(&opaque).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_callers_share_one_introspection_failure() {
    let c = AuthServer::with_introspection_response(json!({})).await;
    let verifier = c.introspecting_verifier();
    verifier.warm_up().await.unwrap();
    c.introspection.respond(status(500).set_delay(Duration::from_millis(200)));
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let verifier = verifier.clone();
        callers.spawn(async move {
            expect_unavailable(verifier.verify(&AccessToken::new("gpat_opaque")).await)
        });
    }
    assert_eq!(callers.join_all().await.len(), 100);
    assert_eq!(c.request_count(INTROSPECT).await, 1);
}

/// If callers waited for one timeout after the other, the last would wait for minutes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_callers_share_one_metadata_timeout() {
    let c =
        AuthServer::with_introspection_response(json!({ "active": true, "aud": RESOURCE })).await;
    c.metadata.respond(metadata(ISSUER).set_delay(Duration::from_secs(60)));
    let verifier = c
        .builder()
        .introspection(introspection_settings())
        .http_client(short_timeout_client())
        .build()
        .unwrap();
    let mut callers = JoinSet::new();
    for number in 0..50 {
        let verifier = verifier.clone();
        callers.spawn(async move {
            expect_unavailable(verifier.verify(&AccessToken::new(format!("opaque-{number}"))).await)
        });
    }
    assert_eq!(callers.join_all().await.len(), 50);
    assert_eq!(c.request_count(METADATA).await, 1);
    c.metadata.respond(metadata(ISSUER));
    c.advance_clock(1);
    verifier.verify(&AccessToken::new("opaque-1")).await.unwrap();
}

#[tokio::test]
async fn expired_token_within_leeway_is_introspected_each_time() {
    let c = AuthServer::with_introspection_response(
        json!({ "active": true, "aud": RESOURCE, "exp": NOW - 1 }),
    )
    .await;
    let verifier = c.introspecting_verifier();
    for requests in 1..4 {
        verifier.verify(&AccessToken::new("gpat_opaque")).await.unwrap();
        assert_eq!(c.request_count(INTROSPECT).await, requests);
    }
}
