//! Pairwise subjects of dynamically registered clients (OpenID Connect Core section 8.1).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::wait_until,
    jwt,
    registered_clients::{auth_request, credentials, serving, start_with_private_urls},
    registration::{register, register_client, start_with_registration, text, website_metadata},
    test_server::{ALICE, BOB},
};

#[tokio::test]
async fn pairwise_subjects_are_stable_and_differ_by_sector() {
    let server = start_with_registration().await;
    let pairwise = |host: &str| {
        website_metadata(json!({
            "redirect_uris": [format!("https://{host}/cb")], "subject_type": "pairwise",
            "post_logout_redirect_uris": [format!("https://{host}/bye")],
        }))
    };
    let (one, other) = (
        register_client(&server, pairwise("shop.example")).await,
        register_client(&server, pairwise("news.example")).await,
    );
    let same = register_client(&server, pairwise("shop.example")).await;
    let public = register_client(&server, website_metadata(json!({}))).await;
    let browser = Browser::new(&server);
    let mut subs = Vec::new();
    for (registration, host) in
        [(&one, "shop"), (&other, "news"), (&same, "shop"), (&public, "shop")]
    {
        let auth_request = AuthorizationRequest::new(
            text(registration, "client_id"),
            &format!("https://{host}.example/cb"),
            "openid profile",
        );
        let tokens = browser.tokens(&auth_request, ALICE, credentials(registration)).await;
        let id_token = text(&tokens, "id_token");
        let sub = jwt::claims(id_token)["sub"].as_str().unwrap().to_owned();
        let info = server.userinfo(text(&tokens, "access_token")).await.json();
        assert_eq!(
            (info["sub"].as_str(), info["nickname"].is_string()),
            (Some(sub.as_str()), true)
        );
        assert_eq!(jwt::claims(text(&tokens, "access_token"))["sub"], sub);
        // A hint with the pairwise subject is accepted.
        let silent = auth_request.clone().with("prompt", "none").with("id_token_hint", id_token);
        assert!(!browser.authorize(&silent).await.redirect_parameter("code").is_empty());
        let bob = Browser::new(&server);
        bob.authorization_code(&auth_request, BOB).await;
        bob.authorize(&silent).await.assert_client_error("login_required");
        subs.push((sub, id_token.to_owned()));
    }
    assert!(
        subs[0].0 == subs[2].0
            && subs[0].0 != subs[1].0
            && subs[0].0 != subs[3].0
            && subs[1].0 != subs[3].0
    );
    let pairs = [
        ("id_token_hint", subs[0].1.as_str()),
        ("post_logout_redirect_uri", "https://shop.example/bye"),
    ];
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let back = browser.open(&format!("/logout?{query}")).await;
    assert_eq!(
        back.redirected_to.unwrap().as_str(),
        "https://shop.example/bye",
        "the hint matches the signed-in user"
    );
}

#[tokio::test]
async fn pairwise_clients_of_two_sectors_cannot_join_their_users_sessions() {
    let server = start_with_registration().await;
    let pairwise = |host: &str| {
        website_metadata(json!({
            "redirect_uris": [format!("https://{host}/cb")], "subject_type": "pairwise",
        }))
    };
    let browser = Browser::new(&server);
    let mut claims = Vec::new();
    for (host, metadata) in [
        ("shop.example", pairwise("shop.example")),
        ("shop.example", pairwise("shop.example")),
        ("news.example", pairwise("news.example")),
        ("shop.example", website_metadata(json!({}))),
    ] {
        let registration = register_client(&server, metadata).await;
        let uri = format!("https://{host}/cb");
        let auth_request =
            AuthorizationRequest::new(text(&registration, "client_id"), &uri, "openid");
        let tokens = browser.tokens(&auth_request, ALICE, credentials(&registration)).await;
        let of = |tokens: &Value| jwt::claims(text(tokens, "id_token"));
        let essential = r#"{ "id_token": { "auth_time": { "essential": true } } }"#;
        for (name, value) in [("max_age", "1000"), ("claims", essential)] {
            let asking = auth_request.clone().with(name, value);
            let with_time = browser.tokens(&asking, ALICE, credentials(&registration)).await;
            assert_eq!(of(&with_time)["auth_time"], server.clock.seconds(), "{name} asks for it");
            assert_eq!(of(&with_time)["sid"], of(&tokens)["sid"]);
        }
        let voluntary = r#"{ "id_token": { "auth_time": null } }"#;
        let voluntary = auth_request.clone().with("claims", voluntary);
        let without = browser.tokens(&voluntary, ALICE, credentials(&registration)).await;
        assert_eq!(of(&without).get("auth_time"), of(&tokens).get("auth_time"));
        claims.push(of(&tokens));
    }
    let [one, same, other, public] = &claims[..] else { panic!("four clients") };
    assert_eq!(one["sid"], same["sid"], "one sector");
    assert!(one["sid"].is_string() && one["sid"] != other["sid"]);
    assert!(one["sid"] != public["sid"] && other["sid"] != public["sid"]);
    for pairwise in [one, same, other] {
        assert!(pairwise.get("auth_time").is_none(), "{pairwise}");
    }
    assert_eq!(public["auth_time"], server.clock.seconds());
}

