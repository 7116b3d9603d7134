use std::time::Duration;

use serde_json::json;
use service_a::settings::ProviderSettings;
use test_support::mock::{header, json, status};

use super::{
    mock_provider::{ACCESS_TOKEN, MockProvider, REFRESH_TOKEN, tokens},
    test_site::{TestSite, provider},
};
use crate::test_servers::{RESOURCES, delayed, parameter};

const NEWER: &str = "a-newer-access-token";

#[tokio::test]
async fn my_resource_uses_the_access_token_of_the_user() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    assert!(browser.open("/account").await.has("my-resource"));
    site.platform.set_response("/token", json(200, &tokens(NEWER)));
    let page = browser.open("/my-resource").await;
    assert_eq!(page.status, 200);
    assert!(page.text("my-resource-answer").unwrap().contains("local"));
    let called = site.b.requests().await.pop().unwrap();
    assert_eq!(
        (called.url.path(), header(&called, "authorization")),
        ("/api/resource", &*format!("Bearer {NEWER}"))
    );
    // A's own access token is separate.
    assert!(!site.platform.requests("/token").await.iter().any(|request| {
        parameter(request, "grant_type").as_deref() == Some("client_credentials")
    }));
}

#[tokio::test]
async fn each_access_token_is_for_one_audience() {
    let site = TestSite::start_with(|settings| {
        settings.targets.introspection.token_exchange = false;
    })
    .await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    let [userinfo] = &site.platform.requests("/userinfo").await[..] else { panic!("one request") };
    assert_eq!(header(userinfo, "authorization"), format!("Bearer {ACCESS_TOKEN}"));
    // Each B gets its own, once.
    for (path, b, token) in
        [("/my-resource", &site.b, "for-local"), (FURTHER, &site.introspecting_b, "for-other")]
    {
        site.platform.set_response("/token", json(200, &tokens(token)));
        for _ in 0..2 {
            assert_eq!(browser.open(path).await.status, 200);
            let called = b.requests().await.pop().unwrap();
            assert_eq!(header(&called, "authorization"), format!("Bearer {token}"));
        }
    }
    let named: Vec<_> = site
        .platform
        .requests("/token")
        .await
        .iter()
        .map(|request| parameter(request, "resource").unwrap())
        .collect();
    assert_eq!(named, [site.platform.name(), RESOURCES[0].to_owned(), RESOURCES[1].to_owned()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_pages_share_one_token_refresh() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    site.clock.advance(Duration::from_secs(595));
    let mut renewed = tokens(NEWER);
    renewed["refresh_token"] = json!("a-newer-refresh-token");
    site.platform.set_response("/token", json(200, &renewed));
    let pages = (0..12).map(|_| {
        let mut tab = browser.clone();
        tokio::spawn(async move { tab.open("/my-resource").await.status })
    });
    for page in pages.collect::<Vec<_>>() {
        assert_eq!(page.await.unwrap(), 200);
    }
    let refresh_tokens = refreshes(&site).await;
    assert_eq!((refresh_tokens.len(), &*refresh_tokens[0]), (1, REFRESH_TOKEN));
    for called in site.b.requests().await {
        assert_eq!(header(&called, "authorization"), format!("Bearer {NEWER}"));
    }
    // The next refresh uses the new refresh token, because the provider may rotate them.
    site.clock.advance(Duration::from_secs(595));
    assert_eq!(browser.open("/my-resource").await.status, 200);
    assert_eq!(refreshes(&site).await[1], "a-newer-refresh-token");
}

async fn refreshes(site: &TestSite) -> Vec<String> {
    site.platform
        .requests("/token")
        .await
        .iter()
        .filter_map(|request| parameter(request, "refresh_token"))
        .collect()
}

#[tokio::test]
async fn refresh_without_rotation_keeps_the_refresh_token() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    let mut renewed = tokens(NEWER);
    renewed.as_object_mut().unwrap().remove("refresh_token");
    site.platform.set_response("/token", json(200, &renewed));
    site.b.respond_in_order([status(401), json(200, &json!({ "b": "local" }))]);
    assert_eq!(browser.open("/my-resource").await.status, 200);
    assert_eq!(refreshes(&site).await, [REFRESH_TOKEN; 2]);
}

#[tokio::test]
async fn user_token_rejected_by_b_is_refreshed_once() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    site.platform.set_response("/token", json(200, &tokens(NEWER)));
    site.b.respond_in_order([status(401), json(200, &json!({ "b": "local" }))]);
    assert_eq!(browser.open("/my-resource").await.status, 200);
    site.b.respond_in_order([status(401)]);
    browser.open("/my-resource").await.assert_error(403, "no_access_token");
}

#[tokio::test]
async fn revoked_grant_shows_no_access_token_error() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    site.clock.advance(Duration::from_secs(700));
    site.platform.set_response("/token", json(400, &json!({ "error": "invalid_grant" })));
    let page = browser.open("/my-resource").await;
    page.assert_error(403, "no_access_token");
    assert!(page.has("login-platform"));
}

