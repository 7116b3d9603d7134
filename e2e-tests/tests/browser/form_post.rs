use std::collections::BTreeMap;

use e2e_tests::http::until;
use url::Url;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::path};

use crate::{
    browser::{Browser, BrowserOptions},
    servers::Servers,
    user_actions::ALICE,
};

/// A client that requests `response_mode=form_post`.
async fn website() -> MockServer {
    let website = MockServer::start().await;
    let page = ResponseTemplate::new(200)
        .set_body_raw("<h1 id=\"arrived\">Here you are</h1>", "text/html");
    Mock::given(path("/callback")).respond_with(page).mount(&website).await;
    website
}

async fn servers(website: &MockServer) -> Servers {
    let client = format!(
        "\n[[clients]]\nclient_id = \"by-form\"\nclient_secret = \"abc123\"\nscopes = \"openid\"\n[clients.login]\n\
         client_name = \"By Form\"\nredirect_uris = [\"{}/callback\"]\n",
        website.uri()
    );
    Servers::with(&client, |_| ()).await
}

async fn sign_in(browser: &Browser, servers: &Servers, website: &MockServer) {
    let request = [
        ("client_id", "by-form"),
        ("redirect_uri", &format!("{}/callback", website.uri())),
        ("response_type", "code"),
        ("response_mode", "form_post"),
        ("scope", "openid"),
        ("state", "\"><script>state"),
    ];
    browser.go(Url::parse_with_params(&servers.c("/oauth/authorize"), request).unwrap()).await;
    browser.sign_in(ALICE).await;
    browser.press("consent-allow").await;
}

/// Asserts that one POST arrived, with the response in its body and an empty query.
async fn arrived(website: &MockServer, servers: &Servers) {
    until("the authorization response arrived", async || !responses(website).await.is_empty())
        .await;
    let responses = responses(website).await;
    let [response] = &responses[..] else { panic!("{responses:?}") };
    assert_eq!((response.method.as_str(), response.url.query()), ("POST", None));
    let fields: BTreeMap<String, String> =
        url::form_urlencoded::parse(&response.body).into_owned().collect();
    assert_eq!(fields["state"], "\"><script>state");
    assert_eq!(fields["iss"], servers.c(""));
    assert!(fields["code"].len() >= 32 && fields.len() == 3, "{:?}", fields.keys());
}

async fn responses(website: &MockServer) -> Vec<Request> {
    let all = website.received_requests().await.unwrap();
    all.into_iter().filter(|request| request.url.path() == "/callback").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn form_post_response_submits_itself() {
    let website = website().await;
    let servers = servers(&website).await;
    let browser = servers.browser().await;
    sign_in(&browser, &servers, &website).await;
    browser.find("arrived").await;
    arrived(&website, &servers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn form_post_without_javascript_needs_one_button() {
    let website = website().await;
    let servers = servers(&website).await;
    let browser =
        servers.browser_with(BrowserOptions { scripts: false, ..BrowserOptions::default() }).await;
    sign_in(&browser, &servers, &website).await;
    browser.find("form-post-continue").await;
    assert!(responses(&website).await.is_empty());
    browser.screenshot("c-form-post").await;
    browser.press("form-post-continue").await;
    browser.find("arrived").await;
    arrived(&website, &servers).await;
}
