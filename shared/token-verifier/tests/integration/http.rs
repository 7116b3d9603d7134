//! What a caller of B hears, over a real socket.

use std::time::Duration;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use oauth_types::AccessToken;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use token_verifier::{
    Authorized, ErrorDetail, LocalSettings, RequiredScope, Verifier, reject_token_in_form_body,
};

use crate::{
    setup::{C, ISSUER, NOW, RESOURCE, introspection, keys, status},
    signer::Signer,
};

struct ResourceRead;

impl RequiredScope for ResourceRead {
    const SCOPE: &'static str = "resource:read";
}

struct ResourceWrite;

impl RequiredScope for ResourceWrite {
    const SCOPE: &'static str = "resource:write";
}

/// B, as a team would write it. Its address.
async fn b(verifier: Verifier) -> String {
    let app = Router::new()
        .route(
            "/read",
            get(async |pass: Authorized<ResourceRead>| {
                pass.subject().unwrap_or_default().to_owned()
            }),
        )
        .route("/write", post(async |_: Authorized<ResourceWrite>, body: String| body))
        .layer(from_fn_with_state(verifier.clone(), reject_token_in_form_body))
        .with_state(verifier);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

struct Story {
    c: C,
    signer: Signer,
    b: String,
}

impl Story {
    async fn new(detail: ErrorDetail) -> Self {
        let signer = Signer::es256("1");
        let c = C::with_keys([&signer]).await;
        let b =
            b(c.builder().local(LocalSettings::default()).detail(detail).build().unwrap()).await;
        Self { c, signer, b }
    }

    fn read(&self) -> RequestBuilder {
        Client::new().get(format!("{}/read", self.b))
    }

    fn write(&self) -> RequestBuilder {
        Client::new().post(format!("{}/write", self.b))
    }

    async fn shown(&self, token: &AccessToken) -> Refused {
        Refused::of(self.read().bearer_auth(token.expose())).await
    }
}

#[derive(Debug)]
struct Refused {
    status: StatusCode,
    challenge: String,
    body: Value,
}

impl Refused {
    async fn of(request: RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let header = |answer: &Response, name: &str| {
            answer
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
                .unwrap_or_default()
        };
        let challenge = header(&answer, "www-authenticate");
        Self { status: answer.status(), challenge, body: answer.json().await.unwrap() }
    }

    #[track_caller]
    fn is(&self, status: u16, error: &str) {
        assert_eq!(
            (self.status.as_u16(), &self.body["error"]),
            (status, &json!(error)),
            "{self:?}"
        );
        assert!(self.challenge.contains(&format!(r#"error="{error}""#)), "{self:?}");
        self.names_the_metadata();
    }

    #[track_caller]
    fn names_the_metadata(&self) {
        let begin = format!(r#"Bearer realm="{RESOURCE}""#);
        let metadata =
            format!(r#"resource_metadata="{RESOURCE}/.well-known/oauth-protected-resource""#);
        assert!(
            self.challenge.starts_with(&begin) && self.challenge.contains(&metadata),
            "{self:?}"
        );
    }
}

#[tokio::test]
async fn valid_token_is_accepted() {
    let story = Story::new(ErrorDetail::Terse).await;
    let answer = story.read().bearer_auth(story.signer.token().expose()).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.text().await.unwrap().as_str()),
        (200, "service-a")
    );
}

#[tokio::test]
async fn missing_token_gets_a_challenge_without_error_code() {
    let story = Story::new(ErrorDetail::Terse).await;
    for request in [story.read(), story.read().basic_auth("service-a", Some("abc123"))] {
        let refused = Refused::of(request).await;
        assert_eq!(refused.status, 401);
        assert!(
            !refused.challenge.contains("error") && refused.body.get("error").is_none(),
            "{refused:?}"
        );
        refused.names_the_metadata();
    }
}

#[tokio::test]
async fn a_bad_token_is_an_invalid_token() {
    let story = Story::new(ErrorDetail::Terse).await;
    let expired = story.signer.token_with(|_, claims| claims["exp"] = json!(NOW - 60));
    for bad in [expired, Signer::es256("1").token(), AccessToken::new("opaque")] {
        story.shown(&bad).await.is(401, "invalid_token");
    }
}

#[tokio::test]
async fn missing_scope_is_named() {
    let story = Story::new(ErrorDetail::Terse).await;
    let refused = Refused::of(story.write().bearer_auth(story.signer.token().expose())).await;
    refused.is(403, "insufficient_scope");
    assert!(refused.challenge.contains(r#"scope="resource:write""#), "{refused:?}");
    assert!(
        !refused.challenge.contains("resource:read"),
        "terse tells nothing of the token: {refused:?}"
    );
}

#[tokio::test]
async fn a_scope_is_compared_whole() {
    let story = Story::new(ErrorDetail::Terse).await;
    for scope in ["resource:readonly", "resource", "RESOURCE:READ", ""] {
        let token = story.signer.token_with(|_, claims| claims["scope"] = json!(scope));
        story.shown(&token).await.is(403, "insufficient_scope");
    }
}

#[tokio::test]
async fn a_token_in_the_url_is_refused_with_and_without_a_header() {
    let story = Story::new(ErrorDetail::Terse).await;
    let token = story.signer.token();
    for name in ["access_token", "acc%65ss_token", "x=1&access_token"] {
        let url = format!("{}/read?{name}={}", story.b, token.expose());
        Refused::of(Client::new().get(&url)).await.is(400, "invalid_request");
        Refused::of(Client::new().get(&url).bearer_auth(token.expose()))
            .await
            .is(400, "invalid_request");
    }
    let other = story.read().query(&[("my_access_token", "x")]).bearer_auth(token.expose());
    assert_eq!(other.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_token_in_the_body_is_refused_with_and_without_a_header() {
    let story = Story::new(ErrorDetail::Terse).await;
    let token = story.signer.token_with(|_, claims| claims["scope"] = json!("resource:write"));
    let form = || story.write().form(&[("order", "1"), ("access_token", token.expose())]);
    Refused::of(form()).await.is(400, "invalid_request");
    Refused::of(form().bearer_auth(token.expose())).await.is(400, "invalid_request");
    let other =
        story.write().form(&[("order", "1")]).bearer_auth(token.expose()).send().await.unwrap();
    assert_eq!((other.status().as_u16(), other.text().await.unwrap().as_str()), (200, "order=1"));
    let json = story
        .write()
        .body("access_token=x")
        .header("content-type", "text/plain")
        .bearer_auth(token.expose());
    assert_eq!(
        json.send().await.unwrap().status(),
        200,
        "a body that is no form is the handler's own"
    );
}

#[tokio::test]
async fn two_authorization_headers_or_a_broken_one_are_an_invalid_request() {
    let story = Story::new(ErrorDetail::Terse).await;
    let token = story.signer.token();
    let two = story.read().bearer_auth(token.expose()).basic_auth("service-a", Some("abc123"));
    Refused::of(two).await.is(400, "invalid_request");
    for broken in ["Bearer", "Bearer ", "Bearer a b", "Bearer a, Bearer b"] {
        Refused::of(story.read().header("authorization", broken)).await.is(400, "invalid_request");
    }
}

#[tokio::test]
async fn explained_a_refusal_has_the_compared_values_and_terse_it_has_not() {
    let other = "https://other.example";
    for (detail, told) in [(ErrorDetail::Full, true), (ErrorDetail::Terse, false)] {
        let story = Story::new(detail).await;
        let refused =
            story.shown(&story.signer.token_with(|_, claims| claims["aud"] = json!(other))).await;
        refused.is(401, "invalid_token");
        let description = refused.body["error_description"].as_str().unwrap();
        assert_eq!(
            description.contains(other) && description.contains(RESOURCE),
            told,
            "{description}"
        );
        assert_eq!(refused.challenge.contains(other), told);
    }
}

#[tokio::test]
async fn what_a_token_says_cannot_break_out_of_the_challenge() {
    let story = Story::new(ErrorDetail::Full).await;
    let evil = "x\", error=\"none\r\nset-cookie: a=b\u{e4}";
    let refused =
        story.shown(&story.signer.token_with(|_, claims| claims["iss"] = json!(evil))).await;
    refused.is(401, "invalid_token");
    assert_eq!(refused.challenge.matches("error=\"").count(), 1, "{refused:?}");
}

#[tokio::test]
async fn while_c_is_away_the_answer_is_503_with_when_to_come_again() {
    let story = Story::new(ErrorDetail::Terse).await;
    story.c.jwks.answers(status(503).insert_header("retry-after", "9"));
    let token = story.signer.token();
    let answer = story.read().bearer_auth(token.expose()).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()),
        (503, "9")
    );
    assert!(!answer.headers().contains_key("www-authenticate"), "the caller's token may be good");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"], "temporarily_unavailable");
    story.c.jwks.answers(keys([&story.signer]));
    story.c.clock.advance(Duration::from_secs(1));
    assert_eq!(story.read().bearer_auth(token.expose()).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn while_c_is_away_an_introspecting_b_answers_503_and_recovers() {
    let c = C::saying(json!({ "active": true, "aud": RESOURCE, "scope": "resource:read" })).await;
    let verifier = c.builder().introspection(introspection()).build().unwrap();
    let url = format!("{}/read", b(verifier).await);
    let code = async || {
        Client::new().get(&url).bearer_auth("opaque").send().await.unwrap().status().as_u16()
    };
    assert_eq!(code().await, 200);
    c.introspection.answers(status(500));
    assert_eq!(code().await, 200, "the word is still good");
    c.wait(10);
    assert_eq!(code().await, 503);
    c.introspection.answers(crate::setup::said(&json!({ "active": false })));
    assert_eq!(code().await, 401);
}

#[tokio::test]
async fn b_says_of_itself_whose_tokens_it_takes() {
    let c = C::with_keys([]).await;
    let metadata = c.local().protected_resource_metadata(["resource:read"]);
    assert_eq!(
        (metadata.resource.as_str(), &metadata.authorization_servers[..]),
        (RESOURCE, &[ISSUER.to_owned()][..])
    );
    assert_eq!(
        (&metadata.scopes_supported[..], &metadata.bearer_methods_supported[..]),
        (&["resource:read".to_owned()][..], &["header".to_owned()][..])
    );
}
