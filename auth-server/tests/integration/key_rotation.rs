use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use auth_server::domain::Algorithm;

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::wait_until,
    jwt,
    process::{run, succeed},
    test_server::{ALICE, BOB, ORDERS, ORDERS_API, SHOP, SITE, TestServer},
};

const FOR_ORDERS: [(&str, &str); 1] = [("resource", ORDERS_API)];
const DAY: Duration = Duration::from_secs(86_400);

/// The `kid`s of access token keys. RSA keys for ID tokens are generated in the background at some
/// point.
async fn published(server: &TestServer) -> Vec<String> {
    let jwks = server.get_json("/.well-known/jwks.json").await;
    let of_access_tokens =
        jwks["keys"].as_array().unwrap().iter().filter(|key| key["alg"] == "ES256");
    of_access_tokens.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Advances tokio's clock so that background timers fire.
async fn advance_background_timers(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

/// Waits until C has reloaded its keys, as it does after each change of clients. The reload of the
/// second client begins after that of the first has ended, so it proves that the keys were loaded
/// after the call.
async fn keys_are_reloaded(server: &TestServer) {
    for _ in 0..2 {
        static ADDED: AtomicU32 = AtomicU32::new(0);
        let id = format!("added-{}", ADDED.fetch_add(1, Ordering::Relaxed));
        let secret = succeed(&["client", "add", &id], &server.cli_arguments()).await;
        wait_until("the client can authenticate", async || {
            server.can_authenticate((&id, &secret)).await
        })
        .await;
    }
}

#[tokio::test]
async fn keys_rotate_takes_effect_while_running_and_keeps_old_tokens_valid() {
    let server = TestServer::start().await;
    let old = server.access_token(SHOP, &FOR_ORDERS).await;
    let before = published(&server).await;
    let printed = succeed(&["keys", "rotate"], &server.cli_arguments()).await;
    assert!(
        printed.contains("retired") && printed.contains("current") && printed.contains("next"),
        "{printed}"
    );

    let successor = before.iter().find(|kid| **kid != jwt::kid(&old)).unwrap();
    wait_until("new tokens have the new key's id", async || {
        assert!(server.is_active(ORDERS, &old).await, "an old token stays valid throughout");
        jwt::kid(&server.access_token(SHOP, &FOR_ORDERS).await) == *successor
    })
    .await;
    let after = published(&server).await;
    assert_eq!(after.len(), 3);
    assert!(
        before.iter().all(|kid| after.contains(kid)),
        "the old key and the new one are published"
    );
    let new = server.access_token(SHOP, &FOR_ORDERS).await;
    assert!(server.is_active(ORDERS, &old).await && server.is_active(ORDERS, &new).await);
    let listed = succeed(&["keys", "list"], &server.cli_arguments()).await;
    // Without the state, because a next key becomes ready to sign as time passes. RSA keys may have
    // been added.
    for key in printed.lines() {
        let id_and_algorithm = key.split("  ").take(2).collect::<Vec<_>>().join("  ");
        assert!(listed.contains(&id_and_algorithm), "{key} is missing in {listed}");
    }
}

#[tokio::test]
async fn keys_withdraw_invalidates_every_token_signed_with_the_key() {
    let server = TestServer::start().await;
    let forged = server.access_token(SHOP, &FOR_ORDERS).await;
    let (kid, next) = (
        jwt::kid(&forged),
        published(&server).await.into_iter().find(|kid| *kid != jwt::kid(&forged)),
    );
    let output = run(&["keys", "withdraw", &next.unwrap()], &server.cli_arguments()).await;
    assert!(
        output.code == Some(1) && output.stderr.contains("has signed nothing"),
        "{}",
        output.stderr
    );
    let output = run(&["keys", "withdraw", "made-up"], &server.cli_arguments()).await;
    assert!(
        output.code == Some(1) && output.stderr.contains("there is no key `made-up`"),
        "{}",
        output.stderr
    );
    assert!(server.is_active(ORDERS, &forged).await);

    let printed = succeed(&["keys", "withdraw", &kid], &server.cli_arguments()).await;
    assert!(
        printed.contains("current") && printed.contains("next") && !printed.contains(&kid),
        "{printed}"
    );
    wait_until("no token that it signed is valid", async || {
        !server.is_active(ORDERS, &forged).await
    })
    .await;
    assert!(!published(&server).await.contains(&kid));
    assert!(
        server.is_active(ORDERS, &server.access_token(SHOP, &FOR_ORDERS).await).await,
        "a new key signs"
    );
}

#[tokio::test]
async fn keys_rotate_fails_before_the_first_start() {
    let folder = tempfile::tempdir().unwrap();
    let settings = ["--set".to_owned(), format!("data_dir={}", folder.path().display())];
    succeed(&["client", "add", "robot", "--create"], &settings).await;
    let output = run(&["keys", "rotate"], &settings).await;
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("start the server once"), "{}", output.stderr);
}

#[tokio::test]
async fn retired_key_is_published_until_its_last_token_expires() {
    let server = TestServer::start_with(|settings| settings.keys.rotation_interval_days = 7).await;
    let first = jwt::kid(&server.access_token(SHOP, &FOR_ORDERS).await);
    server.clock.advance(7 * DAY - Duration::from_secs(1));
    let late = server.access_token(SHOP, &FOR_ORDERS).await;
    assert_eq!(jwt::kid(&late), first);

    server.clock.advance(Duration::from_secs(1));
    advance_background_timers(61).await;
    wait_until("the next key signs", async || {
        jwt::kid(&server.access_token(SHOP, &FOR_ORDERS).await) != first
    })
    .await;
    assert!(published(&server).await.contains(&first));
    assert!(server.is_active(ORDERS, &late).await);

    // The lifetime of an ID token, which is longer than that of an access token, plus five minutes
    // of clock skew.
    server.clock.advance(Duration::from_secs(3_600 + 300));
    keys_are_reloaded(&server).await;
    assert!(published(&server).await.contains(&first), "not a second too early");
    server.clock.advance(Duration::from_secs(1));
    wait_until("the retired key is gone", async || {
        advance_background_timers(1).await;
        !published(&server).await.contains(&first)
    })
    .await;
    assert_eq!(published(&server).await.len(), 2);
}

#[tokio::test]
async fn retired_id_token_keys_verify_hints_for_the_session_lifetime() {
    let server = TestServer::start_with(|settings| settings.keys.rotation_interval_days = 7).await;
    let browser = Browser::new(&server);
    wait_until("C has keys for ID tokens", async || {
        // The signing key and the next.
        let keys = server.published_keys().await;
        keys.iter().filter(|key| key["alg"] == "RS256").count() == 2
    })
    .await;
    server.clock.advance(7 * DAY - Duration::from_secs(1));
    let tokens = browser.tokens(&AuthorizationRequest::site(), ALICE, SITE).await;
    let (id_token, token) =
        (tokens["id_token"].as_str().unwrap(), tokens["access_token"].as_str().unwrap());
    let is_published = async |token: &str| {
        let jwks = server.get_json("/.well-known/jwks.json").await;
        jwks["keys"].as_array().unwrap().iter().any(|key| key["kid"] == jwt::kid(token))
    };
    server.clock.advance(Duration::from_secs(1));
    advance_background_timers(61).await;
    wait_until("the next keys sign", async || {
        let next = Browser::new(&server).tokens(&AuthorizationRequest::site(), BOB, SITE).await;
        ["access_token", "id_token"].iter().all(|name| {
            jwt::kid(next[name].as_str().unwrap()) != jwt::kid(tokens[name].as_str().unwrap())
        })
    })
    .await;
    server.clock.advance(Duration::from_secs(3_600));
    keys_are_reloaded(&server).await;
    assert!(is_published(id_token).await && is_published(token).await);

    server.clock.advance(Duration::from_secs(301));
    wait_until("the retired keys are published no more", async || {
        advance_background_timers(1).await;
        !is_published(id_token).await && !is_published(token).await
    })
    .await;
    let hinting =
        AuthorizationRequest::site().with("id_token_hint", id_token).with("prompt", "none");
    assert!(!browser.authorize(&hinting).await.redirect_parameter("code").is_empty());
    server.clock.advance(5 * Duration::from_secs(3_600));
    advance_background_timers(6).await;
    let logout = format!(
        "/logout?id_token_hint={id_token}&post_logout_redirect_uri=https://site.example/bye"
    );
    assert!(browser.open(&logout).await.redirected_to.is_some(), "no confirmation is required");
}

#[tokio::test]
async fn tokens_stay_valid_after_an_algorithm_change() {
    let mut server = TestServer::start().await;
    let mut tokens = vec![server.access_token(SHOP, &FOR_ORDERS).await];
    for algorithm in [Algorithm::RS256, Algorithm::EdDSA, Algorithm::ES256] {
        server = server.restart_with(|settings| settings.keys.algorithm = algorithm).await;
        tokens.push(server.access_token(SHOP, &FOR_ORDERS).await);
        assert_eq!(jwt::header(tokens.last().unwrap())["alg"], algorithm.as_str());
        for token in &tokens {
            assert!(server.is_active(ORDERS, token).await, "{}", jwt::header(token));
        }
    }
    assert_eq!(
        jwt::kid(&tokens[0]),
        jwt::kid(&tokens[3]),
        "the keys of each algorithm rotate independently"
    );
}