#[tokio::test]
async fn logout_token_has_the_session_id_of_the_pairwise_client() {
    let server = start_with_private_urls().await;
    let website = serving("/logout", json!({})).await;
    let registration = register_client(
        &server,
        website_metadata(json!({
            "subject_type": "pairwise", "backchannel_logout_uri": format!("{}/logout", website.uri()),
        })),
    )
    .await;
    let browser = Browser::new(&server);
    let auth_request = auth_request(&registration, "openid");
    let tokens = browser.tokens(&auth_request, ALICE, credentials(&registration)).await;
    let id_token = text(&tokens, "id_token");
    // The hint identifies this session, so the user confirms nothing.
    browser.open(&format!("/logout?id_token_hint={id_token}")).await.assert_contains("logged-out");
    wait_until("the client is notified", async || {
        !website.received_requests().await.unwrap().is_empty()
    })
    .await;
    let request = website.received_requests().await.unwrap().remove(0);
    let token = form_urlencoded::parse(&request.body).next().unwrap().1.into_owned();
    for claim in ["sid", "sub"] {
        assert_eq!(jwt::claims(&token)[claim], jwt::claims(id_token)[claim], "{claim}");
    }
}

#[tokio::test]
async fn logout_token_contains_the_pairwise_subject() {
    let server = start_with_private_urls().await;
    let client_site = MockServer::start().await;
    Mock::given(path("/logout-token"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&client_site)
        .await;
    let more = json!({ "backchannel_logout_uri": format!("{}/logout-token", client_site.uri()), "subject_type": "pairwise" });
    let registration = register_client(&server, website_metadata(more)).await;
    let browser = Browser::new(&server);
    let tokens = browser
        .tokens(&auth_request(&registration, "openid"), ALICE, credentials(&registration))
        .await;
    let page = browser.open("/logout").await;
    browser.submit(&page, &[("decision", "logout")]).await;
    wait_until("the client is notified", async || {
        !client_site.received_requests().await.unwrap().is_empty()
    })
    .await;
    let request = client_site.received_requests().await.unwrap().remove(0);
    let token = form_urlencoded::parse(&request.body).into_owned().next().unwrap().1;
    let part = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&part).unwrap();
    assert_eq!(claims["sub"], jwt::claims(text(&tokens, "id_token"))["sub"]);
}

#[tokio::test]
async fn sector_identifier_uri_must_list_all_redirect_uris() {
    let server = start_with_private_urls().await;
    let uris = json!(["https://shop.example/cb", "https://news.example/cb"]);
    let listed = serving(
        "/sector",
        json!(["https://news.example/cb", "https://shop.example/cb", "https://x.example"]),
    )
    .await;
    let metadata_with = |uri: String| json!({ "redirect_uris": uris, "subject_type": "pairwise", "sector_identifier_uri": uri });
    register_client(&server, metadata_with(format!("{}/sector", listed.uri()))).await;
    let metadata = "invalid_client_metadata";
    register(&server, metadata_with(format!("{}/nothing", listed.uri())))
        .await
        .assert_error(400, metadata, "404");
    for (body, expected) in [
        (json!(["https://shop.example/cb"]), "does not list every one"),
        (json!({ "uris": uris }), "not a JSON array"),
        (json!("https://shop.example/cb"), "not a JSON array"),
    ] {
        let client_site = serving("/sector", body).await;
        register(&server, metadata_with(format!("{}/sector", client_site.uri())))
            .await
            .assert_error(400, metadata, expected);
    }
    let alone = json!({ "redirect_uris": uris, "subject_type": "pairwise" });
    register(&server, alone).await.assert_error(400, metadata, "requires a sector_identifier_uri");
}
