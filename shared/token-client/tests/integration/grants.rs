//! The grants of users, and public clients.

use flow_events::{EventSink, FlowScope, Party, TraceContext};
use oauth_types::{ErrorCode, Form, Issuer, RefreshToken};
use test_support::mock::{MockEndpoint, json as json_response};
use token_client::{AuthorizationCode, CodeVerifier, TokenClient, TokenError, TokenTarget};
use wiremock::{ResponseTemplate, matchers::path};

use crate::setup::{AuthServer, SECRET, json, target, token};

const VERIFIER: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

async fn forms(c: &AuthServer, endpoint: &str) -> Vec<Form> {
    let requests = c.server.received_requests().await.unwrap();
    let to_endpoint = requests.iter().filter(|request| request.url.path() == endpoint);
    to_endpoint.map(|request| Form::parse(&request.body).unwrap()).collect()
}

#[track_caller]
fn assert_parameters(form: &Form, expected: &[(&str, Option<&str>)]) {
    for (name, value) in expected {
        assert_eq!(form.get(name), *value, "{name}");
    }
}

fn code() -> AuthorizationCode {
    AuthorizationCode::new("the-code", "https://a.example/cb", CodeVerifier::new(VERIFIER))
}

fn user_tokens() -> ResponseTemplate {
    json(
        200,
        r#"{"access_token":"at","token_type":"Bearer","refresh_token":"rt2","id_token":"it"}"#,
    )
}

#[tokio::test]
async fn code_is_redeemed_with_its_redirect_uri_and_verifier() {
    let c = AuthServer::with_responses([user_tokens()]).await;
    let response = c.client().redeem_code(&code()).await.unwrap();
    assert_eq!(response.access_token.expose(), "at");
    assert_eq!(response.refresh_token.unwrap().expose(), "rt2");
    assert_eq!(response.id_token.unwrap().expose(), "it");
    let form = &forms(&c, "/oauth/token").await[0];
    assert_parameters(
        form,
        &[
            ("grant_type", Some("authorization_code")),
            ("code", Some("the-code")),
            ("redirect_uri", Some("https://a.example/cb")),
            ("code_verifier", Some(VERIFIER)),
            ("client_secret", Some(SECRET)),
        ],
    );
}

#[tokio::test]
async fn codes_and_refresh_tokens_are_sent_once() {
    let c = AuthServer::with_responses([ResponseTemplate::new(503)]).await;
    let client = c.client();
    client.redeem_code(&code()).await.unwrap_err();
    assert_eq!(c.request_count(), 1);
    let refresh_token = RefreshToken::new("rt1");
    client.refresh_user_token(&refresh_token, &TokenTarget::default()).await.unwrap_err();
    assert_eq!(c.request_count(), 2);
}

#[tokio::test]
async fn refresh_keeps_the_target_or_narrows_it() {
    let c = AuthServer::with_responses([user_tokens()]).await;
    let (client, refresh_token) = (c.client(), RefreshToken::new("rt1"));
    client.refresh_user_token(&refresh_token, &TokenTarget::default()).await.unwrap();
    client.refresh_user_token(&refresh_token, &target()).await.unwrap();
    let forms = forms(&c, "/oauth/token").await;
    for (form, scope) in forms.iter().zip([None, Some("resource:read")]) {
        assert_parameters(
            form,
            &[
                ("grant_type", Some("refresh_token")),
                ("refresh_token", Some("rt1")),
                ("scope", scope),
            ],
        );
    }
}

#[tokio::test]
async fn public_client_sends_its_id_and_no_secret() {
    let c = AuthServer::with_responses([user_tokens()]).await;
    let client = TokenClient::public_builder(c.server.uri(), "app")
        .token_endpoint(format!("{}/oauth/token", c.server.uri()))
        .build()
        .unwrap();
    client.redeem_code(&code()).await.unwrap();
    let form = &forms(&c, "/oauth/token").await[0];
    assert_parameters(form, &[("client_id", Some("app")), ("client_secret", None)]);
    let requests = c.server.received_requests().await.unwrap();
    assert!(!requests[0].headers.contains_key("authorization"));
}

