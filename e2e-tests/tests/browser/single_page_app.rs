//! The example of a public client in a browser, with its own files.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use crate::{browser::Browser, servers::Servers, user_actions::ALICE};

/// The resource of the demo's B.
const RESOURCE: &str = "http://localhost:9002";
const REDIRECT_URI: &str = "http://localhost:8080/";

fn file(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/single-page-app");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Starts the servers and the page of the app. B allows the page's origin if `b_allows` is set.
async fn start(b_allows: bool) -> (Servers, MockServer, String) {
    let site = MockServer::start().await;
    let origin = format!("http://localhost:{}", site.address().port());
    let client = file("clients.toml").replace(REDIRECT_URI, &format!("{origin}/"));
    let servers = Servers::with(&client, |settings| {
        if b_allows {
            settings.b_local.cors.allowed_origins = vec![origin.clone()];
        }
    });
    let servers = servers.await;
    let mut config: Value = serde_json::from_str(&file("config.json")).unwrap();
    assert_eq!(config["resource"], RESOURCE);
    config["issuer"] = json!(servers.c(""));
    let b = servers.harness.addresses.b_local.port();
    config["api"] = json!(format!("http://localhost:{b}/api/resource"));
    for (name, text, content_type) in [
        ("", file("index.html"), "text/html"),
        ("app.js", file("app.js"), "text/javascript"),
        ("oauth-client.js", file("oauth-client.js"), "text/javascript"),
        ("config.json", config.to_string(), "application/json"),
    ] {
        let response = ResponseTemplate::new(200).set_body_raw(text, content_type);
        Mock::given(path(format!("/{name}"))).respond_with(response).mount(&site).await;
    }
    (servers, site, format!("{origin}/"))
}

async fn log_in(browser: &Browser, page: &str) {
    browser.go(page).await;
    wait_for(browser, "status", "Logged out").await;
    browser.press("log-in").await;
    browser.sign_in(ALICE).await;
    browser.press("consent-allow").await;
    wait_for(browser, "status", "Logged in").await;
}

/// Clicks a button that stays on the page.
async fn click(browser: &Browser, id: &str) {
    browser.find(id).await.click().await.unwrap();
}

/// Waits until the element has this text.
async fn wait_for(browser: &Browser, id: &str, expected: &str) {
    let what = format!("`{id}` is `{expected}`");
    e2e_tests::http::until(&what, async || browser.text(id).await.contains(expected)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn single_page_app_logs_in_refreshes_and_calls_the_api() {
    let (servers, _site, page) = start(true).await;
    let browser = servers.browser().await;
    log_in(&browser, &page).await;
    assert!(!browser.text("name").await.is_empty());
    assert_eq!(browser.current_url().await.as_str(), page, "the code is not in the address");
    for times in ["1", "2"] {
        click(&browser, "refresh").await;
        wait_for(&browser, "refreshes", times).await;
    }
    click(&browser, "call-api").await;
    wait_for(&browser, "api-answer", "\"client_id\":\"single-page-app\"").await;
    browser.screenshot("single-page-app").await;
    browser.press("log-out").await;
    wait_for(&browser, "status", "Logged out").await;
    browser.press("log-in").await;
    browser.find("username").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_of_another_origin_cannot_use_the_token_endpoint() {
    let (servers, _site, page) = start(false).await;
    let browser = servers.browser().await;
    // The same server, under an origin that no client has.
    browser.go(page.replace("localhost", "127.0.0.1")).await;
    wait_for(&browser, "status", "Logged out").await;
    let token_endpoint = json!(servers.c("/oauth/token"));
    let script = format!(
        "fetch({token_endpoint}, {{ method: 'POST', body: new URLSearchParams() }})
            .then(() => 'readable', () => 'hidden')"
    );
    assert_eq!(browser.evaluate(&script).await, "hidden");
    browser.go(&*page).await;
    wait_for(&browser, "status", "Logged out").await;
    assert_eq!(browser.evaluate(&script).await, "readable");
    // B allows no origin here, so the page sees nothing of its response.
    log_in(&browser, &page).await;
    click(&browser, "call-api").await;
    wait_for(&browser, "error", "fetch").await;
}
