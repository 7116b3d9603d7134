//! Responses of a resource server, over a real socket.

use std::time::Duration;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use oauth_types::AccessToken;
use reqwest::RequestBuilder;
use serde_json::json;
use test_support::{
    http::{TestClient, TestResponse, send},
    mock::status,
    signer::Signer,
};
use token_verifier::{
    Authorized, ErrorDetail, LocalSettings, RequiredScope, Verifier, reject_token_in_form_body,
};

use crate::{
    setup::{
        AuthServer, ISSUER, NOW, RESOURCE, ResourceRead, inactive, introspection_settings, keys,
        serve,
    },
    signer::SignAccessToken,
};

struct ResourceWrite;

impl RequiredScope for ResourceWrite {
    const SCOPE: &'static str = "resource:write";
}

/// Starts a typical resource server.
async fn start(verifier: Verifier) -> TestClient {
    let app = Router::new()
        .route(
            "/read",
            get(async |token: Authorized<ResourceRead>| {
                token.subject().unwrap_or_default().to_owned()
            }),
        )
        .route("/write", post(async |_: Authorized<ResourceWrite>, body: String| body))
        .layer(from_fn_with_state(verifier.clone(), reject_token_in_form_body))
        .with_state(verifier);
    TestClient::new(serve(app).await)
}

struct ResourceServer {
    c: AuthServer,
    signer: Signer,
    client: TestClient,
}

impl ResourceServer {
    async fn new(detail: ErrorDetail) -> Self {
        let signer = Signer::es256("1");
        let c = AuthServer::with_keys([&signer]).await;
        let verifier = c.builder().local(LocalSettings::default()).detail(detail).build().unwrap();
        Self { c, signer, client: start(verifier).await }
    }

    fn read(&self) -> RequestBuilder {
        self.client.request("GET", "/read")
    }

    fn write(&self) -> RequestBuilder {
        self.client.post("/write")
    }

    async fn rejection_of(&self, token: &AccessToken) -> Rejection {
        Rejection::receive(self.read().bearer_auth(token.expose())).await
    }
}

#[derive(Debug)]
struct Rejection(TestResponse);

impl Rejection {
    async fn receive(request: RequestBuilder) -> Self {
        let response = send(request).await;
        assert_eq!(response.header("cache-control"), "no-store");
        Self(response)
    }

    fn challenge(&self) -> &str {
        self.0.header("www-authenticate")
    }

    #[track_caller]
    fn assert_error(&self, status: u16, error: &str) {
        self.0.assert_bearer_error(status, error, "");
        self.assert_names_metadata();
    }