/// Adds metadata and a device authorization endpoint. Polls do not wait (`interval` 0).
async fn with_device_endpoint(c: &AuthServer) -> TokenClient {
    let uri = c.server.uri();
    let issuer = Issuer::new(uri.clone(), None).unwrap();
    let metadata = serde_json::json!({
        "issuer": issuer.identifier(),
        "token_endpoint": format!("{uri}/oauth/token"),
        "device_authorization_endpoint": format!("{uri}/device"),
    });
    let well_known = path("/.well-known/oauth-authorization-server");
    MockEndpoint::mount(&c.server, well_known, json_response(200, &metadata)).await;
    let authorization = serde_json::json!({
        "device_code": "dc-secret", "user_code": "ABCD", "verification_uri": "https://c.example/d",
        "expires_in": 600, "interval": 0,
    });
    MockEndpoint::mount(&c.server, path("/device"), json_response(200, &authorization)).await;
    c.builder_with_discovery(&uri).build().unwrap()
}

fn pending() -> ResponseTemplate {
    json(400, r#"{"error":"authorization_pending"}"#)
}

#[tokio::test]
async fn device_polls_until_the_user_has_decided() {
    let c = AuthServer::with_responses([pending(), pending(), user_tokens()]).await;
    let client = with_device_endpoint(&c).await;
    let device = client.authorize_device(&target()).await.unwrap();
    assert_eq!((device.user_code.as_str(), device.expires_in), ("ABCD", 600));
    assert!(!format!("{device:?}").contains("dc-secret"), "{device:?}");
    let response = client.poll_device_token(&device).await.unwrap();
    assert_eq!(response.access_token.expose(), "at");
    let polls = forms(&c, "/oauth/token").await;
    assert_eq!(polls.len(), 3);
    assert_parameters(
        &polls[0],
        &[
            ("grant_type", Some("urn:ietf:params:oauth:grant-type:device_code")),
            ("device_code", Some("dc-secret")),
        ],
    );
    assert_eq!(forms(&c, "/device").await[0].get("scope"), Some("resource:read"));
}

#[tokio::test]
async fn denied_device_stops_polling() {
    let denied = json(400, r#"{"error":"access_denied"}"#);
    let c = AuthServer::with_responses([pending(), denied]).await;
    let client = with_device_endpoint(&c).await;
    let device = client.authorize_device(&target()).await.unwrap();
    let error = client.poll_device_token(&device).await.unwrap_err();
    let TokenError::ErrorResponse { error, .. } = error else { panic!("{error}") };
    assert_eq!((error.error, c.request_count()), (ErrorCode::AccessDenied, 2));
}

#[tokio::test]
async fn device_whose_codes_have_expired_stops_polling() {
    let c = AuthServer::with_responses([pending()]).await;
    let client = with_device_endpoint(&c).await;
    let device = client.authorize_device(&target()).await.unwrap();
    let poll = client.poll_device_token(&device);
    let expire = async {
        test_support::wait::until("a poll", async || c.request_count() > 0).await;
        c.advance(600);
    };
    let (outcome, ()) = tokio::join!(poll, expire);
    outcome.unwrap_err();
}

#[tokio::test]
async fn server_without_device_endpoint_is_an_error() {
    let c = AuthServer::with_responses([token("t")]).await;
    let uri = c.server.uri();
    let metadata =
        serde_json::json!({ "issuer": uri, "token_endpoint": format!("{uri}/oauth/token") });
    let well_known = path("/.well-known/oauth-authorization-server");
    MockEndpoint::mount(&c.server, well_known, json_response(200, &metadata)).await;
    let client = c.builder_with_discovery(&uri).build().unwrap();
    let error = client.authorize_device(&target()).await.unwrap_err().to_string();
    assert!(error.contains("no device_authorization_endpoint"), "{error}");
}

#[tokio::test]
async fn events_and_debug_show_no_code_verifier_or_refresh_token() {
    let c = AuthServer::with_responses([user_tokens()]).await;
    let sink = EventSink::new(16);
    let mut listener = sink.subscribe().unwrap();
    let trace = TraceContext::root([7; 24]).unwrap();
    let scope = FlowScope { trace, party: Party::Client, sink, clock: c.clock.clone() };
    let (client, refresh_token) = (c.client(), RefreshToken::new("rt1-secret"));
    scope
        .run(async {
            client.redeem_code(&code()).await.unwrap();
            client.refresh_user_token(&refresh_token, &target()).await.unwrap();
        })
        .await;
    let mut seen = format!("{:?}", code());
    while let Ok(event) = listener.try_recv() {
        seen += &serde_json::to_string(&*event).unwrap();
    }
    assert!(seen.contains("code_verifier"), "{seen}");
    for secret in ["the-code", VERIFIER, "rt1-secret", "rt2"] {
        assert!(!seen.contains(secret), "{secret}: {seen}");
    }
}
