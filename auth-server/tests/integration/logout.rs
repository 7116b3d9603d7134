//! The end of a session: asked for by a client, by the user, and told to the others.

use std::time::Duration;

use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

use crate::{
    browser::{Asking, Person},
    client::until,
    jwt,
    process::{run_with_input, succeed},
    test_server::{ALICE, BOB, C, FORUM, HOUSE, SITE},
};

fn query(pairs: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("/logout?{query}")
}

async fn id_token(person: &Person<'_>) -> String {
    person.tokens(&Asking::site(), ALICE, SITE).await["id_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn logout_with_a_valid_hint_ends_the_session_and_redirects() {
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
async fn session_cookie_is_invalid_after_logout() {
    let c = C::start().await;
    let person = Person::at(&c);
    let hint = id_token(&person).await;
    let cookie = person.cookie("gatepass-session").unwrap();
    person.open(&query(&[("id_token_hint", &hint)])).await;
    person.plant("gatepass-session", &cookie);
    assert_eq!(person.asked(&Asking::site()).await.path, "/login");
}

#[tokio::test]
async fn unregistered_post_logout_redirect_uri_is_not_followed() {
    let c = C::start().await;
    for uri in [
        "https://evil.example",
        "https://site.example/bye/",
        "https://site.example/cb?shop=1",
        "//evil.example",
    ] {
        let person = Person::at(&c);
        let hint = id_token(&person).await;
        let page = person
            .open(&query(&[("id_token_hint", &hint), ("post_logout_redirect_uri", uri)]))
            .await;
        assert_eq!((page.status(), page.left_to.is_none()), (200, true), "{uri}");
    }
    // Registered by another client than the one that the hint was made for.
    let person = Person::at(&c);
    let hint = id_token(&person).await;
    let foreign = [
        ("id_token_hint", hint.as_str()),
        ("post_logout_redirect_uri", "https://house.example/bye?x=1"),
    ];
    assert!(person.open(&query(&foreign)).await.left_to.is_none());
}

#[tokio::test]
async fn hint_of_another_client_or_session_requires_confirmation() {
    let c = C::start().await;
    let (person, elsewhere) = (Person::at(&c), Person::at(&c));
    let (hint, others) = (id_token(&person).await, id_token(&elsewhere).await);
    let bye = ("post_logout_redirect_uri", "https://site.example/bye");
    let signed_in = Asking::site().with("prompt", "none");
    for pairs in [
        vec![("id_token_hint", hint.as_str()), ("client_id", "house")],
        // RP-Initiated Logout §2: who asks has to be the one that the hint was made for.
        vec![("id_token_hint", hint.as_str()), ("client_id", "house"), bye],
        vec![("id_token_hint", others.as_str())],
        vec![("id_token_hint", others.as_str()), ("client_id", "site"), bye],
    ] {
        let page = person.open(&query(&pairs)).await;
        assert_eq!((page.status(), page.left_to.is_none()), (200, true), "{pairs:?}");
        page.says("logout-confirm");
        for browser in [&person, &elsewhere] {
            assert!(
                !browser.asked(&signed_in).await.parameter("code").is_empty(),
                "still signed in: {pairs:?}"
            );
        }
    }
    // A yes to a client that has proved nothing leads nowhere.
    let page =
        person.open(&query(&[("id_token_hint", hint.as_str()), ("client_id", "house"), bye])).await;
    let page = person.send(&page, &[("decision", "logout")]).await;
    assert!(page.left_to.is_none());
    page.says("logged-out");
}

#[tokio::test]
async fn logout_without_a_valid_hint_requires_confirmation() {
    let c = C::start().await;
    let person = Person::at(&c);
    let hint = id_token(&person).await;
    let bobs = Person::at(&c).tokens(&Asking::site(), BOB, SITE).await["id_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let unsigned =
        jwt::with_parts(&hint, &serde_json::json!({ "alg": "none" }), &jwt::claims(&hint));
    for pairs in
        [vec![], vec![("id_token_hint", bobs.as_str())], vec![("id_token_hint", unsigned.as_str())]]
    {
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
async fn post_logout_redirect_uri_keeps_its_query() {
    let c = C::start().await;
    let person = Person::at(&c);
    let tokens = person.tokens(&Asking::house(), ALICE, HOUSE).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let bye = ("post_logout_redirect_uri", "https://house.example/bye?x=1");
    let back = person.post("/logout", &[("id_token_hint", hint), bye, ("state", "s")]).await;
    assert_eq!(back.left_to.unwrap().as_str(), "https://house.example/bye?x=1&state=s");
}

/// A C whose site wants to be told of sign-outs, and the site.
async fn with_a_site_that_listens(answer: ResponseTemplate) -> (C, MockServer) {
    let website = MockServer::start().await;
    Mock::given(method("POST")).respond_with(answer).mount(&website).await;
    let c = C::start().await;
    let clients = std::fs::read_to_string(c.clients_file()).unwrap();
    let told = format!(
        "backchannel_logout_uri = \"{}/told\"\nclient_uri = \"https://site.example\"",
        website.uri()
    );
    std::fs::write(
        c.clients_file(),
        clients.replace("client_uri = \"https://site.example\"", &told),
    )
    .unwrap();
    // A client that came with the same change is the sign that it is in force.
    let late = "\n[[clients]]\nclient_id = \"late\"\nclient_secret = \"late secret\"\n";
    let text = std::fs::read_to_string(c.clients_file()).unwrap();
    std::fs::write(c.clients_file(), text + late).unwrap();
    until("the changed file is in force", async || c.lets_in(("late", "late secret")).await).await;
    (c, website)
}

async fn news(website: &MockServer) -> Vec<serde_json::Value> {
    let told = website.received_requests().await.unwrap();
    let token = |body: &[u8]| form_urlencoded::parse(body).next().unwrap().1.into_owned();
    told.iter().map(|told| jwt::claims(&token(&told.body))).collect()
}

async fn let_background_run(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

fn sid(tokens: &serde_json::Value) -> serde_json::Value {
    jwt::claims(tokens["id_token"].as_str().unwrap())["sid"].clone()
}

#[tokio::test]
async fn logout_token_is_sent_to_the_clients_of_the_session() {
    let (c, website) = with_a_site_that_listens(ResponseTemplate::new(200)).await;
    let person = Person::at(&c);
    person.code(&Asking::site(), ALICE).await;
    let page = person.open("/logout").await;
    person.send(&page, &[("decision", "logout")]).await;
    until("the sign-out is told", async || !website.received_requests().await.unwrap().is_empty())
        .await;
    let told = website.received_requests().await.unwrap().remove(0);
    let form: Vec<_> = form_urlencoded::parse(&told.body).into_owned().collect();
    assert_eq!((form.len(), form[0].0.as_str()), (1, "logout_token"));
    let token = &form[0].1;
    assert_eq!(jwt::header(token)["typ"], "logout+jwt");
    assert!(jwt::is_signed_by(
        token,
        &c.json("/.well-known/jwks.json").await,
        jsonwebtoken::Algorithm::RS256
    ));
    let claims = jwt::claims(token);
    assert_eq!(
        (claims["aud"].as_str(), claims["iss"].as_str()),
        (Some("site"), Some(c.issuer().as_str()))
    );
    assert_eq!(
        claims["events"],
        serde_json::json!({ "http://schemas.openid.net/event/backchannel-logout": {} })
    );
    assert!(claims["sid"].is_string() && claims["sub"].is_string() && claims["jti"].is_string());
    assert!(claims.get("nonce").is_none());
}

#[tokio::test]
async fn logout_token_is_sent_after_all_tokens_expired() {
    let (c, website) = with_a_site_that_listens(ResponseTemplate::new(200)).await;
    let person = Person::at(&c);
    let tokens = person.tokens(&Asking::site(), ALICE, SITE).await;
    c.clock.advance(Duration::from_secs(1_860));
    let_background_run(6).await;
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(c.userinfo(access).await.status, 401);
    person.open("/account").await.says("The Site");
    let page = person.open("/logout").await;
    person.send(&page, &[("decision", "logout")]).await;
    until("the sign-out is told", async || !news(&website).await.is_empty()).await;
    assert_eq!(news(&website).await[0]["sid"], sid(&tokens));
}

#[tokio::test]
async fn new_sign_in_keeps_the_session_and_another_user_ends_it() {
    let (c, website) = with_a_site_that_listens(ResponseTemplate::new(200)).await;
    let person = Person::at(&c);
    let first = person.tokens(&Asking::site(), ALICE, SITE).await;
    let online = person.tokens(&Asking::forum(), ALICE, FORUM).await;
    let refresh_token = online["refresh_token"].as_str().unwrap().to_owned();
    let old_cookie = person.cookie("gatepass-session").unwrap();

    let again = person.tokens(&Asking::site().with("prompt", "login"), ALICE, SITE).await;
    assert_eq!(sid(&again), sid(&first));
    let thief = Person::at(&c);
    thief.plant("gatepass-session", &old_cookie);
    assert_eq!(thief.asked(&Asking::site()).await.path, "/login", "under a new cookie alone");
    let refreshed = c.refresh(FORUM, &refresh_token, &[]).await.json();
    let refresh_token = refreshed["refresh_token"].as_str().unwrap().to_owned();
    assert!(news(&website).await.is_empty());

    let bobs = person.tokens(&Asking::site().with("prompt", "login"), BOB, SITE).await;
    assert_ne!(sid(&bobs), sid(&first));
    until("the end of alice's session is told", async || !news(&website).await.is_empty()).await;
    assert_eq!(news(&website).await[0]["sid"], sid(&first));
    c.refresh(FORUM, &refresh_token, &[]).await.refused(400, "invalid_grant", "void");
}

#[tokio::test]
async fn id_token_hint_stays_valid_after_a_new_sign_in() {
    let c = C::start().await;
    let person = Person::at(&c);
    let hint = id_token(&person).await;
    person.code(&Asking::site().with("prompt", "login"), ALICE).await;
    let bye = ("post_logout_redirect_uri", "https://site.example/bye");
    assert!(
        person.open(&query(&[("id_token_hint", &hint), bye])).await.left_to.is_some(),
        "without a question"
    );
}

#[tokio::test]
async fn password_change_and_user_disable_send_logout_tokens() {
    let (c, website) = with_a_site_that_listens(ResponseTemplate::new(200)).await;
    let alice = Person::at(&c).tokens(&Asking::site(), ALICE, SITE).await;
    let said =
        run_with_input(&["user", "set-password", "alice"], &c.arguments(), "another wonderland")
            .await;
    assert_eq!(said.code, Some(0), "{said:?}");
    until("the new password is told", async || news(&website).await.len() == 1).await;
    let bob = Person::at(&c).tokens(&Asking::site(), BOB, SITE).await;
    succeed(&["user", "disable", "bob"], &c.arguments()).await;
    until("the disabled user is told", async || news(&website).await.len() == 2).await;
    let told: Vec<_> = news(&website).await.iter().map(|news| news["sid"].clone()).collect();
    assert_eq!(told, [sid(&alice), sid(&bob)]);
}

#[tokio::test]
async fn failed_logout_delivery_is_retried_after_a_restart() {
    let (c, website) = with_a_site_that_listens(ResponseTemplate::new(503)).await;
    let person = Person::at(&c);
    person.code(&Asking::site(), ALICE).await;
    let page = person.open("/logout").await;
    person.send(&page, &[("decision", "logout")]).await;
    until("it was tried", async || !news(&website).await.is_empty()).await;
    let c = c.restart_with(|_| ()).await;
    website.reset().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&website).await;
    c.clock.advance(Duration::from_secs(61));
    until("it is told", async || news(&website).await.len() == 1).await;
    c.clock.advance(Duration::from_secs(61));
    let_background_run(2).await;
    assert_eq!(news(&website).await.len(), 1, "once it has heard, it is told no more");
}

#[tokio::test]
async fn slow_client_does_not_delay_logout_delivery_to_others() {
    let (c, quick) = with_a_site_that_listens(ResponseTemplate::new(200)).await;
    let slow = MockServer::start().await;
    let never = ResponseTemplate::new(200).set_delay(Duration::from_secs(3_600));
    Mock::given(method("POST")).respond_with(never).mount(&slow).await;
    let clients = std::fs::read_to_string(c.clients_file()).unwrap();
    let told = format!("backchannel_logout_uri = \"{}/told\"\nfirst_party = true", slow.uri());
    let changed =
        clients.replace("first_party = true", &told).replace("late secret", "later secret");
    std::fs::write(c.clients_file(), changed).unwrap();
    until("the changed file is in force", async || c.lets_in(("late", "later secret")).await).await;
    let person = Person::at(&c);
    person.code(&Asking::site(), ALICE).await;
    person.code(&Asking::house(), ALICE).await;
    let page = person.open("/logout").await;
    let ended = std::time::Instant::now();
    person.send(&page, &[("decision", "logout")]).await;
    until("the quick one is told", async || !news(&quick).await.is_empty()).await;
    until("the slow one was asked", async || !news(&slow).await.is_empty()).await;
    assert!(ended.elapsed() < Duration::from_secs(5), "before the slow one is given up");
}
