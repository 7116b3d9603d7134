//! Concurrent redemption of one code and of one refresh token at two replicas.

use std::collections::HashSet;

use e2e_tests::{browser::BlockingBrowser, harness::SECRET, http::TestResponse};
use futures_util::future::join_all;
use test_support::postgres::shared;

use crate::test_server::{Replica, WITH_JWT};

/// The code verifier of RFC 7636 Appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT_URI: &str = "http://localhost:9001/callback/platform";
const PLATFORM: &str = "http://localhost:9000";
const RESOURCE: &str = "http://localhost:9003";

/// Obtains an authorization code that A has not redeemed: the browser does not open A's redirect
/// URI.
async fn code(c: &Replica) -> String {
    let base_url = c.base.clone();
    let browse = move || {
        let mut alice = BlockingBrowser::with_origins([(PLATFORM, base_url)])?;
        let request = [
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
            url::Url::parse_with_params(&format!("{PLATFORM}/oauth/authorize"), request)?.as_str(),
        )?;
        alice.press("login-submit", &[("username", "alice"), ("password", "wonderland")])?;
        alice.press("consent-allow", &[])?;
        let address = url::Url::parse(alice.address())?;
        let code = address.query_pairs().find(|(name, _)| name == "code");
        anyhow::Ok(code.map(|(_, code)| code.into_owned()).unwrap_or_default())
    };
    tokio::task::spawn_blocking(browse).await.unwrap().unwrap()
}

async fn fetch(c: &Replica, code: &str) -> TestResponse {
    let grant = ("grant_type", "authorization_code");
    let form = [grant, ("code", code), ("redirect_uri", REDIRECT_URI), ("code_verifier", VERIFIER)];
    c.post("/oauth/token", (WITH_JWT, SECRET), &form).await
}

async fn refresh(c: &Replica, token: &str) -> TestResponse {
    c.post(
        "/oauth/token",
        (WITH_JWT, SECRET),
        &[("grant_type", "refresh_token"), ("refresh_token", token)],
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn code_race_has_one_winner_and_revokes_its_tokens() {
    let database = shared().fresh_database();
    let (one, other) = tokio::join!(Replica::start(&database), Replica::start(&database));
    let code = code(&one).await;
    let responses =
        join_all((0..64).map(|n| fetch(if n % 2 == 0 { &one } else { &other }, &code))).await;
    let (won, lost): (Vec<_>, Vec<_>) =
        responses.iter().partition(|response| response.status == 200);
    assert_eq!(won.len(), 1, "{won:?}");
    for response in lost {
        assert_eq!(
            (response.status, &*response.member("error")),
            (400, "invalid_grant"),
            "{response:?}"
        );
    }
    let (access, renewing) = (won[0].member("access_token"), won[0].member("refresh_token"));
    assert!(
        !one.is_active(&access).await && !other.is_active(&access).await,
        "the 63 replays revoke the token"
    );
    assert_eq!(refresh(&other, &renewing).await.member("error"), "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_race_returns_one_successor() {
    let database = shared().fresh_database();
    let (one, other) = tokio::join!(Replica::start(&database), Replica::start(&database));
    let first = fetch(&one, &code(&one).await).await.member("refresh_token");
    let responses =
        join_all((0..64).map(|n| refresh(if n % 2 == 0 { &one } else { &other }, &first))).await;
    assert!(responses.iter().all(|response| response.status == 200), "{responses:?}");
    let successors: HashSet<_> =
        responses.iter().map(|response| response.member("refresh_token")).collect();
    assert_eq!(successors.len(), 1);
}
