//! Signed authorization requests (RFC 9101).

use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use serde_json::{Map, Value, json};

use crate::{
    browser::{AuthorizationRequest, Browser, Page, s256},
    client::Credentials,
    jwt,
    test_server::{ALICE, NOON, SITE, TestServer},
};

const BROKER: Credentials<'_> = ("broker", "broker-secret-41c0ffee9a7d");
const CALLBACK: &str = "https://broker.example/cb";
/// Registered too, so that only the signature determines the redirect.
const ELSEWHERE: &str = "https://broker.example/elsewhere";

struct Signer(EncodingKey);

impl Signer {
    fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self(EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()))
    }

    /// Starts a server with a client that registered this key.
    async fn server(&self) -> TestServer {
        let jwk = serde_json::to_value(Jwk::from_encoding_key(&self.0, Algorithm::ES256).unwrap())
            .unwrap();
        let (id, secret) = BROKER;
        let (x, y) = (&jwk["x"], &jwk["y"]);
        let client = format!(
            "\n[[clients]]\nclient_id = \"{id}\"\nclient_secret = \"{secret}\"\nscopes = \"openid profile email\"\n\n\
             [clients.login]\nredirect_uris = [\"{CALLBACK}\", \"{ELSEWHERE}\"]\n\
             jwks = {{ keys = [{{ kty = \"EC\", crv = \"P-256\", kid = \"k\", x = {x}, y = {y} }}] }}\n",
        );
        TestServer::start_with(|settings| {
            let file = settings.clients_file.clone().unwrap();
            let clients = std::fs::read_to_string(&file).unwrap();
            std::fs::write(&file, clients + &client).unwrap();
        })
        .await
    }

    fn sign(&self, server: &TestServer, auth_request: &AuthorizationRequest) -> String {
        let mut claims = json!({ "iss": BROKER.0, "aud": server.issuer(), "exp": NOON + 300 });
        for (name, value) in auth_request.pairs() {
            claims[name] = match name {
                "claims" => serde_json::from_str(value).unwrap(),
                _ => Value::from(value),
            };
        }
        encode(
            &Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::ES256) },
            &claims,
            &self.0,
        )
        .unwrap()
    }
}

/// The request that the client signs.
fn wanted() -> AuthorizationRequest {
    AuthorizationRequest::new(BROKER.0, CALLBACK, "openid profile")
}

/// Parameters that an attacker adds.
fn planted() -> AuthorizationRequest {
    AuthorizationRequest::new(BROKER.0, ELSEWHERE, "openid email")
        .with("state", "planted")
        .with("nonce", "planted")
        .with("response_mode", "form_post")
        .with("prompt", "none")
        .with("code_challenge", &s256("a-verifier-that-an-attacker-has-chosen-0000000000"))
}

async fn signed_in(browser: &Browser<'_>, auth_request: &AuthorizationRequest) -> Page {
    let page = browser.authorize(auth_request).await;
    let page = browser.sign_in(&page, ALICE).await;
    // An earlier consent is remembered.
    if page.path == "/consent" { browser.allow(&page).await } else { page }
}

/// Asserts that the response follows the signed parameters.
async fn is_as_signed(server: &TestServer, page: &Page) {
    let back = page.redirected_to.as_ref().unwrap();
    assert!(back.as_str().starts_with(&format!("{CALLBACK}?")), "{back}");
    assert_eq!(page.redirect_parameter("state"), "the-state");
    let response = server.redeem_code(BROKER, &wanted(), &page.redirect_parameter("code")).await;
    assert_eq!(response.status, 200, "{response:?}");
    let tokens = response.json();
    assert_eq!(tokens["scope"], "openid profile");
    assert_eq!(jwt::claims(tokens["id_token"].as_str().unwrap())["nonce"], "the-nonce");
}

#[tokio::test]
async fn parameters_outside_the_request_object_are_ignored() {
    let signer = Signer::new();
    let server = signer.server().await;
    let object = signer.sign(&server, &wanted());
    let page = signed_in(&Browser::new(&server), &planted().with("request", &object)).await;
    is_as_signed(&server, &page).await;
    // An unregistered redirect URI outside the signed request is ignored too.
    let object = signer.sign(&server, &wanted().with("jti", "second"));
    let foreign =
        planted().with("redirect_uri", "https://evil.example/cb").with("request", &object);
    is_as_signed(&server, &signed_in(&Browser::new(&server), &foreign).await).await;
    // Parameters that the signed request omits are not taken from the query.
    let without = signer.sign(&server, &wanted().without("scope"));
    Browser::new(&server)
        .authorize(&planted().with("request", &without))
        .await
        .assert_client_error("invalid_scope");
}

