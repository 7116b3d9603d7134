use std::time::Duration;

use serde_json::json;

use super::{mock_provider::METADATA, test_site::Site};
use crate::test_servers::{NOBODY, late, refused, said, status};

fn in_a_hurry(settings: &mut service_a::ServiceASettings) {
    let platform =
        service_a::settings::ProviderSettings { timeout_millis: 300, ..Default::default() };
    settings.providers.insert("platform".to_owned(), platform);
}

#[tokio::test]
async fn metadata_that_cannot_be_had_or_used_are_told_and_asked_for_again() {
    let site = Site::open_with(in_a_hurry).await;
    let mut browser = site.browser();
    let elsewhere = json!({ "issuer": "https://evil.example" });
    for (trouble, expected) in [
        (status(500), 502),
        (said(&json!({})), 502),
        (said(&elsewhere), 502),
        (status(200).set_body_string("<html>"), 502),
        (status(200).set_body_string("x".repeat(300_000)), 502),
        (late(said(&site.platform.metadata())), 504),
    ] {
        site.platform.answers(METADATA, trouble);
        browser.open("/login/platform").await.refuses(expected, "provider_unavailable");
        let asked = site.platform.requests(METADATA).await.len();
        browser.open("/login/platform").await.refuses(expected, "provider_unavailable");
        assert_eq!(
            site.platform.requests(METADATA).await.len(),
            asked,
            "nobody asks again at once"
        );
        site.clock.advance(Duration::from_secs(2));
    }
    site.platform.says_of_itself(|_| ());
    site.log_in(&mut browser).await;
}

#[tokio::test]
async fn metadata_of_another_issuer_are_not_believed() {
    let site = Site::open().await;
    site.platform.says_of_itself(|metadata| metadata["issuer"] = json!("https://evil.example"));
    site.browser().open("/login/platform").await.refuses(502, "provider_unavailable");
}

#[tokio::test]
async fn nobody_there_is_told_as_well() {
    let site = Site::open_with(|settings| settings.issuer = NOBODY.to_owned()).await;
    site.browser().open("/login/platform").await.refuses(502, "provider_unavailable");
}

#[tokio::test]
async fn a_code_that_cannot_be_exchanged_logs_nobody_in() {
    let site = Site::open_with(in_a_hurry).await;
    let mut browser = site.browser();
    for (trouble, code, refusal) in [
        (status(500), 502, "provider_unavailable"),
        (status(200).set_body_string("garbage"), 502, "provider_unavailable"),
        (said(&json!({ "token_type": "Bearer" })), 502, "provider_unavailable"),
        (refused(401, &json!({ "error": "invalid_client" })), 502, "provider_unavailable"),
        (refused(400, &json!({ "error": "invalid_grant" })), 400, "code_rejected"),
        (late(status(200)), 504, "provider_unavailable"),
    ] {
        let away = browser.away("/login/platform").await;
        site.platform.answers("/token", trouble);
        browser.open(&away.back("platform")).await.refuses(code, refusal);
    }
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn user_info_that_cannot_be_had_logs_nobody_in() {
    let site = Site::open_with(in_a_hurry).await;
    let mut browser = site.browser();
    for (trouble, code) in
        [(status(500), 502), (status(200).set_body_string("x"), 502), (late(status(200)), 504)]
    {
        let away = browser.away("/login/platform").await;
        site.platform.will_say(&site.platform.claims(&away));
        site.platform.answers("/userinfo", trouble);
        browser.open(&away.back("platform")).await.refuses(code, "provider_unavailable");
    }
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn metadata_that_were_read_are_kept_while_the_provider_is_away() {
    let site = Site::open().await;
    site.log_in(&mut site.browser()).await;
    site.platform.answers(METADATA, status(503));
    site.clock.advance(Duration::from_secs(4_000));
    let away = site.browser().away("/login/platform").await;
    assert_eq!(away.0.path(), "/authorize");
}
