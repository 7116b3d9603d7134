//! C's keys: fetched seldom, kept while C is away, and let go when C withdraws them.

use std::time::Duration;

use flow_events::Rule;
use serde_json::json;
use token_verifier::{LocalSettings, Verifier, VerifyError};
use tokio::task::JoinSet;
use wiremock::ResponseTemplate;

use crate::{
    setup::{C, JWKS, METADATA, broken, impatient, keys, said, status, unavailable},
    signer::Signer,
};

async fn verify_all(
    verifier: &Verifier,
    tokens: impl IntoIterator<Item = oauth_types::AccessToken>,
) -> Vec<bool> {
    let mut callers = JoinSet::new();
    for token in tokens {
        let verifier = verifier.clone();
        callers.spawn(async move { verifier.verify(&token).await.is_ok() });
    }
    callers.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_callers_make_one_request_for_the_keys() {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    let passed = verify_all(&c.local(), (0..100).map(|number| signer.token_number(number))).await;
    assert!(passed.len() == 100 && passed.iter().all(|passed| *passed));
    assert_eq!((c.asked(METADATA).await, c.asked(JWKS).await), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_made_up_kids_make_one_request_in_a_cooldown() {
    let (signer, thief) = (Signer::es256("1"), Signer::es256("thief"));
    let c = C::with_keys([&signer]).await;
    let verifier = c.local();
    verifier.warm_up().await.unwrap();
    let made_up = || {
        (0..1_000)
            .map(|n| thief.token_with(|header, _| header["kid"] = json!(format!("made-up-{n}"))))
    };
    assert!(verify_all(&verifier, made_up()).await.iter().all(|passed| !passed));
    assert_eq!(c.asked(JWKS).await, 2);
    c.wait(29);
    verify_all(&verifier, made_up()).await;
    assert_eq!(c.asked(JWKS).await, 2, "the cool-down is not over");
    c.wait(1);
    verify_all(&verifier, made_up()).await;
    assert_eq!(c.asked(JWKS).await, 3);
}

#[tokio::test]
async fn a_new_key_is_picked_up_with_the_first_token_that_it_signed() {
    let (old, new) = (Signer::es256("1"), Signer::es256("2"));
    let c = C::with_keys([&old]).await;
    let verifier = c.local();
    verifier.verify(&old.token()).await.unwrap();
    c.jwks.answers(keys([&old, &new]));
    verifier.verify(&new.token()).await.unwrap();
    verifier.verify(&old.token()).await.unwrap();
    assert_eq!(c.asked(JWKS).await, 2);
}

#[tokio::test]
async fn the_keys_are_kept_while_c_is_away() {
    let (signer, newer) = (Signer::es256("1"), Signer::es256("2"));
    let c = C::with_keys([&signer]).await;
    let verifier = c.local();
    verifier.warm_up().await.unwrap();
    let symmetric = json!({ "kty": "oct", "kid": "2", "k": "c2VjcmV0" });
    let mut private = newer.jwk();
    private["d"] = json!("AAAA");
    let troubles = [
        status(500),
        status(429),
        ResponseTemplate::new(200).set_body_string("<html>"),
        said(&json!({ "keys": [] })),
        said(&json!({ "keys": "none" })),
        said(&json!({ "keys": [newer.jwk(), symmetric] })),
        said(&json!({ "keys": [private] })),
    ];
    for (number, trouble) in troubles.into_iter().enumerate() {
        c.jwks.answers(trouble);
        let asked = c.asked(JWKS).await;
        unavailable(verifier.verify(&newer.token()).await);
        assert_eq!(c.asked(JWKS).await, asked + 1, "trouble {number}");
        verifier.verify(&signer.token_number(number)).await.unwrap();
        c.wait(30);
    }
    c.jwks.answers(keys([&signer, &newer]));
    verifier.verify(&newer.token()).await.unwrap();
}

/// A key that nobody could look for is not a wrong key: the caller keeps its token and comes again.
#[tokio::test]
async fn an_unknown_key_is_a_503_while_c_is_away_and_a_401_when_c_says_so() {
    let (signer, other) = (Signer::es256("1"), Signer::es256("2"));
    let c = C::with_keys([&signer]).await;
    let verifier = c.local();
    verifier.warm_up().await.unwrap();
    c.jwks.answers(status(503).insert_header("retry-after", "7"));
    for _ in 0..2 {
        assert_eq!(unavailable(verifier.verify(&other.token()).await).1, Duration::from_secs(7));
    }
    assert_eq!(c.asked(JWKS).await, 2);
    c.jwks.answers(keys([&signer]));
    c.wait(30);
    assert_eq!(broken(verifier.verify(&other.token()).await), Some(Rule::Key));
}

#[tokio::test]
async fn a_withdrawn_key_goes_with_what_it_signed_though_it_was_remembered() {
    let (old, new) = (Signer::es256("1"), Signer::es256("2"));
    let c = C::with_keys([&old, &new]).await;
    let settings =
        LocalSettings { key_max_age: Duration::from_secs(60), ..LocalSettings::default() };
    let (verifier, token) = (c.local_with(settings), old.token());
    verifier.verify(&token).await.unwrap();
    c.jwks.answers(keys([&new]));
    c.wait(59);
    verifier.verify(&token).await.unwrap();
    assert_eq!(c.asked(JWKS).await, 1);
    c.wait(1);
    let refused = async {
        loop {
            if let Err(error) = verifier.verify(&token).await {
                break error;
            }
            tokio::task::yield_now().await;
        }
    };
    let error = tokio::time::timeout(Duration::from_secs(60), refused).await.unwrap();
    assert!(matches!(error, VerifyError::Invalid { rule: Some(Rule::Key), .. }), "{error}");
    verifier.verify(&new.token()).await.unwrap();
}

#[tokio::test]
async fn old_keys_stay_in_use_when_they_cannot_be_renewed() {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    let verifier = c.local();
    verifier.verify(&signer.token()).await.unwrap();
    c.jwks.answers(status(500));
    c.wait(600);
    verifier.verify(&signer.token_number(2)).await.unwrap();
    let asked = async {
        while c.asked(JWKS).await < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asked).await.unwrap();
    for number in 3..50 {
        verifier.verify(&signer.token_number(number)).await.unwrap();
    }
    assert_eq!(c.asked(JWKS).await, 2, "one tries, and not at every token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_wait_for_a_c_that_hangs_hear_it_together() {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    c.jwks.answers(keys([&signer]).set_delay(Duration::from_secs(60)));
    let verifier =
        c.builder().local(LocalSettings::default()).http_client(impatient()).build().unwrap();
    assert!(
        verify_all(&verifier, (0..50).map(|n| signer.token_number(n)))
            .await
            .iter()
            .all(|passed| !passed)
    );
    assert_eq!(c.asked(JWKS).await, 1);
    c.jwks.answers(keys([&signer]));
    c.wait(1);
    verifier.verify(&signer.token()).await.unwrap();
}

#[tokio::test]
async fn it_is_ready_when_the_keys_are_there_and_not_before() {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    c.jwks.answers(status(500));
    let verifier = c.local();
    assert!(!verifier.is_ready());
    unavailable(verifier.warm_up().await);
    assert!(!verifier.is_ready());
    c.jwks.answers(keys([&signer]));
    c.wait(1);
    verifier.warm_up().await.unwrap();
    assert!(verifier.is_ready());
    c.jwks.answers(status(500));
    assert!(verifier.is_ready(), "an outage of C is no outage of B");
}
