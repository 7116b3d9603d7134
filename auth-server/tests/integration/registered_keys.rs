//! Keys of dynamically registered clients, which verify their request objects (RFC 9101).

use std::sync::atomic::{AtomicU32, Ordering};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use serde_json::{Value, json};
use wiremock::{Mock, ResponseTemplate, matchers::path};

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::wait_until,
    process::succeed,
    registered_clients::{CB, auth_request, credentials, serving, start_with_private_urls},
    registration::{
        enable_registration, register_client, start_with_registration, text, website_metadata,
    },
    test_server::TestServer,
};

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
    let server = start_with_private_urls().await;
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
