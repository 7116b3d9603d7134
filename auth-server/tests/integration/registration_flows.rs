//! Flows of dynamically registered clients.

use std::sync::atomic::{AtomicU32, Ordering};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::{send, wait_until},
    jwt,
    process::succeed,
    registration::{
        enable_registration, records, register, register_client, start_with_registration, text,
        website_metadata,
    },
    test_server::{ALICE, BOB, SHOP, TestServer},
};

const CB: &str = "https://shop.example/cb";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn credentials(registration: &Value) -> (&str, &str) {
    (text(registration, "client_id"), registration["client_secret"].as_str().unwrap_or_default())
}

fn auth_request(registration: &Value, scope: &str) -> AuthorizationRequest {
    AuthorizationRequest::new(text(registration, "client_id"), CB, scope)
}

/// Starts a server that fetches client URLs from this machine's mock servers.
async fn with_stand_ins() -> TestServer {
    TestServer::start_with(|settings| {
        enable_registration(settings);
        settings.registration.allow_private_urls = true;
    })
    .await
}

async fn serving(at: &str, body: Value) -> MockServer {
    let client_site = MockServer::start().await;
    Mock::given(path(at))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .mount(&client_site)
        .await;
    client_site
}

#[tokio::test]
async fn registered_website_can_log_users_in() {
    let server = start_with_registration().await;
    let registration = register_client(
        &server,
        website_metadata(json!({
            "grant_types": ["authorization_code", "refresh_token"], "id_token_signed_response_alg": "ES256",
            "userinfo_signed_response_alg": "EdDSA",
        })),
    )
    .await;
    let auth_request = auth_request(&registration, "openid email offline_access");
    let tokens =
        Browser::new(&server).tokens(&auth_request, ALICE, credentials(&registration)).await;
    let jwks = server.get_json("/.well-known/jwks.json").await;
    assert!(jwt::is_signed_by(text(&tokens, "id_token"), &jwks, Algorithm::ES256));
    assert_eq!(jwt::claims(text(&tokens, "id_token"))["aud"], text(&registration, "client_id"));
    let info = server.userinfo(text(&tokens, "access_token")).await;
    assert_eq!(info.header("content-type"), "application/jwt");
    assert!(jwt::is_signed_by(
        &info.text,
        &server.get_json("/.well-known/jwks.json").await,
        Algorithm::EdDSA
    ));
    assert!(jwt::claims(&info.text)["email"].is_string());
    let next =
        server.refresh(credentials(&registration), text(&tokens, "refresh_token"), &[]).await;
    assert_eq!(next.status, 200, "{next:?}");
}

#[tokio::test]
async fn registered_native_app_can_log_users_in_without_a_secret() {
    let server = start_with_registration().await;
    let app = json!({
        "redirect_uris": ["http://127.0.0.1/cb", "com.example.shop:/cb"], "application_type": "native",
        "token_endpoint_auth_method": "none",
    });
    let registration = register_client(&server, app).await;
    for uri in ["http://127.0.0.1:51004/cb", "com.example.shop:/cb"] {
        let auth_request =
            AuthorizationRequest::new(text(&registration, "client_id"), uri, "openid");
        let browser = Browser::new(&server);
        browser
            .authorize(
                &auth_request.clone().without("code_challenge").without("code_challenge_method"),
            )
            .await
            .assert_error_with_link("invalid_request", uri);
        let tokens = browser.tokens(&auth_request, ALICE, credentials(&registration)).await;
        assert_eq!(server.userinfo(text(&tokens, "access_token")).await.status, 200, "{uri}");
        assert!(
            tokens.get("refresh_token").is_none(),
            "the client has not registered refresh_token"
        );
    }
}

