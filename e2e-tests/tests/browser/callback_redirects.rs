//! A client whose redirect URI redirects to another site or host (decision 22).

use url::Url;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use crate::{servers::Servers, user_actions::ALICE};

#[tokio::test(flavor = "multi_thread")]
async fn callback_may_redirect_to_another_port() {
    assert_that_callback_may_redirect_to("localhost").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callback_may_redirect_to_another_host() {
    assert_that_callback_may_redirect_to("app.localhost").await;
}

/// Allows a client whose redirect URI redirects to `host`, and waits for the page there.
async fn assert_that_callback_may_redirect_to(host: &str) {
    let (client, shop) = (MockServer::start().await, MockServer::start().await);
    let page = ResponseTemplate::new(200)
        .set_body_raw("<h1 id=\"arrived\">Here you are</h1>", "text/html");
    Mock::given(path("/welcome")).respond_with(page).mount(&shop).await;
    let elsewhere = format!("http://{host}:{}/welcome", shop.address().port());
    let redirect = ResponseTemplate::new(302).insert_header("location", &*elsewhere);
    Mock::given(path("/callback")).respond_with(redirect).mount(&client).await;
    let redirect_uri = format!("{}/callback", client.uri());
    let client_toml = format!(
        "\n[[clients]]\nclient_id = \"leads-on\"\nclient_secret = \"abc123\"\nscopes = \"openid\"\n[clients.login]\n\
         client_name = \"Leads On\"\nredirect_uris = [\"{redirect_uri}\"]\n"
    );
    let servers = Servers::with(&client_toml, |_| ()).await;
    let browser = servers.browser().await;
    let request = [
        ("client_id", "leads-on"),
        ("redirect_uri", &redirect_uri),
        ("response_type", "code"),
        ("scope", "openid"),
    ];
    browser.go(Url::parse_with_params(&servers.c("/oauth/authorize"), request).unwrap()).await;
    browser.sign_in(ALICE).await;
    browser.press("consent-allow").await;
    browser.find("arrived").await;
    assert_eq!(browser.current_url().await.as_str(), elsewhere);
}
