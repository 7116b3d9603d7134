//! A client that leads on to another site once it has its answer (decision 22).

use url::Url;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use crate::{servers::World, user_actions::ALICE};

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_may_redirect_on_to_another_site() {
    let (client, shop) = (MockServer::start().await, MockServer::start().await);
    let page = ResponseTemplate::new(200)
        .set_body_raw("<h1 id=\"arrived\">Here you are</h1>", "text/html");
    Mock::given(path("/welcome")).respond_with(page).mount(&shop).await;
    let elsewhere = format!("http://localhost:{}/welcome", shop.address().port());
    let redirect = ResponseTemplate::new(302).insert_header("location", &*elsewhere);
    Mock::given(path("/callback")).respond_with(redirect).mount(&client).await;
    let redirect_uri = format!("{}/callback", client.uri());
    let written = format!(
        "\n[[clients]]\nclient_id = \"leads-on\"\nclient_secret = \"abc123\"\nscopes = \"openid\"\n[clients.login]\n\
         client_name = \"Leads On\"\nredirect_uris = [\"{redirect_uri}\"]\n"
    );
    let world = World::with(&written, |_| ()).await;
    let screen = world.browser().await;
    let request = [
        ("client_id", "leads-on"),
        ("redirect_uri", &redirect_uri),
        ("response_type", "code"),
        ("scope", "openid"),
    ];
    screen.go(Url::parse_with_params(&world.c("/oauth/authorize"), request).unwrap()).await;
    screen.sign_in(ALICE).await;
    screen.press("consent-allow").await;
    screen.find("arrived").await;
    assert_eq!(screen.address().await.as_str(), elsewhere);
}