#[tokio::test]
async fn consent_page_marks_self_registered_clients() {
    let server = start_with_registration().await;
    let registration = register_client(
        &server,
        website_metadata(json!({
            "client_name": "<b>Shop</b>", "client_name#zh": "商店", "client_uri": "https://shop.example/",
            "logo_uri": "https://shop.example/logo.png", "policy_uri": "https://shop.example/privacy",
            "tos_uri": "https://shop.example/terms",
        })),
    )
    .await;
    let browser = Browser::new(&server);
    let page = browser.authorize(&auth_request(&registration, "openid")).await;
    let page = browser.sign_in(&page, ALICE).await;
    assert_eq!(page.path, "/consent");
    for expected in ["<b>Shop</b>", "https://shop.example/", "registered itself"] {
        page.assert_contains(expected);
    }
    for part in [
        "src=\"https:&#x2f;&#x2f;shop.example&#x2f;logo.png\"",
        "referrerpolicy=\"no-referrer\"",
        "id=\"self-registered\"",
    ] {
        assert!(page.response.text.contains(part), "{part}: {}", page.response.text);
    }
    for link in ["privacy", "terms"] {
        assert!(page.text().contains(&format!("href=\"https://shop.example/{link}\"")), "{link}");
    }
    assert!(!page.response.text.contains("<b>Shop"));
    assert!(
        page.response.header("content-security-policy").contains("img-src 'self' https: data:")
    );
    let mut chinese = Browser::new(&server);
    chinese.language = "zh";
    let page = chinese.authorize(&auth_request(&registration, "openid")).await;
    chinese.sign_in(&page, BOB).await.assert_contains("「商店」是自行注册的应用");
    // Clients from the clients file have no such notice.
    let page = Browser::new(&server).authorize(&AuthorizationRequest::site()).await;
    assert!(
        !Browser::new(&server)
            .sign_in(&page, ALICE)
            .await
            .response
            .text
            .contains("self-registered")
    );
}

#[tokio::test]
async fn only_the_registered_auth_method_is_accepted() {
    let server = start_with_registration().await;
    let post = |path: &str, fields: &[(&str, &str)]| server.post(path).form(fields);
    for (metadata, own) in [
        (json!({ "token_endpoint_auth_method": "client_secret_basic" }), "client_secret_basic"),
        (json!({ "token_endpoint_auth_method": "client_secret_post" }), "client_secret_post"),
        // RFC 7591 §2: the default.
        (json!({ "token_endpoint_auth_method": null }), "client_secret_basic"),
    ] {
        let registration = register_client(&server, website_metadata(metadata)).await;
        assert_eq!(registration["token_endpoint_auth_method"], own);
        let (id, secret) = credentials(&registration);
        for path in [
            "/oauth/token",
            "/oauth/par",
            "/oauth/introspect",
            "/oauth/revoke",
            "/oauth/device_authorization",
        ] {
            for secret in [secret, "guess"] {
                let by_basic = send(post(path, &[]).basic_auth(id, Some(secret))).await;
                let by_post =
                    send(post(path, &[("client_id", id), ("client_secret", secret)])).await;
                let (taken, other) = match own {
                    "client_secret_basic" => (by_basic, by_post),
                    _ => (by_post, by_basic),
                };
                if secret == "guess" {
                    // Without the secret, the response reveals nothing about the client.
                    taken.assert_error(401, "invalid_client", "is unknown or its secret is wrong");
                    other.assert_error(401, "invalid_client", "is unknown or its secret is wrong");
                } else {
                    // Authenticated, so that the missing parameters are the error.
                    assert_eq!(taken.status, 400, "{path}: {taken:?}");
                    other.assert_error(401, "invalid_client", own);
                    assert!(other.header("www-authenticate").starts_with("Basic "), "{other:?}");
                }
            }
            server.clock.advance(std::time::Duration::from_secs(60));
        }
    }
    let refused = (String::from("token"), String::from("rejected"));
    let records = records(&server).await;
    let named = |(event, outcome, client, error): &(String, String, String, Option<String>)| {
        (event.clone(), outcome.clone()) == refused
            && client.starts_with("gpci_")
            && error.as_deref() == Some("invalid_client")
    };
    assert!(records.iter().any(named), "{records:?}");
    // A client from the clients file without a registered method can use both.
    let (id, secret) = SHOP;
    let grant = ("grant_type", "client_credentials");
    for request in [
        post("/oauth/token", &[grant]).basic_auth(id, Some(secret)),
        post("/oauth/token", &[grant, ("client_id", id), ("client_secret", secret)]),
    ] {
        assert_eq!(send(request).await.status, 200);
    }
}

