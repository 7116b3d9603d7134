//! What clients can do that have just registered themselves.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use crate::{
    browser::{Asking, Person},
    client::{answer, until},
    jwt,
    registration::{open, open_to_all, records, register, registered, text, website},
    test_server::{ALICE, BOB, C, SHOP},
};

const CB: &str = "https://shop.example/cb";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn login(told: &Value) -> (&str, &str) {
    (text(told, "client_id"), told["client_secret"].as_str().unwrap_or_default())
}

fn asking(told: &Value, scope: &str) -> Asking {
    Asking::of(text(told, "client_id"), CB, scope)
}

/// Its URLs may lead to the stand-ins of these stories.
async fn with_stand_ins() -> C {
    C::start_with(|settings| {
        open_to_all(settings);
        settings.registration.allow_private_urls = true;
    })
    .await
}

async fn serving(at: &str, body: Value) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path(at))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn registered_website_can_log_users_in() {
    let c = open().await;
    let told = registered(
        &c,
        website(json!({
            "grant_types": ["authorization_code", "refresh_token"], "id_token_signed_response_alg": "ES256",
            "userinfo_signed_response_alg": "EdDSA",
        })),
    )
    .await;
    let asking = asking(&told, "openid email offline_access");
    let tokens = Person::at(&c).tokens(&asking, ALICE, login(&told)).await;
    let jwks = c.json("/.well-known/jwks.json").await;
    assert!(jwt::is_signed_by(text(&tokens, "id_token"), &jwks, Algorithm::ES256));
    assert_eq!(jwt::claims(text(&tokens, "id_token"))["aud"], text(&told, "client_id"));
    let info = c.userinfo(text(&tokens, "access_token")).await;
    assert_eq!(info.header("content-type"), "application/jwt");
    assert!(jwt::is_signed_by(
        &info.text,
        &c.json("/.well-known/jwks.json").await,
        Algorithm::EdDSA
    ));
    assert!(jwt::claims(&info.text)["email"].is_string());
    let next = c.refresh(login(&told), text(&tokens, "refresh_token"), &[]).await;
    assert_eq!(next.status, 200, "{next:?}");
}

#[tokio::test]
async fn registered_native_app_can_log_users_in_without_a_secret() {
    let c = open().await;
    let app = json!({
        "redirect_uris": ["http://127.0.0.1/cb", "com.example.shop:/cb"], "application_type": "native",
        "token_endpoint_auth_method": "none",
    });
    let told = registered(&c, app).await;
    for uri in ["http://127.0.0.1:51004/cb", "com.example.shop:/cb"] {
        let asking = Asking::of(text(&told, "client_id"), uri, "openid");
        let person = Person::at(&c);
        person
            .asked(&asking.clone().without("code_challenge").without("code_challenge_method"))
            .await
            .tells_client("invalid_request");
        let tokens = person.tokens(&asking, ALICE, login(&told)).await;
        assert_eq!(c.userinfo(text(&tokens, "access_token")).await.status, 200, "{uri}");
        assert!(tokens.get("refresh_token").is_none(), "it has not registered for one");
    }
}

#[tokio::test]
async fn consent_page_marks_self_registered_clients() {
    let c = open().await;
    let told = registered(
        &c,
        website(json!({
            "client_name": "<b>Shop</b>", "client_name#zh": "商店", "client_uri": "https://shop.example/",
            "logo_uri": "https://shop.example/logo.png", "policy_uri": "https://shop.example/privacy",
            "tos_uri": "https://shop.example/terms",
        })),
    )
    .await;
    let person = Person::at(&c);
    let page = person.asked(&asking(&told, "openid")).await;
    let page = person.sign_in(&page, ALICE).await;
    assert_eq!(page.path, "/consent");
    for words in ["<b>Shop</b>", "https://shop.example/", "has registered itself"] {
        page.says(words);
    }
    for part in [
        "src=\"https:&#x2f;&#x2f;shop.example&#x2f;logo.png\"",
        "referrerpolicy=\"no-referrer\"",
        "id=\"self-registered\"",
    ] {
        assert!(page.answer.text.contains(part), "{part}: {}", page.answer.text);
    }
    for link in ["privacy", "terms"] {
        assert!(page.text().contains(&format!("href=\"https://shop.example/{link}\"")), "{link}");
    }
    assert!(!page.answer.text.contains("<b>Shop"));
    assert!(page.answer.header("content-security-policy").contains("img-src 'self' https: data:"));
    let mut chinese = Person::at(&c);
    chinese.language = "zh";
    let page = chinese.asked(&asking(&told, "openid")).await;
    chinese.sign_in(&page, BOB).await.says("「商店」是自行注册的应用");
    // The house's own clients carry no such warning.
    let page = Person::at(&c).asked(&Asking::site()).await;
    assert!(!Person::at(&c).sign_in(&page, ALICE).await.answer.text.contains("self-registered"));
}

