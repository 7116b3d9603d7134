//! Logout: by a client or the user, and back-channel logout of other clients.

use std::time::Duration;

use auth_server::storage::{RetentionCutoffs, SqliteStore, Store};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::{wait_until, within_one_second},
    jwt,
    process::{run_with_input, succeed},
    registration::{register_client, start_with_registration, text, website_metadata},
    test_server::{ALICE, BOB, FORUM, PORTAL, SITE, TestServer},
};

fn query(pairs: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("/logout?{query}")
}

async fn id_token(browser: &Browser<'_>) -> String {
    browser.tokens(&AuthorizationRequest::site(), ALICE, SITE).await["id_token"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn logout_with_a_valid_hint_ends_the_session_and_redirects() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let hint = id_token(&browser).await;
    let bye = ("post_logout_redirect_uri", "https://site.example/bye");
    let back = browser.open(&query(&[("id_token_hint", &hint), bye, ("state", "s&t")])).await;
    assert_eq!(
        back.redirected_to.as_ref().unwrap().as_str(),
        "https://site.example/bye?state=s%26t"
    );
    assert!(browser.cookie("gatepass-session").is_none());
    browser
        .authorize(&AuthorizationRequest::site().with("prompt", "none"))
        .await
        .assert_client_error("login_required");
    // Without a session, the browser is redirected too.
    assert!(browser.open(&query(&[("id_token_hint", &hint), bye])).await.redirected_to.is_some());
}

#[tokio::test]
async fn session_cookie_is_invalid_after_logout() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let hint = id_token(&browser).await;
    let cookie = browser.cookie("gatepass-session").unwrap();
    browser.open(&query(&[("id_token_hint", &hint)])).await;
    browser.set_cookie("gatepass-session", &cookie);
    assert_eq!(browser.authorize(&AuthorizationRequest::site()).await.path, "/login");
}

#[tokio::test]
async fn unregistered_post_logout_redirect_uri_is_not_followed() {
    let server = TestServer::start().await;
    for uri in [
        "https://evil.example",
        "https://site.example/bye/",
        "https://site.example/cb?shop=1",
        "//evil.example",
    ] {
        let browser = Browser::new(&server);
        let hint = id_token(&browser).await;
        let page = browser
            .open(&query(&[("id_token_hint", &hint), ("post_logout_redirect_uri", uri)]))
            .await;
        assert_eq!((page.status(), page.redirected_to.is_none()), (200, true), "{uri}");
    }
    // Registered by another client than the one in the hint.
    let browser = Browser::new(&server);
    let hint = id_token(&browser).await;
    let foreign = [
        ("id_token_hint", hint.as_str()),
        ("post_logout_redirect_uri", "https://portal.example/bye?x=1"),
    ];
    assert!(browser.open(&query(&foreign)).await.redirected_to.is_none());
}

#[tokio::test]
async fn hint_of_another_client_or_session_requires_confirmation() {
    let server = TestServer::start().await;
    let (browser, elsewhere) = (Browser::new(&server), Browser::new(&server));
    let (hint, others) = (id_token(&browser).await, id_token(&elsewhere).await);
    let bye = ("post_logout_redirect_uri", "https://site.example/bye");
    let signed_in = AuthorizationRequest::site().with("prompt", "none");
    for pairs in [
        vec![("id_token_hint", hint.as_str()), ("client_id", "portal")],
        // RP-Initiated Logout §2: `client_id` must match the client of the hint.
        vec![("id_token_hint", hint.as_str()), ("client_id", "portal"), bye],
        vec![("id_token_hint", others.as_str())],
        vec![("id_token_hint", others.as_str()), ("client_id", "site"), bye],
    ] {
        let page = browser.open(&query(&pairs)).await;
        assert_eq!((page.status(), page.redirected_to.is_none()), (200, true), "{pairs:?}");
        page.assert_contains("logout-confirm");
        for browser in [&browser, &elsewhere] {
            assert!(
                !browser.authorize(&signed_in).await.redirect_parameter("code").is_empty(),
                "still signed in: {pairs:?}"
            );
        }
    }
    // Confirming does not redirect to an unverified client.
    let page = browser
        .open(&query(&[("id_token_hint", hint.as_str()), ("client_id", "portal"), bye]))
        .await;
    let page = browser.submit(&page, &[("decision", "logout")]).await;
    assert!(page.redirected_to.is_none());
    page.assert_contains("logged-out");
}