#[tokio::test]
async fn only_registered_grant_types_are_accepted() {
    let server = start_with_registration().await;
    let website_ = register_client(&server, website_metadata(json!({}))).await;
    let fields = [
        ("client_id", credentials(&website_).0),
        ("client_secret", credentials(&website_).1),
        ("scope", "openid"),
    ];
    server.post_form("/oauth/device_authorization", &fields).await.assert_error(
        400,
        "unauthorized_client",
        "device grant",
    );
    server
        .token_request(DEVICE, credentials(&website_), &[("device_code", "x")])
        .await
        .assert_error(400, "unauthorized_client", "registered");
    server.token_request("password", credentials(&website_), &[]).await.assert_error(
        400,
        "unsupported_grant_type",
        "not supported",
    );
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    server.token_request(exchange, credentials(&website_), &[]).await.assert_error(
        400,
        "unauthorized_client",
        "registered",
    );
    let device = json!({ "grant_types": [DEVICE], "redirect_uris": [CB], "token_endpoint_auth_method": "none" });
    let device = register_client(&server, device).await;
    let fields = [("client_id", credentials(&device).0), ("scope", "openid")];
    assert_eq!(server.post_form("/oauth/device_authorization", &fields).await.status, 200);
    Browser::new(&server)
        .authorize(&auth_request(&device, "openid"))
        .await
        .assert_error_with_link("unauthorized_client", CB);
    Browser::new(&server)
        .authorize(&auth_request(&website_, "openid email orders:read"))
        .await
        .assert_error_with_link("invalid_scope", CB);
}

struct Signer {
    key: EncodingKey,
    kid: &'static str,
    algorithm: Algorithm,
}

impl Signer {
    fn new(kid: &'static str) -> Self {
        let key = EncodingKey::from_ec_der(&rcgen::KeyPair::generate().unwrap().serialize_der());
        Self { key, kid, algorithm: Algorithm::ES256 }
    }

    fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.kid.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    fn sign(&self, server: &TestServer, registration: &Value) -> AuthorizationRequest {
        // A request object is accepted once.
        static SIGNED: AtomicU32 = AtomicU32::new(0);
        let jti = SIGNED.fetch_add(1, Ordering::Relaxed).to_string();
        let mut claims = json!({
            "aud": server.issuer(), "iss": text(registration, "client_id"), "jti": jti,
            "exp": server.clock.seconds() + 60,
        });
        for (name, value) in auth_request(registration, "openid").pairs() {
            claims[name] = json!(value);
        }
        let header = Header { kid: Some(self.kid.to_owned()), ..Header::new(self.algorithm) };
        let object = encode(&header, &claims, &self.key).unwrap();
        auth_request(registration, "openid").with("request", &object)
    }
}

#[tokio::test]
async fn signed_requests_of_self_registered_clients_are_limited_by_address() {
    let server = TestServer::start_with(|settings| {
        enable_registration(settings);
        settings.rate_limits.pushed_authorization.burst = 2;
    })
    .await;
    let own = Signer::new("own");
    let metadata = website_metadata(json!({ "jwks": { "keys": [own.public()] } }));
    let registration = register_client(&server, metadata).await;
    let browser = Browser::new(&server);
    let authorize = async || browser.authorize(&own.sign(&server, &registration)).await;
    for _ in 0..2 {
        assert_eq!(authorize().await.path, "/login");
    }
    authorize().await.assert_error_with_link("temporarily_unavailable", CB);
    let client_id = text(&registration, "client_id");
    succeed(&["client", "approve", client_id], &server.cli_arguments()).await;
    wait_until("the client is approved", async || authorize().await.path == "/login").await;
}

#[tokio::test]
async fn request_objects_verify_with_the_registered_jwks() {
    let server = start_with_registration().await;
    let (own, other) = (Signer::new("own"), Signer::new("own"));
    let keys = json!({ "keys": [own.public()] });
    let registration = register_client(
        &server,
        website_metadata(json!({ "jwks": keys, "request_object_signing_alg": "ES256" })),
    )
    .await;
    assert_eq!(registration["jwks"], keys);
    let browser = Browser::new(&server);
    assert_eq!(browser.authorize(&own.sign(&server, &registration)).await.path, "/login");
    browser
        .authorize(&other.sign(&server, &registration))
        .await
        .assert_error_with_link("invalid_request_object", CB);
    let registration = register_client(
        &server,
        website_metadata(json!({ "jwks": keys, "request_object_signing_alg": "EdDSA" })),
    )
    .await;
    browser
        .authorize(&own.sign(&server, &registration))
        .await
        .assert_error_with_link("invalid_request_object", CB);
}

