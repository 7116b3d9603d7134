use serde_json::Value;
use test_support::secrecy::JWT_PREFIXES;

use super::{
    mock_provider::{ACCESS_TOKEN, REFRESH_TOKEN},
    test_site::TestSite,
};
use crate::{
    process::{Process, settings_arguments},
    test_servers::SECRET,
};

/// Returns every secret of a logged-in browser.
async fn use_everything(site: &TestSite, browser: &mut super::browser::Browser) -> Vec<String> {
    let request = browser.start_login("/login/platform").await;
    site.platform.issue_claims(&site.platform.claims(&request));
    let verified = browser.open(&request.callback("platform")).await;
    verified.assert_redirect("/account");
    for path in ["/", "/account", "/my-resource", "/callback/platform?code=the-code&state=x"] {
        browser.open(path).await;
    }
    let mut hidden = [ACCESS_TOKEN, REFRESH_TOKEN, SECRET, "the-code"].map(str::to_owned).to_vec();
    hidden.extend(JWT_PREFIXES.map(str::to_owned));
    hidden.extend(browser.cookies.iter().map(|(_, cookie)| cookie.value.clone()));
    hidden.extend(["state", "nonce"].map(|name| request.parameter(name)));
    hidden
}

#[tokio::test]
async fn database_copy_contains_no_usable_secret() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let mut hidden = use_everything(&site, &mut browser).await;
    // Include a pending login.
    let request = browser.start_login("/login/platform").await;
    hidden.extend(["state", "nonce"].map(|name| request.parameter(name)));
    let mut read = 0;
    for entry in std::fs::read_dir(site.dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        read += usize::from(text.contains("ada@example.com"));
        for secret in &hidden {
            assert!(!text.contains(secret.as_str()), "`{secret}` is in the database");
        }
    }
    assert!(read > 0, "the test must cover this log target");
}

#[tokio::test]
async fn events_contain_no_secrets() {
    let site = TestSite::start().await;
    let mut listener = site.events.subscribe().unwrap();
    let mut browser = site.browser();
    let hidden = use_everything(&site, &mut browser).await;
    let mut events = Vec::new();
    while let Ok(event) = listener.try_recv() {
        events.push(serde_json::to_value(&*event).unwrap());
    }
    let urls: Vec<&str> = events.iter().filter_map(|event: &Value| event["url"].as_str()).collect();
    for path in
        ["/.well-known/openid-configuration", "/jwks", "/token", "/userinfo", "/api/resource"]
    {
        assert!(urls.iter().any(|url| url.ends_with(path)), "{path} is missing: {urls:?}");
    }
    let events = serde_json::to_string(&events).unwrap();
    for secret in hidden {
        assert!(!events.contains(&secret), "`{secret}` is in: {events}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn website_log_contains_no_secrets_at_any_level() {
    let site = TestSite::start().await;
    let other = tempfile::tempdir().unwrap();
    let settings =
        service_a::ServiceASettings { data_dir: other.path().to_owned(), ..site.settings.clone() };
    let process = Process::serve(&settings_arguments(&settings, &[("log.filter", "trace")]));
    let mut browser = super::browser::Browser::new(&process.base);
    // The process uses the system clock, so the ID token must be valid at both times.
    let request = browser.start_login("/login/platform").await;
    let mut claims = site.platform.claims(&request);
    claims["exp"] = 4_000_000_000_i64.into();
    claims["iat"] = 1_700_000_000_i64.into();
    site.platform.issue_claims(&claims);
    browser.open(&request.callback("platform")).await.assert_redirect("/account");
    for path in [
        "/",
        "/account",
        "/my-resource",
        "/callback/platform?code=the-code&state=x",
        "/login/nobody",
    ] {
        browser.open(path).await;
    }
    let mut hidden = [ACCESS_TOKEN, REFRESH_TOKEN, SECRET, "the-code"].map(str::to_owned).to_vec();
    hidden.extend(JWT_PREFIXES.map(str::to_owned));
    hidden.extend(browser.cookies.iter().map(|(_, cookie)| cookie.value.clone()));
    hidden.extend(["state", "nonce"].map(|name| request.parameter(name)));
    let log = process.kill_and_read_log();
    assert!(
        log.contains("\"target\":\"hyper") && log.contains("sqlx"),
        "the test must cover this log target"
    );
    for secret in hidden {
        let found = log.lines().find(|line| line.contains(&secret));
        assert!(found.is_none(), "`{secret}` in: {}", found.unwrap_or(""));
    }
}