#[tokio::test]
async fn request_object_of_more_than_8_kib_is_rejected() {
    let signer = Signer::new();
    let server = signer.server().await;
    let browser = Browser::new(&server);
    for (length, accepted) in [(7_000, true), (8_192, false)] {
        let wanted = wanted().with("state", &"s".repeat(length));
        let object = signer.sign(&server, &wanted);
        let page = browser.authorize(&wanted.without("state").with("request", &object)).await;
        if accepted {
            assert_eq!(page.path, "/login");
        } else {
            page.assert_client_error("invalid_request_object");
        }
    }
}

#[tokio::test]
async fn pushed_requests_can_be_signed() {
    let signer = Signer::new();
    let server = signer.server().await;
    let object = signer.sign(&server, &wanted());
    let mut pushed = planted().with("request", &object).with("client_secret", BROKER.1);
    let response = server.post_form("/oauth/par", &pushed.pairs()).await;
    assert_eq!(response.status, 201, "{response:?}");
    let uri = response.json()["request_uri"].as_str().unwrap().to_owned();
    let page = Browser::new(&server);
    let sign_in = page
        .open(&format!("/oauth/authorize?client_id={}&request_uri={uri}&state=planted", BROKER.0))
        .await;
    let consent = page.sign_in(&sign_in, ALICE).await;
    is_as_signed(&server, &page.allow(&consent).await).await;
    // A request object with another signature is rejected immediately.
    pushed = pushed.with("request", &Signer::new().sign(&server, &wanted()));
    server.post_form("/oauth/par", &pushed.pairs()).await.assert_error(
        400,
        "invalid_request_object",
        "signature",
    );
}

#[tokio::test]
async fn invalid_request_objects_are_rejected() {
    let signer = Signer::new();
    let server = signer.server().await;
    let browser = Browser::new(&server);
    let sound = signer.sign(&server, &wanted());
    let unsigned =
        format!("{}.{}.", jwt::encode(&json!({ "alg": "none" })), sound.split('.').nth(1).unwrap());
    for object in [
        Signer::new().sign(&server, &wanted()),
        unsigned,
        signer.sign(&server, &wanted().with("client_id", "site")),
    ] {
        let page = browser.authorize(&wanted().with("request", &object)).await;
        page.assert_client_error("invalid_request_object");
    }
    server.clock.advance(Duration::from_secs(306));
    browser
        .authorize(&wanted().with("request", &sound))
        .await
        .assert_client_error("invalid_request_object");
    // A client without keys cannot sign requests.
    let site = AuthorizationRequest::site().with("request", &sound);
    browser.authorize(&site).await.assert_client_error("invalid_request_object");
}

#[tokio::test]
async fn ui_locales_of_pushed_and_signed_requests_select_the_language() {
    let signer = Signer::new();
    let server = signer.server().await;
    let chinese = wanted().with("ui_locales", "zh-CN");
    let pushed = chinese.clone().with("client_secret", BROKER.1);
    let named = async || server.post_form("/oauth/par", &pushed.pairs()).await.json();
    let by_name = |named: Value| {
        let request_uri = ("request_uri", named["request_uri"].as_str().unwrap());
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("client_id", BROKER.0), request_uri])
            .finish()
    };
    let signed = |jti: &str| {
        let object = signer.sign(&server, &chinese.clone().with("jti", jti));
        wanted().with("ui_locales", "en").with("request", &object).query()
    };
    for (query, again) in [
        (chinese.query(), chinese.query()),
        (by_name(named().await), by_name(named().await)),
        (signed("1"), signed("2")),
    ] {
        let url = format!("/oauth/authorize?{query}");
        let browser = Browser::new(&server);
        let page = browser.open(&url).await;
        assert!(
            page.path == "/login" && page.response.text.contains("lang=\"zh-Hans\""),
            "{page:?}"
        );
        let page = browser.sign_in(&page, ALICE).await;
        assert!(
            page.path == "/consent" && page.response.text.contains("lang=\"zh-Hans\""),
            "{page:?}"
        );
        // A language that the user has chosen takes precedence.
        let english = Browser::new(&server);
        english.set_cookie("gatepass-language", "en");
        let page = english.open(&format!("/oauth/authorize?{again}")).await;
        assert!(page.path == "/login" && page.response.text.contains("lang=\"en\""), "{page:?}");
    }
}