#[tokio::test]
async fn only_the_registered_auth_method_is_accepted() {
    let c = open().await;
    let post = |path: &str, fields: &[(&str, &str)]| c.post(path).form(fields);
    for (said, own) in [
        (json!({ "token_endpoint_auth_method": "client_secret_basic" }), "client_secret_basic"),
        (json!({ "token_endpoint_auth_method": "client_secret_post" }), "client_secret_post"),
        // RFC 7591 §2: who names none has registered this one.
        (json!({ "token_endpoint_auth_method": null }), "client_secret_basic"),
    ] {
        let told = registered(&c, website(said)).await;
        assert_eq!(told["token_endpoint_auth_method"], own);
        let (id, secret) = login(&told);
        for path in [
            "/oauth/token",
            "/oauth/par",
            "/oauth/introspect",
            "/oauth/revoke",
            "/oauth/device_authorization",
        ] {
            for secret in [secret, "guess"] {
                let by_basic = answer(post(path, &[]).basic_auth(id, Some(secret))).await;
                let by_post =
                    answer(post(path, &[("client_id", id), ("client_secret", secret)])).await;
                let (taken, other) = match own {
                    "client_secret_basic" => (by_basic, by_post),
                    _ => (by_post, by_basic),
                };
                if secret == "guess" {
                    // Whoever has not the secret learns nothing of the client.
                    taken.refused(401, "invalid_client", "is unknown or its secret is wrong");
                    other.refused(401, "invalid_client", "is unknown or its secret is wrong");
                } else {
                    assert_ne!(taken.status, 401, "{path}: {taken:?}");
                    other.refused(401, "invalid_client", own);
                    assert!(other.header("www-authenticate").starts_with("Basic "), "{other:?}");
                }
            }
            c.clock.advance(std::time::Duration::from_secs(60));
        }
    }
    let refused = (String::from("token"), String::from("refused"));
    let records = records(&c).await;
    let named = |(event, outcome, client, error): &(String, String, String, Option<String>)| {
        (event.clone(), outcome.clone()) == refused
            && client.starts_with("gpci_")
            && error.as_deref() == Some("invalid_client")
    };
    assert!(records.iter().any(named), "{records:?}");
    // An operator's client that names no way may take either.
    let (id, secret) = SHOP;
    let grant = ("grant_type", "client_credentials");
    for request in [
        post("/oauth/token", &[grant]).basic_auth(id, Some(secret)),
        post("/oauth/token", &[grant, ("client_id", id), ("client_secret", secret)]),
    ] {
        assert_eq!(answer(request).await.status, 200);
    }
}