#[tokio::test]
async fn logout_without_a_valid_hint_requires_confirmation() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let hint = id_token(&browser).await;
    let bobs =
        Browser::new(&server).tokens(&AuthorizationRequest::site(), BOB, SITE).await["id_token"]
            .as_str()
            .unwrap()
            .to_owned();
    let unsigned =
        jwt::with_parts(&hint, &serde_json::json!({ "alg": "none" }), &jwt::claims(&hint));
    for pairs in
        [vec![], vec![("id_token_hint", bobs.as_str())], vec![("id_token_hint", unsigned.as_str())]]
    {
        let page = browser.open(&query(&pairs)).await;
        assert_eq!(page.status(), 200);
        page.assert_contains("logout-confirm");
        assert!(
            browser.authorize(&AuthorizationRequest::site()).await.redirected_to.is_some(),
            "still signed in"
        );
    }
    let page = browser.open("/logout").await;
    browser.submit(&page, &[("decision", "stay")]).await;
    assert!(browser.authorize(&AuthorizationRequest::site()).await.redirected_to.is_some());
    let page = browser.open("/logout").await;
    let page = browser.submit(&page, &[("decision", "logout")]).await;
    page.assert_contains("logged-out");
    assert_eq!(browser.authorize(&AuthorizationRequest::site()).await.path, "/login");
    browser.open("/logout").await.assert_contains("logged-out");
}

const BYE: (&str, &str) = ("post_logout_redirect_uri", "https://site.example/bye");

#[tokio::test]
async fn client_id_and_registered_uri_redirect_after_confirmation() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    let request = query(&[("client_id", "site"), BYE, ("state", "s&t")]);
    let page = browser.open(&request).await;
    assert_eq!((page.status(), page.redirected_to.is_none()), (200, true));
    page.assert_contains("logout-confirm");
    page.assert_contains("The Site");
    let stays = browser.submit(&page, &[("decision", "stay")]).await;
    assert_eq!((stays.path.as_str(), stays.redirected_to.is_none()), ("/account", true));
    let back = browser.submit(&page, &[("decision", "logout")]).await;
    let expected = "https://site.example/bye?state=s%26t";
    assert_eq!(back.redirected_to.as_ref().unwrap().as_str(), expected);
    browser
        .authorize(&AuthorizationRequest::site().with("prompt", "none"))
        .await
        .assert_client_error("login_required");
    // The operator added the client, so without a session the browser is redirected at once.
    let back = browser.open(&request).await;
    assert_eq!(back.redirected_to.as_ref().unwrap().as_str(), expected);
}

#[tokio::test]
async fn logout_without_hint_stays_here_unless_client_and_uri_match() {
    let server = TestServer::start().await;
    let hint = id_token(&Browser::new(&server)).await;
    let unsigned =
        jwt::with_parts(&hint, &serde_json::json!({ "alg": "none" }), &jwt::claims(&hint));
    let site = ("client_id", "site");
    for pairs in [
        vec![BYE],
        vec![("client_id", "nobody"), BYE],
        vec![("client_id", "portal"), BYE],
        vec![site, ("post_logout_redirect_uri", "https://site.example/bye/")],
        vec![site, ("post_logout_redirect_uri", "https://site.example/bye?x=1")],
        vec![site],
        // With an invalid hint, `client_id` does not count.
        vec![site, BYE, ("id_token_hint", unsigned.as_str())],
        vec![site, BYE, ("id_token_hint", "x")],
    ] {
        let browser = Browser::new(&server);
        let page = browser.open(&query(&pairs)).await;
        assert_eq!((page.status(), page.redirected_to.is_none()), (200, true), "{pairs:?}");
        page.assert_contains("logged-out");
        browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
        let page = browser.open(&query(&pairs)).await;
        page.assert_contains("logout-confirm");
        let page = browser.submit(&page, &[("decision", "logout")]).await;
        assert!(page.redirected_to.is_none(), "{pairs:?}");
        page.assert_contains("logged-out");
    }
}

