//! The end of a session: asked for by a client, by the user, and told to the others.

use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

use crate::{
    caller::until,
    jwt,
    person::{Asking, Person},
    server::{ALICE, BOB, C, HOUSE, SITE},
};

fn query(pairs: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("/logout?{query}")
}

async fn id_token(person: &Person<'_>) -> String {
    person.tokens(&Asking::site(), ALICE, SITE).await["id_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_client_that_knows_the_user_ends_the_session_and_gets_the_browser_back() {
    let c = C::start().await;
    let person = Person::at(&c);
    let hint = id_token(&person).await;
    let bye = ("post_logout_redirect_uri", "https://site.example/bye");
    let back = person.open(&query(&[("id_token_hint", &hint), bye, ("state", "s&t")])).await;
    assert_eq!(back.left_to.as_ref().unwrap().as_str(), "https://site.example/bye?state=s%26t");
    assert!(person.cookie("gatepass-session").is_none());
    person.asked(&Asking::site().with("prompt", "none")).await.tells_client("login_required");
    // Once more, with nobody signed in: back as well.
    assert!(person.open(&query(&[("id_token_hint", &hint), bye])).await.left_to.is_some());
}

#[tokio::test]
async fn an_old_cookie_opens_nothing_after_the_sign_out() {
    let c = C::start().await;
    let person = Person::at(&c);
    let hint = id_token(&person).await;
    let cookie = person.cookie("gatepass-session").unwrap();
    person.open(&query(&[("id_token_hint", &hint)])).await;
    person.plant("gatepass-session", &cookie);
    assert_eq!(person.asked(&Asking::site()).await.path, "/login");
}

#[tokio::test]
async fn no_logout_leads_to_a_place_that_is_not_registered() {
    let c = C::start().await;
    for uri in ["https://evil.example", "https://site.example/bye/", "https://site.example/cb?shop=1", "//evil.example"]
    {
        let person = Person::at(&c);
        let hint = id_token(&person).await;
        let page = person.open(&query(&[("id_token_hint", &hint), ("post_logout_redirect_uri", uri)])).await;
        assert_eq!((page.status(), page.left_to.is_none()), (200, true), "{uri}");
    }
    // Registered by another client than the one that the hint was made for.
    let person = Person::at(&c);
    let hint = id_token(&person).await;
    let foreign = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", "https://house.example/bye?x=1")];
    assert!(person.open(&query(&foreign)).await.left_to.is_none());
    let other_client = [("id_token_hint", hint.as_str()), ("client_id", "house")];
    assert!(person.open(&query(&other_client)).await.left_to.is_none());
}

#[tokio::test]
async fn without_a_good_hint_the_user_is_asked() {
    let c = C::start().await;
    let person = Person::at(&c);
    let hint = id_token(&person).await;
    let bobs = Person::at(&c).tokens(&Asking::site(), BOB, SITE).await["id_token"].as_str().unwrap().to_owned();
    let unsigned = jwt::with_parts(&hint, &serde_json::json!({ "alg": "none" }), &jwt::claims(&hint));
    for pairs in [vec![], vec![("id_token_hint", bobs.as_str())], vec![("id_token_hint", unsigned.as_str())]] {
        let page = person.open(&query(&pairs)).await;
        assert_eq!(page.status(), 200);
        page.says("logout-confirm");
        assert!(person.asked(&Asking::site()).await.left_to.is_some(), "still signed in");
    }
    let page = person.open("/logout").await;
    person.send(&page, &[("decision", "stay")]).await;
    assert!(person.asked(&Asking::site()).await.left_to.is_some());
    let page = person.open("/logout").await;
    let page = person.send(&page, &[("decision", "logout")]).await;
    page.says("logged-out");
    assert_eq!(person.asked(&Asking::site()).await.path, "/login");
    person.open("/logout").await.says("logged-out");
}

#[tokio::test]
async fn a_registered_query_of_the_return_address_is_kept() {
    let c = C::start().await;
    let person = Person::at(&c);
    let tokens = person.tokens(&Asking::house(), ALICE, HOUSE).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let bye = ("post_logout_redirect_uri", "https://house.example/bye?x=1");
    let back = person.post("/logout", &[("id_token_hint", hint), bye, ("state", "s")]).await;
    assert_eq!(back.left_to.unwrap().as_str(), "https://house.example/bye?x=1&state=s");
}

#[tokio::test]
async fn the_clients_of_a_session_are_told_of_its_end() {
    let website = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&website).await;
    let c = C::start().await;
    let clients = std::fs::read_to_string(c.clients_file()).unwrap();
    let told = format!("backchannel_logout_uri = \"{}/told\"\nclient_uri = \"https://site.example\"", website.uri());
    std::fs::write(c.clients_file(), clients.replace("client_uri = \"https://site.example\"", &told)).unwrap();
    // The changed file is in force within a second.
    until("the sign-out is told", async || {
        let person = Person::at(&c);
        let page = person.asked(&Asking::site()).await;
        let page = person.sign_in(&page, ALICE).await;
        if page.path == "/consent" && page.left_to.is_none() {
            person.allow(&page).await;
        }
        let page = person.open("/logout").await;
        person.send(&page, &[("decision", "logout")]).await;
        !website.received_requests().await.unwrap().is_empty()
    })
    .await;
    let told = website.received_requests().await.unwrap().remove(0);
    let form: Vec<_> = form_urlencoded::parse(&told.body).into_owned().collect();
    assert_eq!((form.len(), form[0].0.as_str()), (1, "logout_token"));
    let token = &form[0].1;
    assert_eq!(jwt::header(token)["typ"], "logout+jwt");
    assert!(jwt::is_signed_by(token, &c.json("/.well-known/jwks.json").await, jsonwebtoken::Algorithm::RS256));
    let claims = jwt::claims(token);
    assert_eq!((claims["aud"].as_str(), claims["iss"].as_str()), (Some("site"), Some(c.issuer().as_str())));
    assert_eq!(claims["events"], serde_json::json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
    assert!(claims["sid"].is_string() && claims["sub"].is_string() && claims["jti"].is_string());
    assert!(claims.get("nonce").is_none());
}