#[tokio::test]
async fn only_registered_grant_types_are_accepted() {
    let c = open().await;
    let website_ = registered(&c, website(json!({}))).await;
    let fields = [
        ("client_id", login(&website_).0),
        ("client_secret", login(&website_).1),
        ("scope", "openid"),
    ];
    c.form("/oauth/device_authorization", &fields).await.refused(
        400,
        "unauthorized_client",
        "device grant",
    );
    c.granted(DEVICE, login(&website_), &[("device_code", "x")]).await.refused(
        400,
        "unauthorized_client",
        "registered",
    );
    c.granted("password", login(&website_), &[]).await.refused(
        400,
        "unsupported_grant_type",
        "not served",
    );
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    c.granted(exchange, login(&website_), &[]).await.refused(
        400,
        "unauthorized_client",
        "registered",
    );
    let device = json!({ "grant_types": [DEVICE], "redirect_uris": [CB], "token_endpoint_auth_method": "none" });
    let device = registered(&c, device).await;
    let fields = [("client_id", login(&device).0), ("scope", "openid")];
    assert_eq!(c.form("/oauth/device_authorization", &fields).await.status, 200);
    Person::at(&c).asked(&asking(&device, "openid")).await.tells_client("unauthorized_client");
    Person::at(&c)
        .asked(&asking(&website_, "openid offline_access"))
        .await
        .tells_client("invalid_scope");
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

    fn sign(&self, c: &C, told: &Value) -> Asking {
        let mut claims = json!({ "aud": c.issuer(), "iss": text(told, "client_id") });
        for (name, value) in asking(told, "openid").pairs() {
            claims[name] = json!(value);
        }
        let header = Header { kid: Some(self.kid.to_owned()), ..Header::new(self.algorithm) };
        let object = encode(&header, &claims, &self.key).unwrap();
        asking(told, "openid").with("request", &object)
    }
}

#[tokio::test]
async fn request_objects_verify_with_the_registered_jwks() {
    let c = open().await;
    let (own, other) = (Signer::new("own"), Signer::new("own"));
    let keys = json!({ "keys": [own.public()] });
    let told =
        registered(&c, website(json!({ "jwks": keys, "request_object_signing_alg": "ES256" })))
            .await;
    assert_eq!(told["jwks"], keys);
    let person = Person::at(&c);
    assert_eq!(person.asked(&own.sign(&c, &told)).await.path, "/login");
    person.asked(&other.sign(&c, &told)).await.tells_client("invalid_request_object");
    let told =
        registered(&c, website(json!({ "jwks": keys, "request_object_signing_alg": "EdDSA" })))
            .await;
    person.asked(&own.sign(&c, &told)).await.tells_client("invalid_request_object");
}