    #[track_caller]
    fn assert_names_metadata(&self) {
        let begin = format!(r#"Bearer realm="{RESOURCE}""#);
        let metadata =
            format!(r#"resource_metadata="{RESOURCE}/.well-known/oauth-protected-resource""#);
        let challenge = self.challenge();
        assert!(challenge.starts_with(&begin) && challenge.contains(&metadata), "{self:?}");
    }
}

#[tokio::test]
async fn valid_token_is_accepted() {
    let server = ResourceServer::new(ErrorDetail::Terse).await;
    let response = send(server.read().bearer_auth(server.signer.token().expose())).await;
    assert_eq!((response.status, response.text.as_str()), (200, "service-a"));
}

#[tokio::test]
async fn missing_token_gets_a_challenge_without_error_code() {
    let server = ResourceServer::new(ErrorDetail::Terse).await;
    for request in [server.read(), server.read().basic_auth("service-a", Some("abc123"))] {
        let rejection = Rejection::receive(request).await;
        assert_eq!(rejection.0.status, 401);
        assert!(
            !rejection.challenge().contains("error") && rejection.0.json().get("error").is_none(),
            "{rejection:?}"
        );
        rejection.assert_names_metadata();
    }
}

#[tokio::test]
async fn rejected_token_gets_invalid_token_error() {
    let server = ResourceServer::new(ErrorDetail::Terse).await;
    let expired = server.signer.token_with(|_, claims| claims["exp"] = json!(NOW - 60));
    for invalid in [expired, Signer::es256("1").token(), AccessToken::new("opaque")] {
        server.rejection_of(&invalid).await.assert_error(401, "invalid_token");
    }
}

#[tokio::test]
async fn insufficient_scope_error_names_the_required_scope() {
    let server = ResourceServer::new(ErrorDetail::Terse).await;
    let rejection =
        Rejection::receive(server.write().bearer_auth(server.signer.token().expose())).await;
    rejection.assert_error(403, "insufficient_scope");
    assert!(rejection.challenge().contains(r#"scope="resource:write""#), "{rejection:?}");
    assert!(
        !rejection.challenge().contains("resource:read"),
        "terse detail does not reveal the granted scope: {rejection:?}"
    );
}

#[tokio::test]
async fn scope_must_match_exactly() {
    let server = ResourceServer::new(ErrorDetail::Terse).await;
    for scope in ["resource:readonly", "resource", "RESOURCE:READ", ""] {
        let token = server.signer.token_with(|_, claims| claims["scope"] = json!(scope));
        server.rejection_of(&token).await.assert_error(403, "insufficient_scope");
    }
}

#[tokio::test]
async fn token_in_the_query_string_is_rejected() {
    let server = ResourceServer::new(ErrorDetail::Terse).await;
    let token = server.signer.token();
    for name in ["access_token", "acc%65ss_token", "x=1&access_token"] {
        let read = || server.client.request("GET", &format!("/read?{name}={}", token.expose()));
        Rejection::receive(read()).await.assert_error(400, "invalid_request");
        Rejection::receive(read().bearer_auth(token.expose()))
            .await
            .assert_error(400, "invalid_request");
    }
    let other = server.read().query(&[("my_access_token", "x")]).bearer_auth(token.expose());
    assert_eq!(send(other).await.status, 200);
}

#[tokio::test]
async fn token_in_the_form_body_is_rejected() {
    let server = ResourceServer::new(ErrorDetail::Terse).await;
    let token = server.signer.token_with(|_, claims| claims["scope"] = json!("resource:write"));
    let form = || server.write().form(&[("order", "1"), ("access_token", token.expose())]);
    Rejection::receive(form()).await.assert_error(400, "invalid_request");
    Rejection::receive(form().bearer_auth(token.expose()))
        .await
        .assert_error(400, "invalid_request");
    let other = send(server.write().form(&[("order", "1")]).bearer_auth(token.expose())).await;
    assert_eq!((other.status, other.text.as_str()), (200, "order=1"));
    let json = server
        .write()
        .body("access_token=x")
        .header("content-type", "text/plain")
        .bearer_auth(token.expose());
    assert_eq!(send(json).await.status, 200, "only form bodies are searched for a token");
}

#[tokio::test]
async fn repeated_or_malformed_authorization_header_is_rejected() {
    let server = ResourceServer::new(ErrorDetail::Terse).await;
    let token = server.signer.token();
    let two = server.read().bearer_auth(token.expose()).basic_auth("service-a", Some("abc123"));
    Rejection::receive(two).await.assert_error(400, "invalid_request");
    for malformed in ["Bearer", "Bearer ", "Bearer a b", "Bearer a, Bearer b"] {
        Rejection::receive(server.read().header("authorization", malformed))
            .await
            .assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn only_full_detail_includes_compared_values() {
    let other = "https://other.example";
    for (detail, has_values) in [(ErrorDetail::Full, true), (ErrorDetail::Terse, false)] {
        let server = ResourceServer::new(detail).await;
        let rejection = server
            .rejection_of(&server.signer.token_with(|_, claims| claims["aud"] = json!(other)))
            .await;
        rejection.assert_error(401, "invalid_token");
        let description = rejection.0.member("error_description");
        assert_eq!(
            description.contains(other) && description.contains(RESOURCE),
            has_values,
            "{description}"
        );
        assert_eq!(rejection.challenge().contains(other), has_values);
    }
}

#[tokio::test]
async fn claims_cannot_add_challenge_parameters() {
    let server = ResourceServer::new(ErrorDetail::Full).await;
    let injection = "x\", error=\"none\r\nset-cookie: a=b\u{e4}";
    let rejection = server
        .rejection_of(&server.signer.token_with(|_, claims| claims["iss"] = json!(injection)))
        .await;
    rejection.assert_error(401, "invalid_token");
    assert_eq!(rejection.challenge().matches("error=\"").count(), 1, "{rejection:?}");
}

#[tokio::test]
async fn missing_keys_return_503_with_retry_after() {
    let server = ResourceServer::new(ErrorDetail::Terse).await;
    server.c.jwks.respond(status(503).insert_header("retry-after", "9"));
    let token = server.signer.token();
    let response = send(server.read().bearer_auth(token.expose())).await;
    assert_eq!((response.status, response.header("retry-after")), (503, "9"));
    assert!(!response.headers.contains_key("www-authenticate"), "the token may be valid");
    assert_eq!(response.header("cache-control"), "no-store");
    assert_eq!(response.member("error"), "temporarily_unavailable");
    server.c.jwks.respond(keys([&server.signer]));
    server.c.clock.advance(Duration::from_secs(1));
    assert_eq!(send(server.read().bearer_auth(token.expose())).await.status, 200);
}

#[tokio::test]
async fn failed_introspection_returns_503_until_it_recovers() {
    let c = AuthServer::with_introspection_response(
        json!({ "active": true, "aud": RESOURCE, "scope": "resource:read" }),
    )
    .await;
    let verifier = c.builder().introspection(introspection_settings()).build().unwrap();
    let client = start(verifier).await;
    let status_code =
        async || send(client.request("GET", "/read").bearer_auth("opaque")).await.status;
    assert_eq!(status_code().await, 200);
    c.introspection.respond(status(500));
    assert_eq!(status_code().await, 200, "the response is still cached");
    c.advance_clock(10);
    assert_eq!(status_code().await, 503);
    c.introspection.respond(inactive());
    assert_eq!(status_code().await, 401);
}

#[tokio::test]
async fn protected_resource_metadata_names_issuer_and_scopes() {
    let c = AuthServer::with_keys([]).await;
    let metadata = c.local_verifier().protected_resource_metadata(["resource:read"]);
    assert_eq!(
        (metadata.resource.as_str(), &metadata.authorization_servers[..]),
        (RESOURCE, &[ISSUER.to_owned()][..])
    );
    assert_eq!(
        (&metadata.scopes_supported[..], &metadata.bearer_methods_supported[..]),
        (&["resource:read".to_owned()][..], &["header".to_owned()][..])
    );
}
