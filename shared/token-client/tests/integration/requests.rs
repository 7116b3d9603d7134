use flow_events::{EventSink, FlowScope, Party, TraceContext};
use oauth_types::{AccessToken, ClientAuthMethod, Form};
use token_client::TokenTarget;
use wiremock::Request;

use crate::setup::{AuthServer, SECRET, target, token};

async fn only_request(c: &AuthServer) -> Request {
    let mut requests = c.server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

#[tokio::test]
async fn token_request_matches_the_source_document() {
    let c = AuthServer::with_responses([token("t1")]).await;
    c.client().token(&target()).await.unwrap();
    let request = only_request(&c).await;
    assert_eq!((request.method.as_str(), request.url.path()), ("POST", "/oauth/token"));
    assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
    assert!(!request.headers.contains_key("authorization"));
    assert_eq!(
        std::str::from_utf8(&request.body).unwrap(),
        "grant_type=client_credentials&client_id=service-a&client_secret=s3cr%3Dt+%26+very%2Fprivate&scope=resource%3Aread",
    );
}

#[tokio::test]
async fn client_secret_basic_form_encodes_the_secret() {
    let c = AuthServer::with_responses([token("t1")]).await;
    c.builder()
        .auth_method(ClientAuthMethod::Basic)
        .build()
        .unwrap()
        .token(&target())
        .await
        .unwrap();
    let request = only_request(&c).await;
    let (id, secret) =
        oauth_types::basic::parse(request.headers["authorization"].as_bytes()).unwrap().unwrap();
    assert_eq!((id.as_str(), secret.expose()), ("service-a", SECRET));
    let form = Form::parse(&request.body).unwrap();
    assert_eq!((form.get("client_id"), form.get("client_secret")), (None, None));
}

#[tokio::test]
async fn token_request_includes_resource_and_omits_empty_scope() {
    let c = AuthServer::with_responses([token("t1")]).await;
    let target =
        TokenTarget { resource: Some("https://b.example".to_owned()), ..TokenTarget::default() };
    c.client().token(&target).await.unwrap();
    let form = Form::parse(&only_request(&c).await.body).unwrap();
    assert_eq!((form.get("resource"), form.get("scope")), (Some("https://b.example"), None));
}

#[tokio::test]
async fn events_are_emitted_and_the_trace_is_propagated() {
    let c = AuthServer::with_responses([token("t1")]).await;
    let sink = EventSink::new(16);
    let mut listener = sink.subscribe().unwrap();
    let trace = TraceContext::root([7; 24]).unwrap();
    let client = c.client();
    let scope = FlowScope { trace, party: Party::Client, sink, clock: c.clock.clone() };
    scope
        .run(async {
            (client.token(&target()).await.unwrap(), client.token(&target()).await.unwrap())
        })
        .await;

    let mut events = Vec::new();
    while let Ok(event) = listener.try_recv() {
        events.push(serde_json::to_value(&*event).unwrap());
    }
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["request_sent", "response_received", "token_reused"]);
    assert_eq!(
        events[0]["fields"][2],
        serde_json::json!({ "location": "body", "name": "client_secret", "value": "secret" })
    );
    assert_eq!(
        events[1]["fields"][0]["value"]["fingerprint"],
        oauth_types::Fingerprint::of("t1").to_string()
    );
    assert_eq!(only_request(&c).await.headers["traceparent"], trace.to_string().as_str());
}

#[tokio::test]
async fn token_exchange_emits_only_fingerprints() {
    let c = AuthServer::with_responses([token("exchanged")]).await;
    let sink = EventSink::new(16);
    let mut listener = sink.subscribe().unwrap();
    let scope = FlowScope {
        trace: TraceContext::root([7; 24]).unwrap(),
        party: Party::Client,
        sink,
        clock: c.clock.clone(),
    };
    let target = TokenTarget { resource: Some("https://b.example".to_owned()), ..target() };
    let (client, subject) = (c.client(), AccessToken::new("user-token"));
    let exchanged =
        scope.run(async { client.exchange_token(&subject, &target).await.unwrap() }).await;
    assert_eq!(exchanged.expose(), "exchanged");
    let form = Form::parse(&only_request(&c).await.body).unwrap();
    for (name, value) in [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("client_id", "service-a"),
        ("client_secret", SECRET),
        ("subject_token", "user-token"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("scope", "resource:read"),
        ("resource", "https://b.example"),
    ] {
        assert_eq!(form.get(name), Some(value), "{name}");
    }
    let event = serde_json::to_string(&*listener.try_recv().unwrap()).unwrap();
    assert!(!event.contains("user-token") && !event.contains(SECRET), "{event}");
    assert!(event.contains(&oauth_types::Fingerprint::of("user-token").to_string()), "{event}");
}

#[tokio::test]
async fn exchanged_tokens_are_not_shared() {
    let c = AuthServer::with_responses([token("alices"), token("bobs"), token("own")]).await;
    let client = c.client();
    for (subject, expected) in [("alice", "alices"), ("bob", "bobs")] {
        let exchanged = client.exchange_token(&AccessToken::new(subject), &target()).await.unwrap();
        assert_eq!(exchanged.expose(), expected);
    }
    assert_eq!(client.token(&target()).await.unwrap().access_token.expose(), "own");
}
