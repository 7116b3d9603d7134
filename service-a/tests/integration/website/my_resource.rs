use std::time::Duration;

use serde_json::json;
use service_a::settings::ProviderSettings;

use super::{
    mock_provider::{ACCESS_TOKEN, Issuer, REFRESH_TOKEN, tokens},
    test_site::{Site, provider},
};
use crate::test_servers::{RESOURCES, header, late, parameter, refused, said, status};

const NEWER: &str = "a-newer-access-token";

#[tokio::test]
async fn the_website_calls_b_with_the_persons_own_pass() {
    let site = Site::open().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    assert!(browser.open("/account").await.has("my-resource"));
    let page = browser.open("/my-resource").await;
    assert_eq!(page.status, 200);
    assert!(page.text("my-resource-answer").unwrap().contains("local"));
    let called = site.b.requests().await.pop().unwrap();
    assert_eq!(
        (called.url.path(), header(&called, "authorization")),
        ("/api/resource", &*format!("Bearer {ACCESS_TOKEN}"))
    );
    // The machine's own pass is another matter.
    assert!(
        !site.platform.requests("/token").await.iter().any(|asked| {
            parameter(asked, "grant_type").as_deref() == Some("client_credentials")
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_ends_is_refreshed_once_for_many_pages() {
    let site = Site::open().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    site.clock.advance(Duration::from_secs(595));
    let mut renewed = tokens(NEWER);
    renewed["refresh_token"] = json!("a-newer-refresh-token");
    site.platform.answers("/token", said(&renewed));
    let pages = (0..12).map(|_| {
        let mut tab = browser.clone();
        tokio::spawn(async move { tab.open("/my-resource").await.status })
    });
    for page in pages.collect::<Vec<_>>() {
        assert_eq!(page.await.unwrap(), 200);
    }
    let asked = refreshes(&site).await;
    assert_eq!((asked.len(), &*asked[0]), (1, REFRESH_TOKEN));
    for called in site.b.requests().await {
        assert_eq!(header(&called, "authorization"), format!("Bearer {NEWER}"));
    }
    // The next time it is the newer refresh token that is shown: the provider may rotate them.
    site.clock.advance(Duration::from_secs(595));
    assert_eq!(browser.open("/my-resource").await.status, 200);
    assert_eq!(refreshes(&site).await[1], "a-newer-refresh-token");
}

async fn refreshes(site: &Site) -> Vec<String> {
    site.platform
        .requests("/token")
        .await
        .iter()
        .filter_map(|asked| parameter(asked, "refresh_token"))
        .collect()
}

#[tokio::test]
async fn a_refresh_that_keeps_the_old_refresh_token_can_be_made_again() {
    let site = Site::open().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    let mut renewed = tokens(NEWER);
    renewed.as_object_mut().unwrap().remove("refresh_token");
    site.platform.answers("/token", said(&renewed));
    site.b.answers([
        status(401),
        said(&json!({ "b": "local" })),
        status(401),
        said(&json!({ "b": "local" })),
    ]);
    assert_eq!(browser.open("/my-resource").await.status, 200);
    assert_eq!(refreshes(&site).await, [REFRESH_TOKEN]);
}

#[tokio::test]
async fn a_pass_that_b_does_not_take_is_replaced_once() {
    let site = Site::open().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    site.platform.answers("/token", said(&tokens(NEWER)));
    site.b.answers([status(401), said(&json!({ "b": "local" }))]);
    assert_eq!(browser.open("/my-resource").await.status, 200);
    site.b.answers([status(401)]);
    browser.open("/my-resource").await.refuses(403, "no_access_token");
}

#[tokio::test]
async fn what_the_person_has_withdrawn_opens_nothing() {
    let site = Site::open().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    site.clock.advance(Duration::from_secs(700));
    site.platform.answers("/token", refused(400, &json!({ "error": "invalid_grant" })));
    let page = browser.open("/my-resource").await;
    page.refuses(403, "no_access_token");
    assert!(page.has("login-platform"));
}

#[tokio::test]
async fn somebody_of_another_provider_has_no_pass_for_b() {
    let other = Issuer::start().await;
    let site = Site::open_with(|settings| {
        settings.providers.insert("other".to_owned(), provider(&other));
    })
    .await;
    let mut browser = site.browser();
    site.log_in_with(&mut browser, &other, "other").await.leads_to("/account");
    assert!(!browser.open("/account").await.has("my-resource"));
    let page = browser.open("/my-resource").await;
    page.refuses(403, "no_access_token");
    assert!(page.has("login-platform") && !page.has("login-other"), "{}", page.html);
    assert_eq!(site.b.asked(), 0, "the other provider's token is not for B's eyes");
}

#[tokio::test]
async fn trouble_with_b_or_with_the_refresh_is_a_page() {
    let site = Site::open_with(|settings| settings.call_timeout_millis = 300).await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    for (trouble, expected) in [(status(500), 502), (status(403), 502), (late(status(200)), 504)] {
        site.b.answers([trouble]);
        browser.open("/my-resource").await.refuses(expected, "b_unavailable");
    }
    site.clock.advance(Duration::from_secs(700));
    site.platform.answers("/token", status(500));
    browser.open("/my-resource").await.refuses(502, "provider_unavailable");
    // A failure is not remembered.
    site.platform.answers("/token", said(&tokens(NEWER)));
    site.b.answers([said(&json!({ "b": "<script>" }))]);
    let page = browser.open("/my-resource").await;
    assert!(page.status == 200 && page.html.contains("&lt;script&gt;"), "{}", page.html);
}

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const FURTHER: &str = "/my-resource?target=introspection";

/// What the platform was asked to exchange.
async fn exchanges(site: &Site) -> Vec<String> {
    let asked = site.platform.requests("/token").await;
    let asked =
        asked.iter().filter(|asked| parameter(asked, "grant_type").as_deref() == Some(EXCHANGE));
    asked.filter_map(|asked| parameter(asked, "subject_token")).collect()
}

#[tokio::test]
async fn a_further_hop_is_shown_a_pass_for_which_a_exchanged_the_persons() {
    let site = Site::open().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    site.platform.answers(
        "/token",
        said(&json!({
            "access_token": "acting", "token_type": "Bearer", "expires_in": 600,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        })),
    );
    let page = browser.open(FURTHER).await;
    assert!(
        page.has("my-resource-exchanged") && page.text("my-resource-answer").is_some(),
        "{}",
        page.html
    );
    let asked = site.platform.requests("/token").await.pop().unwrap();
    for (name, value) in
        [("grant_type", EXCHANGE), ("subject_token", ACCESS_TOKEN), ("resource", RESOURCES[1])]
    {
        assert_eq!(parameter(&asked, name).as_deref(), Some(value), "{name}");
    }
    let called = site.introspecting_b.requests().await.pop().unwrap();
    assert_eq!(header(&called, "authorization"), "Bearer acting");
    assert!(
        !browser.open("/my-resource").await.has("my-resource-exchanged"),
        "the first hop is shown the person's own"
    );
}

#[tokio::test]
async fn a_pass_that_cannot_be_exchanged_any_more_is_replaced_once() {
    let site = Site::open().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    // One that the platform has withdrawn; the refresh token with it.
    site.platform.answers("/token", refused(400, &json!({ "error": "invalid_request" })));
    browser.open(FURTHER).await.refuses(502, "provider_unavailable");
    site.platform.answers("/token", refused(400, &json!({ "error": "invalid_grant" })));
    browser.open(FURTHER).await.refuses(403, "no_access_token");
    assert_eq!(exchanges(&site).await, [ACCESS_TOKEN, ACCESS_TOKEN]);
    site.platform.answers("/token", status(500));
    browser.open(FURTHER).await.refuses(502, "b_unavailable");
    assert_eq!(site.introspecting_b.asked(), 0);
}

#[tokio::test]
async fn another_providers_token_is_not_shown_to_the_platform() {
    let other = Issuer::start().await;
    let site = Site::open_with(|settings| {
        let opening = ProviderSettings { resources: RESOURCES[1].to_owned(), ..provider(&other) };
        settings.providers.insert("other".to_owned(), opening);
    })
    .await;
    let mut browser = site.browser();
    site.log_in_with(&mut browser, &other, "other").await.leads_to("/account");
    let page = browser.open(FURTHER).await;
    assert!(page.status == 200 && !page.has("my-resource-exchanged"), "{}", page.html);
    assert!(exchanges(&site).await.is_empty());
    let called = site.introspecting_b.requests().await.pop().unwrap();
    assert_eq!(header(&called, "authorization"), format!("Bearer {ACCESS_TOKEN}"));
}
