//! C goes away and comes back, and callers hang up: what B can still tell, and what it must not
//! take for an answer.

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
use token_verifier::{LocalSettings, Verifier, VerifierBuilder};
use tokio::task::JoinSet;
use wiremock::{Mock, MockServer, matchers::path};

use crate::{
    setup::{
        C, INTROSPECT, ISSUER, JWKS, METADATA, NOW, RESOURCE, broken, impatient, introspection,
        keys, metadata, said, status, unavailable,
    },
    signer::Signer,
};

/// A C of its own process: when it is dropped, connections to its address are refused.
async fn listening(listener: TcpListener, signer: &Signer) -> MockServer {
    let server = MockServer::builder().listener(listener).start().await;
    let word = said(&json!({ "active": true, "aud": RESOURCE, "iss": ISSUER }));
    for (at, answer) in [(METADATA, metadata(ISSUER)), (JWKS, keys([signer])), (INTROSPECT, word)] {
        Mock::given(path(at)).respond_with(answer).mount(&server).await;
    }
    server
}

#[tokio::test]
async fn b_outlives_an_outage_of_c_and_finds_it_again() {
    let (signer, unknown) = (Signer::es256("1"), Signer::es256("2"));
    let c = listening(TcpListener::bind("127.0.0.1:0").unwrap(), &signer).await;
    let (address, clock) = (*c.address(), Clock::manual(NOW));
    let builder = || {
        Verifier::builder(ISSUER, RESOURCE)
            .internal_url(format!("http://{address}"))
            .clock(clock.clone())
    };
    let build = |builder: VerifierBuilder| builder.build().unwrap();
    let local = build(builder().local(LocalSettings::default()));
    let asking = build(builder().introspection(introspection()));
    let late = build(builder().local(LocalSettings::default()));
    let opaque = |name: &str| AccessToken::new(name);
    local.verify(&signer.token_number(1)).await.unwrap();
    asking.verify(&opaque("known")).await.unwrap();

    drop(c);
    local.verify(&signer.token_number(2)).await.unwrap();
    asking.verify(&opaque("known")).await.unwrap();
    assert!(unavailable(local.verify(&unknown.token()).await).0.contains("cannot reach"));
    assert!(unavailable(asking.verify(&opaque("new")).await).0.contains("cannot reach"));
    unavailable(late.verify(&signer.token()).await);
    clock.advance(Duration::from_secs(10));
    unavailable(asking.verify(&opaque("known")).await);

    let _c = listening(TcpListener::bind(address).unwrap(), &signer).await;
    asking.verify(&opaque("known")).await.unwrap();
    asking.verify(&opaque("new")).await.unwrap();
    late.verify(&signer.token()).await.unwrap();
    clock.advance(Duration::from_secs(30));
    assert_eq!(broken(local.verify(&unknown.token()).await), Some(Rule::Key), "C says so now");
}

/// Begin it and drop it. Was it unfinished?
async fn hang_up(future: impl Future) -> bool {
    let mut future = pin!(future);
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

/// Hanging up is free for the caller. If it broke the fetch off and left the cool-down, C could not
/// change its keys any more.
#[tokio::test]
async fn who_hangs_up_does_not_spend_the_search_for_a_new_key() {
    let (old, new, thief) = (Signer::es256("1"), Signer::es256("2"), Signer::es256("made-up"));
    let c = C::with_keys([&old]).await;
    let verifier = c.local();
    verifier.warm_up().await.unwrap();
    c.jwks.answers(keys([&old, &new]).set_delay(Duration::from_millis(100)));
    let on_its_way = async {
        while c.asked(JWKS).await < 2 {
            tokio::task::yield_now().await;
        }
    };
    let made_up = thief.token();
    tokio::select! {
        outcome = verifier.verify(&made_up) => panic!("answered before it hung up: {outcome:?}"),
        () = on_its_way => {}
    }
    for _ in 0..100 {
        hang_up(verifier.verify(&made_up)).await;
    }
    verifier.verify(&new.token()).await.unwrap();
    assert_eq!(c.asked(JWKS).await, 2, "nor do a hundred of them make more than one request");
}

#[tokio::test]
async fn who_hangs_up_leaves_the_question_to_the_next() {
    let c = C::saying(json!({ "active": true, "aud": RESOURCE })).await;
    let verifier = c.introspecting();
    let opaque = AccessToken::new("gpat_opaque");
    for _ in 0..3 {
        assert!(hang_up(verifier.verify(&opaque)).await, "before the answer");
    }
    verifier.verify(&opaque).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_callers_hear_of_one_failure_together() {
    let c = C::saying(json!({})).await;
    let verifier = c.introspecting();
    verifier.warm_up().await.unwrap();
    c.introspection.answers(status(500).set_delay(Duration::from_millis(200)));
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let verifier = verifier.clone();
        callers.spawn(async move {
            unavailable(verifier.verify(&AccessToken::new("gpat_opaque")).await)
        });
    }
    assert_eq!(callers.join_all().await.len(), 100);
    assert_eq!(c.asked(INTROSPECT).await, 1);
}

/// One after the other, each with a time limit of its own, the last would wait for minutes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_wait_for_the_metadata_of_a_c_that_hangs_hear_it_together() {
    let c = C::saying(json!({ "active": true, "aud": RESOURCE })).await;
    c.metadata.answers(metadata(ISSUER).set_delay(Duration::from_secs(60)));
    let verifier =
        c.builder().introspection(introspection()).http_client(impatient()).build().unwrap();
    let mut callers = JoinSet::new();
    for number in 0..50 {
        let verifier = verifier.clone();
        callers.spawn(async move {
            unavailable(verifier.verify(&AccessToken::new(format!("opaque-{number}"))).await)
        });
    }
    assert_eq!(callers.join_all().await.len(), 50);
    assert_eq!(c.asked(METADATA).await, 1);
    c.metadata.answers(metadata(ISSUER));
    c.wait(1);
    verifier.verify(&AccessToken::new("opaque-1")).await.unwrap();
}

#[tokio::test]
async fn within_the_leeway_past_its_end_an_introspected_token_is_asked_about_each_time() {
    let c = C::saying(json!({ "active": true, "aud": RESOURCE, "exp": NOW - 1 })).await;
    let verifier = c.introspecting();
    for asked in 1..4 {
        verifier.verify(&AccessToken::new("gpat_opaque")).await.unwrap();
        assert_eq!(c.asked(INTROSPECT).await, asked);
    }
}
