use std::time::Duration;

use serde_json::json;
use test_support::mock::{json, status};

use super::{mock_provider::METADATA, test_site::TestSite};
use crate::test_servers::{UNREACHABLE, delayed};

fn with_short_timeout(settings: &mut service_a::ServiceASettings) {
    let platform =
        service_a::settings::ProviderSettings { timeout_millis: 300, ..Default::default() };
    settings.providers.insert("platform".to_owned(), platform);
}

#[tokio::test]
async fn failed_metadata_fetch_shows_a_page_and_is_retried() {
    let site = TestSite::start_with(with_short_timeout).await;
    let mut browser = site.browser();
    let elsewhere = json!({ "issuer": "https://evil.example" });
    let (unavailable, unusable) = ("provider_unavailable", "unusable_response");
    for (response, expected, error) in [
        (status(500), 502, unavailable),
        (status(404), 502, unusable),
        (json(200, &json!({})), 502, unusable),
        (json(200, &elsewhere), 502, unusable),
        (status(200).set_body_string("<html>"), 502, unusable),
        (status(200).set_body_string("x".repeat(300_000)), 502, unusable),
        (delayed(json(200, &site.platform.metadata())), 504, unavailable),
    ] {
        site.platform.set_response(METADATA, response);
        browser.open("/login/platform").await.assert_error(expected, error);
        let fetches = site.platform.requests(METADATA).await.len();
        for (wait, further) in [(0, 0), (1_999, 0), (1, 1)] {
            site.clock.advance(Duration::from_millis(wait));
            browser.open("/login/platform").await.assert_error(expected, error);
            let found = site.platform.requests(METADATA).await.len() - fetches;
            assert_eq!(found, further, "failures are cached briefly");
        }
        site.clock.advance(Duration::from_secs(2));
    }
    site.platform.change_metadata(|_| ());
    site.log_in(&mut browser).await;
}

/// The clock runs while the provider does not respond.
#[tokio::test]
async fn login_that_waited_for_a_failed_metadata_fetch_fails_at_once() {
    let site = TestSite::start_with(with_short_timeout).await;
    site.platform.set_response(METADATA, delayed(json(200, &site.platform.metadata())));
    let (mut first, mut second) = (site.browser(), site.browser());
    let clock_runs = async {
        while site.platform.requests(METADATA).await.is_empty() {
            tokio::task::yield_now().await;
        }
        site.clock.advance(Duration::from_secs(5));
    };
    let (first, second, ()) =
        tokio::join!(first.open("/login/platform"), second.open("/login/platform"), clock_runs);
    first.assert_error(504, "provider_unavailable");
    second.assert_error(504, "provider_unavailable");
    assert_eq!(site.platform.requests(METADATA).await.len(), 1);
}

#[tokio::test]
async fn failed_metadata_fetch_is_retried_after_the_clock_was_set_back() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    site.platform.set_response(METADATA, status(500));
    browser.open("/login/platform").await.assert_error(502, "provider_unavailable");
    site.platform.change_metadata(|_| ());
    site.clock.set_back(Duration::from_secs(3_600));
    site.clock.advance(Duration::from_secs(2));
    browser.start_login("/login/platform").await;
}

#[tokio::test]
async fn provider_metadata_of_another_issuer_is_rejected() {
    let site = TestSite::start().await;
    site.platform.change_metadata(|metadata| metadata["issuer"] = json!("https://evil.example"));
    site.browser().open("/login/platform").await.assert_error(502, "unusable_response");
}

#[tokio::test]
async fn unreachable_provider_shows_a_page() {
    let site = TestSite::start_with(|settings| settings.issuer = UNREACHABLE.to_owned()).await;
    site.browser().open("/login/platform").await.assert_error(502, "provider_unavailable");
}

#[tokio::test]
async fn failed_code_redemption_shows_a_page() {
    let site = TestSite::start_with(with_short_timeout).await;
    let mut browser = site.browser();
    for (response, status_code, error_code) in [
        (status(500), 502, "provider_unavailable"),
        (status(200).set_body_string("garbage"), 502, "unusable_response"),
        (json(200, &json!({ "token_type": "Bearer" })), 502, "unusable_response"),
        (json(401, &json!({ "error": "invalid_client" })), 502, "unusable_response"),
        (json(400, &json!({ "error": "invalid_grant" })), 400, "code_rejected"),
        (delayed(status(200)), 504, "provider_unavailable"),
    ] {
        let request = browser.start_login("/login/platform").await;
        site.platform.set_response("/token", response);
        browser.open(&request.callback("platform")).await.assert_error(status_code, error_code);
    }
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn failed_userinfo_request_shows_a_page() {
    let site = TestSite::start_with(with_short_timeout).await;
    let mut browser = site.browser();
    for (response, code, error) in [
        (status(500), 502, "provider_unavailable"),
        (status(200).set_body_string("x"), 502, "unusable_response"),
        (delayed(status(200)), 504, "provider_unavailable"),
    ] {
        let request = browser.start_login("/login/platform").await;
        site.platform.issue_claims(&site.platform.claims(&request));
        site.platform.set_response("/userinfo", response);
        browser.open(&request.callback("platform")).await.assert_error(code, error);
    }
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn cached_metadata_is_used_while_the_provider_is_unavailable() {
    let site = TestSite::start().await;
    site.log_in(&mut site.browser()).await;
    site.platform.set_response(METADATA, status(503));
    site.clock.advance(Duration::from_secs(4_000));
    let request = site.browser().start_login("/login/platform").await;
    assert_eq!(request.0.path(), "/authorize");
}
