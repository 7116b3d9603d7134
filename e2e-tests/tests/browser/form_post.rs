use std::collections::BTreeMap;

use e2e_tests::http::until;
use url::Url;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::path};

use crate::{
    browser::{Looks, Screen},
    servers::World,
    user_actions::ALICE,
};

/// A website elsewhere, which wants its answers by form.
async fn website() -> MockServer {
    let website = MockServer::start().await;
    let page = ResponseTemplate::new(200)
        .set_body_raw("<h1 id=\"arrived\">Here you are</h1>", "text/html");
    Mock::given(path("/callback")).respond_with(page).mount(&website).await;
    website
}

async fn world(website: &MockServer) -> World {
    let client = format!(
        "\n[[clients]]\nclient_id = \"by-form\"\nclient_secret = \"abc123\"\nscopes = \"openid\"\n[clients.login]\n\
         client_name = \"By Form\"\nredirect_uris = [\"{}/callback\"]\n",
        website.uri()
    );
    World::with(&client, |_| ()).await
}

async fn sign_in(screen: &Screen, world: &World, website: &MockServer) {
    let request = [
        ("client_id", "by-form"),
        ("redirect_uri", &format!("{}/callback", website.uri())),
        ("response_type", "code"),
        ("response_mode", "form_post"),
        ("scope", "openid"),
        ("state", "\"><script>state"),
    ];
    screen.go(Url::parse_with_params(&world.c("/oauth/authorize"), request).unwrap()).await;
    screen.sign_in(ALICE).await;
    screen.press("consent-allow").await;
}

/// One POST with nothing in its address, and in its body what belongs there.
async fn arrived(website: &MockServer, world: &World) {
    until("the answer arrived", async || !answers(website).await.is_empty()).await;
    let answers = answers(website).await;
    let [answer] = &answers[..] else { panic!("{answers:?}") };
    assert_eq!((answer.method.as_str(), answer.url.query()), ("POST", None));
    let fields: BTreeMap<String, String> =
        url::form_urlencoded::parse(&answer.body).into_owned().collect();
    assert_eq!(fields["state"], "\"><script>state");
    assert_eq!(fields["iss"], world.c(""));
    assert!(fields["code"].len() >= 32 && fields.len() == 3, "{:?}", fields.keys());
}

async fn answers(website: &MockServer) -> Vec<Request> {
    let all = website.received_requests().await.unwrap();
    all.into_iter().filter(|request| request.url.path() == "/callback").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_by_form_sends_itself() {
    let website = website().await;
    let world = world(&website).await;
    let screen = world.browser().await;
    sign_in(&screen, &world, &website).await;
    screen.find("arrived").await;
    arrived(&website, &world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_javascript_one_button_sends_the_answer() {
    let website = website().await;
    let world = world(&website).await;
    let screen = world.browser_that(Looks { scripts: false, ..Looks::default() }).await;
    sign_in(&screen, &world, &website).await;
    screen.find("form-post-continue").await;
    assert!(answers(&website).await.is_empty());
    screen.picture("c-form-post").await;
    screen.press("form-post-continue").await;
    screen.find("arrived").await;
    arrived(&website, &world).await;
}