#[tokio::test]
async fn self_registered_client_without_session_gets_a_link_instead_of_a_redirect() {
    let server = start_with_registration().await;
    let bye = "https://shop.example/bye";
    let registration = register_client(
        &server,
        website_metadata(serde_json::json!({ "post_logout_redirect_uris": [bye] })),
    )
    .await;
    let client_id = ("client_id", text(&registration, "client_id"));
    let browser = Browser::new(&server);
    let request = query(&[client_id, ("post_logout_redirect_uri", bye), ("state", "s")]);
    let page = browser.open(&request).await;
    assert_eq!((page.status(), page.redirected_to.is_none()), (200, true));
    page.assert_contains("href=\"https://shop.example/bye?state=s\"");
    page.assert_contains("shop.example</a>");
    // With a session, the user's confirmation permits the redirect.
    let other = AuthorizationRequest::site();
    browser.authorization_code(&other, ALICE).await;
    let page = browser.open(&request).await;
    let back = browser.submit(&page, &[("decision", "logout")]).await;
    assert_eq!(back.redirected_to.unwrap().as_str(), "https://shop.example/bye?state=s");
}

#[tokio::test]
async fn id_token_of_a_self_registered_client_does_not_make_a_redirector() {
    let server = start_with_registration().await;
    let bye = "https://shop.example/bye";
    let metadata = serde_json::json!({ "post_logout_redirect_uris": [bye] });
    let registration = register_client(&server, website_metadata(metadata)).await;
    let (client_id, cb) = (text(&registration, "client_id"), "https://shop.example/cb");
    let own = AuthorizationRequest::new(client_id, cb, "openid");
    let credentials = (client_id, text(&registration, "client_secret"));
    let tokens = Browser::new(&server).tokens(&own, ALICE, credentials).await;
    let hint = ("id_token_hint", tokens["id_token"].as_str().unwrap());
    let request = query(&[hint, ("post_logout_redirect_uri", bye), ("state", "s")]);
    let page = Browser::new(&server).open(&request).await;
    assert_eq!((page.status(), page.redirected_to.is_none()), (200, true));
    page.assert_contains("href=\"https://shop.example/bye?state=s\"");
}

#[tokio::test]
async fn post_logout_redirect_uri_keeps_its_query() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let tokens = browser.tokens(&AuthorizationRequest::portal(), ALICE, PORTAL).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let bye = ("post_logout_redirect_uri", "https://portal.example/bye?x=1");
    let back = browser.post("/logout", &[("id_token_hint", hint), bye, ("state", "s")]).await;
    assert_eq!(back.redirected_to.unwrap().as_str(), "https://portal.example/bye?x=1&state=s");
}

/// A server whose client `site` has a back-channel logout URI, and that client's HTTP server.
async fn with_backchannel_logout(response: ResponseTemplate) -> (TestServer, MockServer) {
    let website = MockServer::start().await;
    Mock::given(method("POST")).respond_with(response).mount(&website).await;
    let server = TestServer::start().await;
    server
        .change_clients_file(|clients| {
            let client_uri = "client_uri = \"https://site.example\"";
            let logout_uri = format!("backchannel_logout_uri = \"{}/logout\"", website.uri());
            clients.replace(client_uri, &format!("{logout_uri}\n{client_uri}"))
        })
        .await;
    (server, website)
}

async fn logout_tokens(website: &MockServer) -> Vec<serde_json::Value> {
    let requests = website.received_requests().await.unwrap();
    let token = |body: &[u8]| form_urlencoded::parse(body).next().unwrap().1.into_owned();
    requests.iter().map(|request| jwt::claims(&token(&request.body))).collect()
}