#[tokio::test]
async fn request_object_is_accepted_once() {
    let signer = Signer::new();
    let server = signer.server().await;
    let pushed = |object: &str| {
        let form = [("client_id", BROKER.0), ("client_secret", BROKER.1), ("request", object)];
        let form = form.map(|(name, value)| (name, value.to_owned()));
        let server = &server;
        async move {
            server.post_form("/oauth/par", &form.each_ref().map(|(n, v)| (*n, v.as_str()))).await
        }
    };
    // With and without `jti`, by the browser and pushed.
    for (first, second) in [
        (wanted(), wanted()),
        (wanted().with("jti", "1"), wanted().with("jti", "1").with("state", "another")),
    ] {
        let (object, replayed) = (signer.sign(&server, &first), signer.sign(&server, &second));
        is_as_signed(
            &server,
            &signed_in(&Browser::new(&server), &wanted().with("request", &object)).await,
        )
        .await;
        for object in [object, replayed] {
            let browser = Browser::new(&server);
            let page = browser.authorize(&wanted().with("request", &object)).await;
            page.assert_client_error("invalid_request_object");
            pushed(&object).await.assert_error(400, "invalid_request_object", "used before");
        }
    }
    let object = signer.sign(&server, &wanted().with("jti", "2"));
    assert_eq!(pushed(&object).await.status, 201);
    pushed(&object).await.assert_error(400, "invalid_request_object", "used before");
    // An error for the client uses it up as well.
    let rejected = signer.sign(&server, &wanted().with("jti", "3").with("scope", "nonsense"));
    let page = Browser::new(&server).authorize(&wanted().with("request", &rejected)).await;
    page.assert_client_error("invalid_scope");
    let valid = signer.sign(&server, &wanted().with("jti", "3"));
    pushed(&valid).await.assert_error(400, "invalid_request_object", "used before");
    let rejected = signer.sign(&server, &wanted().with("jti", "4").with("scope", "nonsense"));
    pushed(&rejected).await.assert_error(400, "invalid_scope", "");
    let valid = signer.sign(&server, &wanted().with("jti", "4"));
    let page = Browser::new(&server).authorize(&wanted().with("request", &valid)).await;
    page.assert_client_error("invalid_request_object");
}

#[tokio::test]
async fn signed_request_continues_only_in_the_browser_that_opened_it() {
    let signer = Signer::new();
    let server = signer.server().await;
    let object = signer.sign(&server, &wanted());
    let (browser, other) = (Browser::new(&server), Browser::new(&server));
    // Names of parameters may be percent-encoded.
    let link = format!("/oauth/authorize?client_id={}&%72equest={object}", BROKER.0);
    let page = browser.open(&link).await;
    assert_eq!(page.path, "/login");
    let login = page.form().action;
    other.open(&link).await.assert_client_error("invalid_request_object");
    other.open(&login).await.assert_error_page("another browser");
    browser.sign_in(&page, ALICE).await.assert_contains("decision");
}

#[tokio::test]
async fn request_object_without_near_expiry_is_rejected() {
    let signer = Signer::new();
    let server = signer.server().await;
    for exp in [json!(NOON + 3_700), Value::Null, json!("soon")] {
        let mut claims = json!({ "iss": BROKER.0, "aud": server.issuer(), "exp": exp });
        for (name, value) in wanted().pairs() {
            claims[name] = Value::from(value);
        }
        let header = Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::ES256) };
        let object = encode(&header, &claims, &signer.0).unwrap();
        Browser::new(&server)
            .authorize(&wanted().with("request", &object))
            .await
            .assert_client_error("invalid_request_object");
    }
}

