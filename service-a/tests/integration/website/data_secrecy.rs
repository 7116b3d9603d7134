use serde_json::Value;

use super::{
    mock_provider::{ACCESS_TOKEN, REFRESH_TOKEN},
    test_site::Site,
};
use crate::{
    process::{Process, settings_of},
    test_servers::SECRET,
};

/// Everything that is to be kept, of a browser that has logged in.
async fn use_everything(site: &Site, browser: &mut super::browser::Browser) -> Vec<String> {
    let away = browser.away("/login/platform").await;
    site.platform.will_say(&site.platform.claims(&away));
    let verified = browser.open(&away.back("platform")).await;
    verified.leads_to("/account");
    for path in ["/", "/account", "/my-resource", "/callback/platform?code=the-code&state=x"] {
        browser.open(path).await;
    }
    let mut hidden =
        [ACCESS_TOKEN, REFRESH_TOKEN, SECRET, "eyJ", "the-code"].map(str::to_owned).to_vec();
    hidden.extend(browser.cookies.values().map(|cookie| cookie.value.clone()));
    hidden.extend(["state", "nonce"].map(|name| away.parameter(name)));
    hidden
}

#[tokio::test]
async fn a_copy_of_the_database_logs_nobody_in_and_opens_nothing() {
    let site = Site::open().await;
    let mut browser = site.browser();
    let mut hidden = use_everything(&site, &mut browser).await;
    // A login that is not finished, too.
    let away = browser.away("/login/platform").await;
    hidden.extend(["state", "nonce"].map(|name| away.parameter(name)));
    let mut read = 0;
    for entry in std::fs::read_dir(site.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        read += usize::from(text.contains("ada@example.com"));
        for secret in &hidden {
            assert!(!text.contains(secret.as_str()), "`{secret}` is in the database");
        }
    }
    assert!(read > 0, "else it reads too little");
}

#[tokio::test]
async fn no_event_holds_what_is_to_be_kept() {
    let site = Site::open().await;
    let mut listener = site.events.subscribe().unwrap();
    let mut browser = site.browser();
    let hidden = use_everything(&site, &mut browser).await;
    let mut told = Vec::new();
    while let Ok(event) = listener.try_recv() {
        told.push(serde_json::to_value(&*event).unwrap());
    }
    let urls: Vec<&str> = told.iter().filter_map(|event: &Value| event["url"].as_str()).collect();
    for path in
        ["/.well-known/openid-configuration", "/jwks", "/token", "/userinfo", "/api/resource"]
    {
        assert!(urls.iter().any(|url| url.ends_with(path)), "{path} was not told: {urls:?}");
    }
    let told = serde_json::to_string(&told).unwrap();
    for secret in hidden {
        assert!(!told.contains(&secret), "`{secret}` is in: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_at_any_level_holds_what_is_to_be_kept() {
    let site = Site::open().await;
    let other = tempfile::tempdir().unwrap();
    let settings =
        service_a::ServiceASettings { data_dir: other.path().to_owned(), ..site.settings.clone() };
    let process = Process::serve(&settings_of(&settings, &[("log.filter", "trace")]));
    let mut browser = super::browser::Browser::new(&process.base);
    // The process has the machine's clock, and the ID token this story's: it is made good until
    // then.
    let away = browser.away("/login/platform").await;
    let mut claims = site.platform.claims(&away);
    claims["exp"] = 4_000_000_000_i64.into();
    claims["iat"] = 1_700_000_000_i64.into();
    site.platform.will_say(&claims);
    browser.open(&away.back("platform")).await.leads_to("/account");
    for path in [
        "/",
        "/account",
        "/my-resource",
        "/callback/platform?code=the-code&state=x",
        "/login/nobody",
    ] {
        browser.open(path).await;
    }
    let mut hidden =
        [ACCESS_TOKEN, REFRESH_TOKEN, SECRET, "eyJ", "the-code"].map(str::to_owned).to_vec();
    hidden.extend(browser.cookies.values().map(|cookie| cookie.value.clone()));
    hidden.extend(["state", "nonce"].map(|name| away.parameter(name)));
    let log = process.kill_and_read_log();
    assert!(log.contains("\"target\":\"hyper") && log.contains("sqlx"), "else it reads too little");
    for secret in hidden {
        let found = log.lines().find(|line| line.contains(&secret));
        assert!(found.is_none(), "`{secret}` in: {}", found.unwrap_or(""));
    }
}