fn sid(tokens: &serde_json::Value) -> serde_json::Value {
    jwt::claims(tokens["id_token"].as_str().unwrap())["sid"].clone()
}

#[tokio::test]
async fn logout_token_is_sent_to_the_clients_of_the_session() {
    let (server, website) = with_backchannel_logout(ResponseTemplate::new(200)).await;
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    let page = browser.open("/logout").await;
    browser.submit(&page, &[("decision", "logout")]).await;
    wait_until("the client is notified", async || {
        !website.received_requests().await.unwrap().is_empty()
    })
    .await;
    let request = website.received_requests().await.unwrap().remove(0);
    let form: Vec<_> = form_urlencoded::parse(&request.body).into_owned().collect();
    assert_eq!((form.len(), form[0].0.as_str()), (1, "logout_token"));
    let token = &form[0].1;
    assert_eq!(jwt::header(token)["typ"], "logout+jwt");
    assert!(jwt::is_signed_by(
        token,
        &server.get_json("/.well-known/jwks.json").await,
        jsonwebtoken::Algorithm::RS256
    ));
    let claims = jwt::claims(token);
    assert_eq!(
        (claims["aud"].as_str(), claims["iss"].as_str()),
        (Some("site"), Some(server.issuer().as_str()))
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
    let (server, website) = with_backchannel_logout(ResponseTemplate::new(200)).await;
    let browser = Browser::new(&server);
    let tokens = browser.tokens(&AuthorizationRequest::site(), ALICE, SITE).await;
    server.clock.advance(Duration::from_secs(1_860));
    let expired = RetentionCutoffs {
        tokens: server.clock.seconds(),
        revocations: 0,
        keys: 0,
        audit_millis: 0,
        sessions: 0,
    };
    let database = server.settings.data_dir.join("auth-server.db");
    let store = SqliteStore::open(&database).await.unwrap();
    while store.delete_expired(expired).await.unwrap() > 0 {}
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(server.userinfo(access).await.status, 401);
    browser.open("/account").await.assert_contains("The Site");
    let page = browser.open("/logout").await;
    browser.submit(&page, &[("decision", "logout")]).await;
    wait_until("the client is notified", async || !logout_tokens(&website).await.is_empty()).await;
    assert_eq!(logout_tokens(&website).await[0]["sid"], sid(&tokens));
}

#[tokio::test]
async fn new_sign_in_keeps_the_session_and_another_user_ends_it() {
    let (server, website) = with_backchannel_logout(ResponseTemplate::new(200)).await;
    let browser = Browser::new(&server);
    let first = browser.tokens(&AuthorizationRequest::site(), ALICE, SITE).await;
    let online = browser.tokens(&AuthorizationRequest::forum(), ALICE, FORUM).await;
    let refresh_token = online["refresh_token"].as_str().unwrap().to_owned();
    let old_cookie = browser.cookie("gatepass-session").unwrap();

    let second =
        browser.tokens(&AuthorizationRequest::site().with("prompt", "login"), ALICE, SITE).await;
    assert_eq!(sid(&second), sid(&first));
    let thief = Browser::new(&server);
    thief.set_cookie("gatepass-session", &old_cookie);
    assert_eq!(
        thief.authorize(&AuthorizationRequest::site()).await.path,
        "/login",
        "only with a new cookie"
    );
    let refreshed = server.refresh(FORUM, &refresh_token, &[]).await.json();
    let refresh_token = refreshed["refresh_token"].as_str().unwrap().to_owned();
    assert!(logout_tokens(&website).await.is_empty());

    let bobs =
        browser.tokens(&AuthorizationRequest::site().with("prompt", "login"), BOB, SITE).await;
    assert_ne!(sid(&bobs), sid(&first));
    wait_until("the end of alice's session is delivered", async || {
        !logout_tokens(&website).await.is_empty()
    })
    .await;
    assert_eq!(logout_tokens(&website).await[0]["sid"], sid(&first));
    server.refresh(FORUM, &refresh_token, &[]).await.assert_error(400, "invalid_grant", "revoked");
}

#[tokio::test]
async fn id_token_hint_stays_valid_after_a_new_sign_in() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let hint = id_token(&browser).await;
    browser.authorization_code(&AuthorizationRequest::site().with("prompt", "login"), ALICE).await;
    let bye = ("post_logout_redirect_uri", "https://site.example/bye");
    assert!(
        browser.open(&query(&[("id_token_hint", &hint), bye])).await.redirected_to.is_some(),
        "without confirmation"
    );
}