#[tokio::test]
async fn client_that_requires_signed_requests_sends_no_others() {
    let signer = Signer::new();
    let server = signer.server().await;
    server
        .change_clients_file(|clients| {
            clients.replace(
                &format!("redirect_uris = [\"{CALLBACK}\""),
                &format!("require_signed_request_object = true\nredirect_uris = [\"{CALLBACK}\""),
            )
        })
        .await;
    Browser::new(&server).authorize(&wanted()).await.assert_client_error("invalid_request");
    let unsigned = wanted().with("client_secret", BROKER.1);
    server.post_form("/oauth/par", &unsigned.pairs()).await.assert_error(
        400,
        "invalid_request",
        "must sign",
    );
    let object = signer.sign(&server, &wanted());
    let signed = wanted().with("request", &object);
    is_as_signed(&server, &signed_in(&Browser::new(&server), &signed).await).await;
}

/// Registers a key for the client `site`, without `kid`, and returns it.
async fn register_site_key(server: &TestServer) -> EncodingKey {
    let Signer(key) = Signer::new();
    let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
    let jwk = serde_json::to_value(&jwk).unwrap();
    let of = |name: &str| jwk[name].as_str().unwrap().to_owned();
    let keys = format!(
        "jwks = {{ keys = [{{ kty = \"EC\", crv = \"P-256\", alg = \"ES256\", x = \"{}\", y = \"{}\" }}] }}\n",
        of("x"),
        of("y")
    );
    server
        .change_clients_file(|clients| {
            let name = "client_name = \"The Site\"";
            clients.replace(name, &format!("{name}\n{keys}"))
        })
        .await;
    key
}

/// A request object of the client `site` that expires in a minute.
fn sign_for_site(
    server: &TestServer,
    auth_request: &AuthorizationRequest,
    key: &EncodingKey,
) -> String {
    let mut claims: Map<String, Value> = auth_request
        .pairs()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    claims.insert("iss".to_owned(), SITE.0.into());
    claims.insert("aud".to_owned(), server.issuer().into());
    claims.insert("exp".to_owned(), (server.clock.seconds() + 60).into());
    encode(&Header::new(Algorithm::ES256), &claims, key).unwrap()
}

#[tokio::test]
async fn signed_request_may_expire_during_sign_in() {
    let server = TestServer::start().await;
    let key = register_site_key(&server).await;
    let auth_request = AuthorizationRequest::site().with("scope", "openid");
    let browser = Browser::new(&server);
    let request_object = sign_for_site(&server, &auth_request, &key);
    let sent = AuthorizationRequest::new(SITE.0, "https://site.example/cb?shop=1", "openid")
        .with("request", &request_object);
    let page = browser.authorize(&sent).await;
    server.clock.advance(Duration::from_secs(120));
    let page = browser.sign_in(&page, ALICE).await;
    server.clock.advance(Duration::from_secs(120));
    let code = browser.allow(&page).await.redirect_parameter("code");
    assert_eq!(server.redeem_code(SITE, &auth_request, &code).await.status, 200);
    Browser::new(&server).authorize(&sent).await.assert_client_error("invalid_request_object");

    // The same applies to a pushed request object.
    let request_object = sign_for_site(&server, &auth_request, &key);
    let form = [("client_id", SITE.0), ("client_secret", SITE.1), ("request", &request_object)];
    let pushed = server.post_form("/oauth/par", &form).await.json();
    let browser = Browser::new(&server);
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", SITE.0)
        .append_pair("request_uri", pushed["request_uri"].as_str().unwrap())
        .finish();
    server.clock.advance(Duration::from_secs(30));
    let page = browser.open(&format!("/oauth/authorize?{query}")).await;
    server.clock.advance(Duration::from_secs(120));
    let code = browser.sign_in(&page, ALICE).await.redirect_parameter("code");
    assert_eq!(server.redeem_code(SITE, &auth_request, &code).await.status, 200);
}

#[tokio::test]
async fn claims_parameter_in_a_request_object_is_an_object() {
    let signer = Signer::new();
    let server = signer.server().await;
    let asked = wanted().with("claims", r#"{"userinfo":{"email":null}}"#);
    let request = planted().with("request", &signer.sign(&server, &asked));
    let browser = Browser::new(&server);
    let page = browser.authorize(&request).await;
    let page = browser.sign_in(&page, ALICE).await;
    page.assert_contains("details of your profile: email");
    let code = browser.allow(&page).await.redirect_parameter("code");
    let tokens = server.redeem_code(BROKER, &wanted(), &code).await.json();
    let userinfo = server.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!(userinfo["email"], "alice@example.com");
}
