use std::time::Duration;

use auth_server::domain::Algorithm;

use crate::{
    browser::{Asking, Person},
    client::until,
    jwt,
    process::{run, succeed},
    test_server::{ALICE, BOB, C, ORDERS, ORDERS_API, SHOP, SITE},
};

const FOR_ORDERS: [(&str, &str); 1] = [("resource", ORDERS_API)];
const DAY: Duration = Duration::from_secs(86_400);

/// The keys of access tokens. Those of ID tokens, RSA's, are made beside them as soon as the
/// background comes to it.
async fn published(c: &C) -> Vec<String> {
    let jwks = c.json("/.well-known/jwks.json").await;
    let of_access_tokens =
        jwks["keys"].as_array().unwrap().iter().filter(|key| key["alg"] == "ES256");
    of_access_tokens.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Let the timers of what runs in the background fire, without waiting for them.
async fn let_background_run(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn keys_rotate_takes_effect_while_running_and_keeps_old_tokens_valid() {
    let c = C::start().await;
    let old = c.pass(SHOP, &FOR_ORDERS).await;
    let before = published(&c).await;
    let printed = succeed(&["keys", "rotate"], &c.arguments()).await;
    assert!(
        printed.contains("retired") && printed.contains("current") && printed.contains("next"),
        "{printed}"
    );

    let successor = before.iter().find(|kid| **kid != jwt::kid(&old)).unwrap();
    until("new passes have the new key's name", async || {
        assert!(c.is_active(ORDERS, &old).await, "an old pass is good at every moment");
        jwt::kid(&c.pass(SHOP, &FOR_ORDERS).await) == *successor
    })
    .await;
    let after = published(&c).await;
    assert_eq!(after.len(), 3);
    assert!(
        before.iter().all(|kid| after.contains(kid)),
        "the old key and the new one are published"
    );
    let new = c.pass(SHOP, &FOR_ORDERS).await;
    assert!(c.is_active(ORDERS, &old).await && c.is_active(ORDERS, &new).await);
    let listed = succeed(&["keys", "list"], &c.arguments()).await;
    assert!(printed.lines().all(|line| listed.contains(line)), "{listed}");
}

#[tokio::test]
async fn keys_withdraw_invalidates_every_token_signed_with_the_key() {
    let c = C::start().await;
    let forged = c.pass(SHOP, &FOR_ORDERS).await;
    let (kid, next) =
        (jwt::kid(&forged), published(&c).await.into_iter().find(|kid| *kid != jwt::kid(&forged)));
    let said = run(&["keys", "withdraw", &next.unwrap()], &c.arguments()).await;
    assert!(said.code == Some(1) && said.err.contains("has signed nothing yet"), "{}", said.err);
    let said = run(&["keys", "withdraw", "made-up"], &c.arguments()).await;
    assert!(said.code == Some(1) && said.err.contains("there is no key `made-up`"), "{}", said.err);
    assert!(c.is_active(ORDERS, &forged).await);

    let printed = succeed(&["keys", "withdraw", &kid], &c.arguments()).await;
    assert!(
        printed.contains("current") && printed.contains("next") && !printed.contains(&kid),
        "{printed}"
    );
    until("nothing that it has signed is good", async || !c.is_active(ORDERS, &forged).await).await;
    assert!(!published(&c).await.contains(&kid));
    assert!(c.is_active(ORDERS, &c.pass(SHOP, &FOR_ORDERS).await).await, "another key signs");
}

#[tokio::test]
async fn keys_rotate_fails_before_the_first_start() {
    let folder = tempfile::tempdir().unwrap();
    let settings = ["--set".to_owned(), format!("data_dir={}", folder.path().display())];
    succeed(&["client", "add", "robot"], &settings).await;
    let said = run(&["keys", "rotate"], &settings).await;
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("start the server once"), "{}", said.err);
}

#[tokio::test]
async fn retired_key_is_published_until_its_last_token_expires() {
    let c = C::start_with(|settings| settings.keys.rotation_interval_days = 7).await;
    let first = jwt::kid(&c.pass(SHOP, &FOR_ORDERS).await);
    c.clock.advance(7 * DAY - Duration::from_secs(1));
    let_background_run(61).await;
    let late = c.pass(SHOP, &FOR_ORDERS).await;
    assert_eq!(jwt::kid(&late), first);

    c.clock.advance(Duration::from_secs(1));
    let_background_run(61).await;
    until("the next key signs", async || jwt::kid(&c.pass(SHOP, &FOR_ORDERS).await) != first).await;
    assert!(published(&c).await.contains(&first));
    assert!(c.is_active(ORDERS, &late).await);

    // The life of an ID token, which is longer than that of a pass, and some time for verifiers
    // whose clocks run behind.
    c.clock.advance(Duration::from_secs(3_600 + 300));
    let_background_run(6).await;
    assert!(published(&c).await.contains(&first), "not a second too early");
    c.clock.advance(Duration::from_secs(1));
    let_background_run(6).await;
    until("the retired key is gone", async || {
        let_background_run(1).await;
        !published(&c).await.contains(&first)
    })
    .await;
    assert_eq!(published(&c).await.len(), 2);
}

#[tokio::test]
async fn retired_id_token_keys_verify_hints_for_the_session_lifetime() {
    let c = C::start_with(|settings| settings.keys.rotation_interval_days = 7).await;
    let person = Person::at(&c);
    until("C has keys for ID tokens", async || {
        c.json("/.well-known/jwks.json").await["keys"]
            .as_array()
            .unwrap()
            .iter()
            .any(|key| key["alg"] == "RS256")
    })
    .await;
    c.clock.advance(7 * DAY - Duration::from_secs(1));
    let tokens = person.tokens(&Asking::site(), ALICE, SITE).await;
    let (id_token, pass) =
        (tokens["id_token"].as_str().unwrap(), tokens["access_token"].as_str().unwrap());
    let is_published = async |token: &str| {
        let jwks = c.json("/.well-known/jwks.json").await;
        jwks["keys"].as_array().unwrap().iter().any(|key| key["kid"] == jwt::kid(token))
    };
    c.clock.advance(Duration::from_secs(1));
    let_background_run(61).await;
    until("the next keys sign", async || {
        let next = Person::at(&c).tokens(&Asking::site(), BOB, SITE).await;
        ["access_token", "id_token"].iter().all(|name| {
            jwt::kid(next[name].as_str().unwrap()) != jwt::kid(tokens[name].as_str().unwrap())
        })
    })
    .await;
    c.clock.advance(Duration::from_secs(3_600));
    let_background_run(6).await;
    assert!(is_published(id_token).await && is_published(pass).await);

    c.clock.advance(Duration::from_secs(301));
    until("the retired keys are published no more", async || {
        let_background_run(1).await;
        !is_published(id_token).await && !is_published(pass).await
    })
    .await;
    let hinting = Asking::site().with("id_token_hint", id_token).with("prompt", "none");
    assert!(!person.asked(&hinting).await.parameter("code").is_empty());
    c.clock.advance(5 * Duration::from_secs(3_600));
    let_background_run(6).await;
    let logout = format!(
        "/logout?id_token_hint={id_token}&post_logout_redirect_uri=https://site.example/bye"
    );
    assert!(
        person.open(&logout).await.left_to.is_some(),
        "the user is not asked whether they mean it"
    );
}

#[tokio::test]
async fn rotation_days_zero_disables_rotation() {
    let c = C::start_with(|settings| settings.keys.rotation_interval_days = 0).await;
    let before = published(&c).await;
    c.clock.advance(3_650 * DAY);
    let_background_run(61).await;
    assert_eq!(published(&c).await, before);
}

#[tokio::test]
async fn tokens_stay_valid_after_an_algorithm_change() {
    let mut c = C::start().await;
    let mut passes = vec![c.pass(SHOP, &FOR_ORDERS).await];
    for algorithm in [Algorithm::RS256, Algorithm::EdDSA, Algorithm::ES256] {
        c = c.restart_with(|settings| settings.keys.algorithm = algorithm).await;
        passes.push(c.pass(SHOP, &FOR_ORDERS).await);
        assert_eq!(jwt::header(passes.last().unwrap())["alg"], algorithm.as_str());
        for pass in &passes {
            assert!(c.is_active(ORDERS, pass).await, "{}", jwt::header(pass));
        }
    }
    assert_eq!(
        jwt::kid(&passes[0]),
        jwt::kid(&passes[3]),
        "each algorithm has keys of its own, which rotate by themselves"
    );
}