#[tokio::test]
async fn jwks_uri_is_cached_and_refetched_for_new_keys() {
    let server = with_stand_ins().await;
    let (first, second) = (Signer::new("first"), Signer::new("second"));
    let client_site = serving("/keys", json!({ "keys": [first.public()] })).await;
    let registration = register_client(
        &server,
        website_metadata(json!({ "jwks_uri": format!("{}/keys", client_site.uri()) })),
    )
    .await;
    let browser = Browser::new(&server);
    for _ in 0..3 {
        assert_eq!(browser.authorize(&first.sign(&server, &registration)).await.path, "/login");
    }
    assert_eq!(client_site.received_requests().await.unwrap().len(), 1, "the keys are cached");
    // Unknown key ids cause at most one request per cool-down.
    for _ in 0..3 {
        browser
            .authorize(&second.sign(&server, &registration))
            .await
            .assert_error_with_link("invalid_request_object", CB);
    }
    assert_eq!(client_site.received_requests().await.unwrap().len(), 1);
    client_site.reset().await;
    let rotated = ResponseTemplate::new(200)
        .set_body_json(json!({ "keys": [first.public(), second.public()] }));
    Mock::given(path("/keys")).respond_with(rotated).mount(&client_site).await;
    server.clock.advance(std::time::Duration::from_secs(10));
    assert_eq!(browser.authorize(&second.sign(&server, &registration)).await.path, "/login");
    // Pushed requests too.
    let signed = second.sign(&server, &registration);
    let fields = [
        ("client_id", credentials(&registration).0),
        ("client_secret", credentials(&registration).1),
        ("request", signed.get("request")),
    ];
    assert_eq!(server.post_form("/oauth/par", &fields).await.status, 201);
    // While the client's server is unavailable, cached keys stay valid.
    drop(client_site);
    server.clock.advance(std::time::Duration::from_secs(601));
    assert_eq!(browser.authorize(&first.sign(&server, &registration)).await.path, "/login");
}

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
        let aged = auth_request.with("max_age", "1000");
        let with_max_age = browser.tokens(&aged, ALICE, credentials(&registration)).await;
        let of = |tokens: &Value| jwt::claims(text(tokens, "id_token"));
        assert_eq!(of(&with_max_age)["auth_time"], server.clock.seconds(), "max_age asks for it");
        assert_eq!(of(&with_max_age)["sid"], of(&tokens)["sid"]);
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
    let server = with_stand_ins().await;
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
async fn sector_identifier_uri_must_list_all_redirect_uris() {
    let server = with_stand_ins().await;
    let uris = json!(["https://shop.example/cb", "https://news.example/cb"]);
    let listed = serving(
        "/sector",
        json!(["https://news.example/cb", "https://shop.example/cb", "https://x.example"]),
    )
    .await;
    let say = |uri: String| json!({ "redirect_uris": uris, "subject_type": "pairwise", "sector_identifier_uri": uri });
    register_client(&server, say(format!("{}/sector", listed.uri()))).await;
    let metadata = "invalid_client_metadata";
    register(&server, say(format!("{}/nothing", listed.uri())))
        .await
        .assert_error(400, metadata, "404");
    for (body, expected) in [
        (json!(["https://shop.example/cb"]), "does not list every one"),
        (json!({ "uris": uris }), "not a JSON array"),
        (json!("https://shop.example/cb"), "not a JSON array"),
    ] {
        let client_site = serving("/sector", body).await;
        register(&server, say(format!("{}/sector", client_site.uri())))
            .await
            .assert_error(400, metadata, expected);
    }
    let alone = json!({ "redirect_uris": uris, "subject_type": "pairwise" });
    register(&server, alone).await.assert_error(400, metadata, "requires a sector_identifier_uri");
}

#[tokio::test]
async fn logout_token_contains_the_pairwise_subject() {
    let server = with_stand_ins().await;
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
    let news = client_site.received_requests().await.unwrap().remove(0);
    let token = form_urlencoded::parse(&news.body).into_owned().next().unwrap().1;
    let part = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&part).unwrap();
    assert_eq!(claims["sub"], jwt::claims(text(&tokens, "id_token"))["sub"]);
}
