//! A client whose redirect URI redirects to another site, host or app (decision 22).

use e2e_tests::http::until;
use url::Url;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use crate::{
    browser::{Browser, BrowserOptions},
    servers::Servers,
    user_actions::ALICE,
};

#[tokio::test(flavor = "multi_thread")]
async fn callback_may_redirect_to_another_port() {
    assert_that_callback_may_redirect_to("localhost").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callback_may_redirect_to_another_host() {
    assert_that_callback_may_redirect_to("app.localhost").await;
}

/// No app is installed for the scheme, so the page stays. But the browser follows the redirect.
#[tokio::test(flavor = "multi_thread")]
async fn callback_may_redirect_to_a_private_use_scheme() {
    const APP: &str = "com.example.app:/arrived";
    let (servers, _client, request) = client_that_redirects_to(APP).await;
    let options = BrowserOptions { log_requests: true, ..BrowserOptions::default() };
    let browser = servers.browser_with(options).await;
    open_consent(&browser, request).await;
    browser.find("consent-allow").await.click().await.unwrap();
    until("the browser opens the app", async || {
        browser.requested_urls().await.iter().any(|url| url == APP)
    })
    .await;
}

/// Allows a client whose redirect URI redirects to `host`, and waits for the page there.
async fn assert_that_callback_may_redirect_to(host: &str) {
    let shop = MockServer::start().await;
    let page = ResponseTemplate::new(200)
        .set_body_raw("<h1 id=\"arrived\">Here you are</h1>", "text/html");
    Mock::given(path("/welcome")).respond_with(page).mount(&shop).await;
    let elsewhere = format!("http://{host}:{}/welcome", shop.address().port());
    let (servers, _client, request) = client_that_redirects_to(&elsewhere).await;
    let browser = servers.browser().await;
    open_consent(&browser, request).await;
    browser.press("consent-allow").await;
    browser.find("arrived").await;
    assert_eq!(browser.current_url().await.as_str(), elsewhere);
}

/// Returns the servers, a client and its authorization request.
async fn client_that_redirects_to(elsewhere: &str) -> (Servers, MockServer, Url) {
    let client = MockServer::start().await;
    let redirect = ResponseTemplate::new(302).insert_header("location", elsewhere);
    Mock::given(path("/callback")).respond_with(redirect).mount(&client).await;
    let redirect_uri = format!("{}/callback", client.uri());
    let client_toml = format!(
        "\n[[clients]]\nclient_id = \"leads-on\"\nclient_secret = \"abc123\"\nscopes = \"openid\"\n[clients.login]\n\
         client_name = \"Leads On\"\nredirect_uris = [\"{redirect_uri}\"]\n"
    );
    let servers = Servers::with(&client_toml, |_| ()).await;
    let request = [
        ("client_id", "leads-on"),
        ("redirect_uri", &redirect_uri),
        ("response_type", "code"),
        ("scope", "openid"),
    ];
    let request = Url::parse_with_params(&servers.c("/oauth/authorize"), request).unwrap();
    (servers, client, request)
}

async fn open_consent(browser: &Browser, request: Url) {
    browser.go(request).await;
    browser.sign_in(ALICE).await;
}