#[tokio::test]
async fn user_of_another_provider_has_no_access_token_for_b() {
    let other = MockProvider::start().await;
    let site = TestSite::start_with(|settings| {
        settings.providers.insert("other".to_owned(), provider(&other));
    })
    .await;
    let mut browser = site.browser();
    site.log_in_with(&mut browser, &other, "other").await.assert_redirect("/account");
    assert!(!browser.open("/account").await.has("my-resource"));
    let page = browser.open("/my-resource").await;
    page.assert_error(403, "no_access_token");
    assert!(page.has("login-platform") && !page.has("login-other"), "{}", page.html);
    assert_eq!(site.b.request_count(), 0, "the other provider's token is not for B's eyes");
}

#[tokio::test]
async fn errors_of_b_and_of_the_refresh_show_pages() {
    let site = TestSite::start_with(|settings| settings.call_timeout_millis = 300).await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    for (response, expected) in
        [(status(500), 502), (status(403), 502), (delayed(status(200)), 504)]
    {
        site.b.respond_in_order([response]);
        browser.open("/my-resource").await.assert_error(expected, "b_unavailable");
    }
    site.clock.advance(Duration::from_secs(700));
    site.platform.set_response("/token", status(500));
    browser.open("/my-resource").await.assert_error(502, "provider_unavailable");
    // Failures are not cached.
    site.platform.set_response("/token", json(200, &tokens(NEWER)));
    site.b.respond_in_order([json(200, &json!({ "b": "<script>" }))]);
    let page = browser.open("/my-resource").await;
    assert!(page.status == 200 && page.html.contains("&lt;script&gt;"), "{}", page.html);
}

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const FURTHER: &str = "/my-resource?target=introspection";

/// Returns the subject tokens of the token exchanges.
async fn exchanges(site: &TestSite) -> Vec<String> {
    let requests = site.platform.requests("/token").await;
    let is_exchange = |request: &&wiremock::Request| {
        parameter(request, "grant_type").as_deref() == Some(EXCHANGE)
    };
    let exchanges = requests.iter().filter(is_exchange);
    exchanges.filter_map(|request| parameter(request, "subject_token")).collect()
}

#[tokio::test]
async fn token_exchange_target_gets_an_exchanged_token() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    site.platform.set_response(
        "/token",
        json(
            200,
            &json!({
                "access_token": "acting", "token_type": "Bearer", "expires_in": 600,
                "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            }),
        ),
    );
    let page = browser.open(FURTHER).await;
    assert!(
        page.has("my-resource-exchanged") && page.text("my-resource-answer").is_some(),
        "{}",
        page.html
    );
    let exchange = site.platform.requests("/token").await.pop().unwrap();
    for (name, value) in
        [("grant_type", EXCHANGE), ("subject_token", ACCESS_TOKEN), ("resource", RESOURCES[1])]
    {
        assert_eq!(parameter(&exchange, name).as_deref(), Some(value), "{name}");
    }
    let called = site.introspecting_b.requests().await.pop().unwrap();
    assert_eq!(header(&called, "authorization"), "Bearer acting");
    assert!(
        !browser.open("/my-resource").await.has("my-resource-exchanged"),
        "the first hop gets the user's own token"
    );
}

#[tokio::test]
async fn rejected_token_exchange_refreshes_once() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    // A revoked access token, with its refresh token.
    site.platform.set_response("/token", json(400, &json!({ "error": "invalid_request" })));
    browser.open(FURTHER).await.assert_error(502, "unusable_response");
    site.platform.set_response("/token", json(400, &json!({ "error": "invalid_grant" })));
    browser.open(FURTHER).await.assert_error(403, "no_access_token");
    assert_eq!(exchanges(&site).await, [ACCESS_TOKEN, ACCESS_TOKEN]);
    site.platform.set_response("/token", status(500));
    browser.open(FURTHER).await.assert_error(502, "b_unavailable");
    assert_eq!(site.introspecting_b.request_count(), 0);
}

#[tokio::test]
async fn token_of_another_provider_is_not_exchanged_at_c() {
    let other = MockProvider::start().await;
    let site = TestSite::start_with(|settings| {
        let opening = ProviderSettings { resources: RESOURCES[1].to_owned(), ..provider(&other) };
        settings.providers.insert("other".to_owned(), opening);
    })
    .await;
    let mut browser = site.browser();
    site.log_in_with(&mut browser, &other, "other").await.assert_redirect("/account");
    let page = browser.open(FURTHER).await;
    assert!(page.status == 200 && !page.has("my-resource-exchanged"), "{}", page.html);
    // This provider does not know the other B.
    browser.open("/my-resource").await.assert_error(403, "no_access_token");
    assert!(exchanges(&site).await.is_empty());
    let called = site.introspecting_b.requests().await.pop().unwrap();
    assert_eq!(header(&called, "authorization"), format!("Bearer {ACCESS_TOKEN}"));
}
