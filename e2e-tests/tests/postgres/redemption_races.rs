//! Many requests for one thing that is good once, over HTTP, at two servers on one database.

use std::collections::HashSet;

use e2e_tests::{browser::Visitor, harness::SECRET, http::Answer};
use futures_util::future::join_all;
use test_support::postgres::shared;

use crate::test_server::{Replica, WITH_JWT};

/// RFC 7636 Appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT_URI: &str = "http://localhost:9001/callback/platform";
const PLATFORM: &str = "http://localhost:9000";
const RESOURCE: &str = "http://localhost:9003";

/// A code that alice has allowed A, and that A has not fetched: nobody is at its address.
async fn code(c: &Replica) -> String {
    let place = c.base.clone();
    let browse = move || {
        let mut alice = Visitor::of([(PLATFORM, place)])?;
        let asking = [
            ("response_type", "code"),
            ("client_id", WITH_JWT),
            ("redirect_uri", REDIRECT_URI),
            ("scope", "openid offline_access resource:read"),
            ("resource", RESOURCE),
            ("state", "the-state"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        alice.open(
            url::Url::parse_with_params(&format!("{PLATFORM}/oauth/authorize"), asking)?.as_str(),
        )?;
        alice.press("login-submit", &[("username", "alice"), ("password", "wonderland")])?;
        alice.press("consent-allow", &[])?;
        let code = alice.address.query_pairs().find(|(name, _)| name == "code");
        anyhow::Ok(code.map(|(_, code)| code.into_owned()).unwrap_or_default())
    };
    tokio::task::spawn_blocking(browse).await.unwrap().unwrap()
}

async fn fetch(c: &Replica, code: &str) -> Answer {
    let grant = ("grant_type", "authorization_code");
    let form = [grant, ("code", code), ("redirect_uri", REDIRECT_URI), ("code_verifier", VERIFIER)];
    c.post("/oauth/token", (WITH_JWT, SECRET), &form).await
}

async fn refresh(c: &Replica, token: &str) -> Answer {
    c.post(
        "/oauth/token",
        (WITH_JWT, SECRET),
        &[("grant_type", "refresh_token"), ("refresh_token", token)],
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_who_race_for_a_code_at_two_servers_one_wins_and_the_others_end_it() {
    let database = shared().fresh_database();
    let (one, other) = tokio::join!(Replica::start(&database), Replica::start(&database));
    let code = code(&one).await;
    let answers =
        join_all((0..64).map(|n| fetch(if n % 2 == 0 { &one } else { &other }, &code))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1, "{won:?}");
    for answer in lost {
        assert_eq!((answer.status, &*answer.member("error")), (400, "invalid_grant"), "{answer:?}");
    }
    let (access, renewing) = (won[0].member("access_token"), won[0].member("refresh_token"));
    assert!(
        !one.is_active(&access).await && !other.is_active(&access).await,
        "one of the 64 was a thief"
    );
    assert_eq!(refresh(&other, &renewing).await.member("error"), "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_who_race_with_one_refresh_token_all_get_one_successor() {
    let database = shared().fresh_database();
    let (one, other) = tokio::join!(Replica::start(&database), Replica::start(&database));
    let first = fetch(&one, &code(&one).await).await.member("refresh_token");
    let answers =
        join_all((0..64).map(|n| refresh(if n % 2 == 0 { &one } else { &other }, &first))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let successors: HashSet<_> =
        answers.iter().map(|answer| answer.member("refresh_token")).collect();
    assert_eq!(successors.len(), 1);
}