#[tokio::test]
async fn password_change_and_user_disable_send_logout_tokens() {
    let (server, website) = with_backchannel_logout(ResponseTemplate::new(200)).await;
    let alice = Browser::new(&server).tokens(&AuthorizationRequest::site(), ALICE, SITE).await;
    let output = run_with_input(
        &["user", "set-password", "alice"],
        &server.cli_arguments(),
        "another wonderland",
    )
    .await;
    assert_eq!(output.code, Some(0), "{output:?}");
    wait_until("the password change is delivered", async || {
        logout_tokens(&website).await.len() == 1
    })
    .await;
    let bob = Browser::new(&server).tokens(&AuthorizationRequest::site(), BOB, SITE).await;
    succeed(&["user", "disable", "bob"], &server.cli_arguments()).await;
    wait_until("the disabled user is delivered", async || logout_tokens(&website).await.len() == 2)
        .await;
    let sids: Vec<_> =
        logout_tokens(&website).await.iter().map(|claims| claims["sid"].clone()).collect();
    assert_eq!(sids, [sid(&alice), sid(&bob)]);
}

#[tokio::test]
async fn failed_logout_delivery_is_retried_after_a_restart() {
    let (server, website) = with_backchannel_logout(ResponseTemplate::new(503)).await;
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    let page = browser.open("/logout").await;
    browser.submit(&page, &[("decision", "logout")]).await;
    wait_until("the first delivery was attempted", async || {
        !logout_tokens(&website).await.is_empty()
    })
    .await;
    let server = server.restart_with(|_| ()).await;
    website.reset().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&website).await;
    server.clock.advance(Duration::from_secs(61));
    wait_until("the retry is delivered", async || logout_tokens(&website).await.len() == 1).await;
    // Due notifications are sent together, so that of a second session comes no earlier than
    // another one of the first.
    server.clock.advance(Duration::from_secs(61));
    let second = Browser::new(&server).tokens(&AuthorizationRequest::site(), BOB, SITE).await;
    succeed(&["user", "sign-out", "bob"], &server.cli_arguments()).await;
    wait_until("the second session is delivered", async || {
        logout_tokens(&website).await.last().is_some_and(|token| token["sid"] == sid(&second))
    })
    .await;
    assert_eq!(logout_tokens(&website).await.len(), 2, "no delivery after a success");
}

#[tokio::test]
async fn slow_client_does_not_delay_logout_delivery_to_others() {
    let never = || ResponseTemplate::new(200).set_delay(Duration::from_secs(3_600));
    let (server, site) = with_backchannel_logout(never()).await;
    let portal = MockServer::start().await;
    Mock::given(method("POST")).respond_with(never()).mount(&portal).await;
    server
        .change_clients_file(|clients| {
            let first_party = "first_party = true";
            let logout_uri = format!("backchannel_logout_uri = \"{}/logout\"", portal.uri());
            clients.replace(first_party, &format!("{logout_uri}\n{first_party}"))
        })
        .await;
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    browser.authorization_code(&AuthorizationRequest::portal(), ALICE).await;
    let page = browser.open("/logout").await;
    browser.submit(&page, &[("decision", "logout")]).await;
    // Neither client ever responds, and one second is less than the timeout of a delivery: the
    // second client is notified only if deliveries run in parallel.
    within_one_second("both clients are notified", async || {
        !logout_tokens(&site).await.is_empty() && !logout_tokens(&portal).await.is_empty()
    })
    .await;
}