#[tokio::test]
async fn jwks_uri_is_cached_and_refetched_for_new_keys() {
    let c = with_stand_ins().await;
    let (first, second) = (Signer::new("first"), Signer::new("second"));
    let server = serving("/keys", json!({ "keys": [first.public()] })).await;
    let told =
        registered(&c, website(json!({ "jwks_uri": format!("{}/keys", server.uri()) }))).await;
    let person = Person::at(&c);
    for _ in 0..3 {
        assert_eq!(person.asked(&first.sign(&c, &told)).await.path, "/login");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 1, "they are kept");
    // Made-up names cost one request in a cool-down.
    for _ in 0..3 {
        person.asked(&second.sign(&c, &told)).await.tells_client("invalid_request_object");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
    server.reset().await;
    let rotated = ResponseTemplate::new(200)
        .set_body_json(json!({ "keys": [first.public(), second.public()] }));
    Mock::given(path("/keys")).respond_with(rotated).mount(&server).await;
    c.clock.advance(std::time::Duration::from_secs(10));
    assert_eq!(person.asked(&second.sign(&c, &told)).await.path, "/login");
    // Also for requests that are sent ahead.
    let signed = second.sign(&c, &told);
    let fields = [
        ("client_id", login(&told).0),
        ("client_secret", login(&told).1),
        ("request", signed.get("request")),
    ];
    assert_eq!(c.form("/oauth/par", &fields).await.status, 201);
    // While the client's server is away, what was fetched stays good.
    drop(server);
    c.clock.advance(std::time::Duration::from_secs(601));
    assert_eq!(person.asked(&first.sign(&c, &told)).await.path, "/login");
}

#[tokio::test]
async fn pairwise_subjects_are_stable_and_differ_by_sector() {
    let c = open().await;
    let pairwise = |host: &str| {
        website(json!({
            "redirect_uris": [format!("https://{host}/cb")], "subject_type": "pairwise",
            "post_logout_redirect_uris": [format!("https://{host}/bye")],
        }))
    };
    let (one, other) = (
        registered(&c, pairwise("shop.example")).await,
        registered(&c, pairwise("news.example")).await,
    );
    let same = registered(&c, pairwise("shop.example")).await;
    let public = registered(&c, website(json!({}))).await;
    let person = Person::at(&c);
    let mut subs = Vec::new();
    for (told, host) in [(&one, "shop"), (&other, "news"), (&same, "shop"), (&public, "shop")] {
        let asking = Asking::of(
            text(told, "client_id"),
            &format!("https://{host}.example/cb"),
            "openid profile",
        );
        let tokens = person.tokens(&asking, ALICE, login(told)).await;
        let id_token = text(&tokens, "id_token");
        let sub = jwt::claims(id_token)["sub"].as_str().unwrap().to_owned();
        let info = c.userinfo(text(&tokens, "access_token")).await.json();
        assert_eq!(
            (info["sub"].as_str(), info["nickname"].is_string()),
            (Some(sub.as_str()), true)
        );
        assert_eq!(jwt::claims(text(&tokens, "access_token"))["sub"], sub);
        // The client's own word for the user is understood.
        let silent = asking.clone().with("prompt", "none").with("id_token_hint", id_token);
        assert!(!person.asked(&silent).await.parameter("code").is_empty());
        let bob = Person::at(&c);
        bob.code(&asking, BOB).await;
        bob.asked(&silent).await.tells_client("login_required");
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
    let back = person.open(&format!("/logout?{query}")).await;
    assert_eq!(
        back.left_to.unwrap().as_str(),
        "https://shop.example/bye",
        "no question: it knows who is signed in"
    );
}

#[tokio::test]
async fn sector_identifier_uri_must_list_all_redirect_uris() {
    let c = with_stand_ins().await;
    let uris = json!(["https://shop.example/cb", "https://news.example/cb"]);
    let listed = serving(
        "/sector",
        json!(["https://news.example/cb", "https://shop.example/cb", "https://x.example"]),
    )
    .await;
    let say = |uri: String| json!({ "redirect_uris": uris, "subject_type": "pairwise", "sector_identifier_uri": uri });
    registered(&c, say(format!("{}/sector", listed.uri()))).await;
    let metadata = "invalid_client_metadata";
    register(&c, say(format!("{}/nothing", listed.uri()))).await.refused(400, metadata, "404");
    for (body, words) in [
        (json!(["https://shop.example/cb"]), "does not hold all"),
        (json!({ "uris": uris }), "no list"),
        (json!("https://shop.example/cb"), "no list"),
    ] {
        let server = serving("/sector", body).await;
        register(&c, say(format!("{}/sector", server.uri()))).await.refused(400, metadata, words);
    }
    let alone = json!({ "redirect_uris": uris, "subject_type": "pairwise" });
    register(&c, alone).await.refused(400, metadata, "needs a sector_identifier_uri");
}

#[tokio::test]
async fn logout_token_contains_the_pairwise_subject() {
    let c = with_stand_ins().await;
    let server = MockServer::start().await;
    Mock::given(path("/told")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    let more = json!({ "backchannel_logout_uri": format!("{}/told", server.uri()), "subject_type": "pairwise" });
    let told = registered(&c, website(more)).await;
    let person = Person::at(&c);
    let tokens = person.tokens(&asking(&told, "openid"), ALICE, login(&told)).await;
    let page = person.open("/logout").await;
    person.send(&page, &[("decision", "logout")]).await;
    until("the client is told", async || !server.received_requests().await.unwrap().is_empty())
        .await;
    let news = server.received_requests().await.unwrap().remove(0);
    let token = form_urlencoded::parse(&news.body).into_owned().next().unwrap().1;
    let part = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&part).unwrap();
    assert_eq!(claims["sub"], jwt::claims(text(&tokens, "id_token"))["sub"]);
}
