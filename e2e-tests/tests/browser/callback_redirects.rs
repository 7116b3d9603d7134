//! A client whose redirect URI redirects to another site, host or app (decision 22). Chromium
//! applies `form-action` to all redirects that follow "Allow".

use std::cell::RefCell;

use axum::{Router, response::Redirect, routing::get};
use clock::Clock;
use e2e_tests::http::until;
use service_kit::{BoundListener, CancellationToken, Limits, Server, tls::DevCa};
use url::Url;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use crate::{
    browser::{Browser, BrowserOptions},
    servers::Servers,
    user_actions::ALICE,
};

const APP: &str = "com.example.app:/arrived";

#[tokio::test(flavor = "multi_thread")]
async fn callback_may_redirect_to_another_port() {
    assert_that_callback_may_redirect_to_host("http", "localhost").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callback_may_redirect_to_another_host() {
    assert_that_callback_may_redirect_to_host("http", "app.localhost").await;
}

/// A program of the user listens there.
#[tokio::test(flavor = "multi_thread")]
async fn https_callback_may_redirect_to_loopback() {
    assert_that_callback_may_redirect_to_host("https", "127.0.0.1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callback_may_redirect_to_a_private_use_scheme() {
    assert_that_callback_may_redirect_to_app("http").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn https_callback_may_redirect_to_a_private_use_scheme() {
    assert_that_callback_may_redirect_to_app("https").await;
}

/// Allows a client whose redirect URI redirects to `host`, and waits for the page there.
async fn assert_that_callback_may_redirect_to_host(scheme: &str, host: &str) {
    let shop = MockServer::start().await;
    let page = ResponseTemplate::new(200)
        .set_body_raw("<h1 id=\"arrived\">Here you are</h1>", "text/html");
    Mock::given(path("/welcome")).respond_with(page).mount(&shop).await;
    let elsewhere = format!("http://{host}:{}/welcome", shop.address().port());
    let site = Site::that_redirects_to(&elsewhere, scheme).await;
    let browser = site.consent_page().await;
    browser.press("consent-allow").await;
    browser.find("arrived").await;
    assert_eq!(browser.current_url().await.as_str(), elsewhere);
    site.assert_received_a_code(&browser).await;
}

/// No app is installed for the scheme, so the page stays. But the browser follows the redirect.
async fn assert_that_callback_may_redirect_to_app(scheme: &str) {
    let site = Site::that_redirects_to(APP, scheme).await;
    let browser = site.consent_page().await;
    browser.find("consent-allow").await.click().await.unwrap();
    site.assert_received_a_code(&browser).await;
}

/// A website with a login at C. Its redirect URI redirects elsewhere.
struct Site {
    servers: Servers,
    redirect_uri: String,
    elsewhere: String,
    stop: CancellationToken,
}

impl Site {
    async fn that_redirects_to(elsewhere: &str, scheme: &str) -> Self {
        let listener = BoundListener::bind("localhost:0", "site").unwrap();
        let redirect_uri = format!("{scheme}://localhost:{}/callback", listener.address().port());
        let location = elsewhere.to_owned();
        let callback = get(async move || Redirect::to(&location));
        let app = Router::new().route("/callback", callback);
        let mut site = Server::new(listener, app, &Limits::default());
        if scheme == "https" {
            let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::system());
            let ca = DevCa::open_or_create(&folder.path().join("ca"), &clock).unwrap();
            site = site.with_tls(ca.server_tls(&["localhost".to_owned()], &clock).unwrap());
        }
        let stop = CancellationToken::new();
        tokio::spawn(site.run(stop.clone()));
        let client = format!(
            "\n[[clients]]\nclient_id = \"leads-on\"\nclient_secret = \"abc123\"\nscopes = \"openid\"\n[clients.login]\n\
             client_name = \"Leads On\"\nredirect_uris = [\"{redirect_uri}\"]\n"
        );
        let servers = Servers::with(&client, |_| ()).await;
        Self { servers, redirect_uri, elsewhere: elsewhere.to_owned(), stop }
    }

    /// Opens a browser with the consent page for this site.
    async fn consent_page(&self) -> Browser {
        let options = BrowserOptions {
            log_requests: true,
            any_certificate: true,
            ..BrowserOptions::default()
        };
        let browser = self.servers.browser_with(options).await;
        let request = [
            ("client_id", "leads-on"),
            ("redirect_uri", &self.redirect_uri),
            ("response_type", "code"),
            ("scope", "openid"),
        ];
        let request = Url::parse_with_params(&self.servers.c("/oauth/authorize"), request).unwrap();
        browser.go(request).await;
        browser.sign_in(ALICE).await;
        browser.find("consent-allow").await;
        browser
    }

    /// Waits until the browser has requested the redirect URI with a code and gone on from there.
    async fn assert_received_a_code(&self, browser: &Browser) {
        let requested = RefCell::new(Vec::new());
        until("the browser follows both redirects", async || {
            let urls = browser.requested_urls().await;
            requested.borrow_mut().extend(urls);
            requested.borrow().contains(&self.elsewhere)
        })
        .await;
        let (requested, callback) = (requested.take(), format!("{}?code=", self.redirect_uri));
        assert!(requested.iter().any(|url| url.starts_with(&callback)), "{requested:?}");
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
