use serde_json::{Value, json};

use super::{
    browser::Browser,
    mock_provider::{CLIENT_ID, METADATA},
    test_site::{NOW, Site},
    token_signer::{Signer, part},
};
use crate::{
    client::{Answer, Caller, answer},
    test_servers::status,
};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

async fn log_out(browser: &mut Browser) -> super::browser::Shown {
    let token = browser.open("/account").await.csrf_token();
    browser.submit("/logout", &[("csrf_token", &token)]).await
}

#[tokio::test]
async fn logging_out_ends_the_session_here_and_goes_on_to_the_provider() {
    let site = Site::open().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    let mut thief = browser.clone();
    let away = log_out(&mut browser).await.leads_away();
    assert_eq!(browser.session(), None);
    thief.open("/account").await.refuses(401, "not_logged_in");

    assert!(away.0.as_str().starts_with(&format!("{}/end-session?", site.platform.name())));
    assert_eq!(away.parameter("post_logout_redirect_uri"), "http://localhost:9001/");
    assert_eq!(away.parameter("client_id"), CLIENT_ID);
    assert_eq!(away.parameter("id_token_hint").split('.').count(), 3);
    let back = browser.open(&format!("/?state={}", away.parameter("state"))).await;
    assert!(back.has("logged-out") && back.has("login-platform"));
    assert!(!browser.open(&format!("/?state={}", away.parameter("state"))).await.has("logged-out"));
    assert!(!browser.open("/?state=forged").await.has("logged-out"));
}

#[tokio::test]
async fn a_provider_without_logout_or_out_of_reach_holds_nobody_back() {
    let site = Site::open().await;
    site.platform.says_of_itself(|metadata| metadata["end_session_endpoint"] = Value::Null);
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    log_out(&mut browser).await.leads_to("/");
    // Restarted while the provider is away, the website knows no more of it than its name.
    site.log_in(&mut browser).await;
    site.platform.answers(METADATA, status(500));
    browser.caller.base = site.open_again().await;
    log_out(&mut browser).await.leads_to("/");
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn whoever_is_not_logged_in_can_log_out_all_the_same() {
    let site = Site::open().await;
    site.browser().submit("/logout", &[]).await.leads_to("/");
}

/// A browser that is logged in, whose session the provider calls `sid`.
async fn logged_in(site: &Site, sid: &str) -> Browser {
    let mut browser = site.browser();
    let away = browser.away("/login/platform").await;
    let mut claims = site.platform.claims(&away);
    claims["sid"] = json!(sid);
    site.platform.will_say(&claims);
    browser.open(&away.back("platform")).await.leads_to("/account");
    browser
}

fn logout_claims(site: &Site) -> Value {
    json!({
        "iss": site.platform.name(), "aud": CLIENT_ID, "iat": NOW, "exp": NOW + 120, "jti": "l1",
        "events": { EVENT: {} }, "sid": "one",
    })
}

async fn notify(site: &Site, token: &str) -> Answer {
    let caller = Caller::new(site.base.clone());
    answer(caller.post("/backchannel-logout/platform").form(&[("logout_token", token)])).await
}

fn signed(site: &Site, claims: &Value) -> String {
    site.platform.signer.sign(&json!({ "typ": "logout+jwt" }), claims)
}

#[tokio::test]
async fn the_provider_ends_one_session_by_its_sid_or_all_of_a_person() {
    let site = Site::open().await;
    let mut browsers = Vec::new();
    for sid in ["one", "two", "three"] {
        browsers.push(logged_in(&site, sid).await);
    }
    let said = notify(&site, &signed(&site, &logout_claims(&site))).await;
    assert_eq!((said.status, said.header("cache-control")), (200, "no-store"), "{said:?}");
    browsers[0].open("/account").await.refuses(401, "not_logged_in");
    assert_eq!(browsers[1].open("/account").await.status, 200);

    let mut all = logout_claims(&site);
    (all["sid"], all["sub"], all["jti"]) = (Value::Null, json!("ada"), json!("l2"));
    assert_eq!(notify(&site, &signed(&site, &all)).await.status, 200);
    for browser in &mut browsers {
        browser.open("/account").await.refuses(401, "not_logged_in");
    }
}

#[tokio::test]
async fn a_logout_token_that_fails_one_check_ends_nothing() {
    let site = Site::open().await;
    let mut browser = logged_in(&site, "one").await;
    for (name, wrong) in [
        ("iss", json!("https://evil.example")),
        ("iss", Value::Null),
        ("aud", json!("another-client")),
        ("aud", Value::Null),
        ("iat", json!(NOW + 61)),
        ("iat", Value::Null),
        ("exp", json!(NOW - 60)),
        ("exp", json!(NOW + 1_000)),
        ("exp", Value::Null),
        ("jti", json!("")),
        ("jti", Value::Null),
        ("events", json!({})),
        ("events", json!({ EVENT: "x" })),
        ("events", Value::Null),
        ("nonce", json!("n")),
        ("sid", Value::Null),
    ] {
        let mut claims = logout_claims(&site);
        claims[name] = wrong.clone();
        let said = notify(&site, &signed(&site, &claims)).await;
        assert_eq!(said.status, 400, "{name} = {wrong}: {said:?}");
        assert_eq!(said.json()["error"], "invalid_request");
    }
    assert_eq!(browser.open("/account").await.status, 200);
}

#[tokio::test]
async fn a_logout_token_of_another_type_or_signer_ends_nothing() {
    let site = Site::open().await;
    let mut browser = logged_in(&site, "one").await;
    let claims = logout_claims(&site);
    let secret =
        Signer::hs256(crate::test_servers::SECRET).sign(&json!({ "typ": "logout+jwt" }), &claims);
    let none =
        format!("{}.{}.", part(&json!({ "alg": "none", "typ": "logout+jwt" })), part(&claims));
    for token in [
        site.platform.signer.sign(&json!({}), &claims),
        site.platform.signer.sign(&json!({ "typ": "JWT" }), &claims),
        site.platform.signer.sign(&json!({ "typ": "at+jwt" }), &claims),
        Signer::es256("one").sign(&json!({ "typ": "logout+jwt" }), &claims),
        Signer::es256("unknown").sign(&json!({ "typ": "logout+jwt" }), &claims),
        secret,
        none,
        "garbage".to_owned(),
        String::new(),
    ] {
        let said = notify(&site, &token).await;
        assert_eq!(said.status, 400, "{token}: {said:?}");
    }
    assert_eq!(browser.open("/account").await.status, 200);
}

#[tokio::test]
async fn a_logout_token_counts_once() {
    let site = Site::open().await;
    let token = signed(&site, &logout_claims(&site));
    assert_eq!(notify(&site, &token).await.status, 200);
    let mut browser = logged_in(&site, "one").await;
    assert_eq!(notify(&site, &token).await.status, 400);
    assert_eq!(browser.open("/account").await.status, 200, "an old notice ends no new session");
}

#[tokio::test]
async fn a_logout_token_that_cannot_be_checked_now_may_come_again() {
    let site = Site::open().await;
    site.platform.answers(METADATA, status(500));
    assert_eq!(notify(&site, &signed(&site, &logout_claims(&site))).await.status, 503);
    let caller = Caller::new(site.base.clone());
    assert_eq!(answer(caller.post("/backchannel-logout/nobody")).await.status, 404);
}
