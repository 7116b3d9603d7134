//! C is asked about each token, and its word is kept for a moment.

use std::time::Duration;

use flow_events::{Event, Party, Rule};
use oauth_types::{AccessToken, ClientSecret, basic};
use serde_json::{Value, json};
use token_verifier::{IntrospectionSettings, LocalSettings};
use tokio::task::JoinSet;
use wiremock::ResponseTemplate;

use crate::{
    setup::{
        C, INTROSPECT, ISSUER, JWKS, NOW, RESOURCE, SECRET, broken, impatient, introspection, said,
        status, unavailable,
    },
    signer::Signer,
};

fn opaque() -> AccessToken {
    AccessToken::new("gpat_opaque")
}

/// What C says about a good token.
fn good() -> Value {
    json!({
        "active": true, "iss": ISSUER, "aud": RESOURCE, "sub": "alice", "client_id": "service-a",
        "scope": "resource:read", "exp": NOW + 1_800, "iat": NOW, "jti": "t-1",
    })
}

fn good_but(member: &str, value: Value) -> Value {
    let mut word = good();
    word[member] = value;
    word
}

#[tokio::test]
async fn c_is_asked_in_bs_own_name_and_believed() {
    let c = C::saying(good()).await;
    let (outcome, checks) = c.checks(c.introspecting().verify(&opaque())).await;
    assert_eq!(outcome.unwrap().subject(), Some("alice"));
    let rules: Vec<_> = checks.iter().map(|check| check.rule).collect();
    assert_eq!(rules, [Rule::Active, Rule::Issuer, Rule::Audience, Rule::Expiry, Rule::IssuedAt]);
    let asked = &c.requests(INTROSPECT).await[0];
    let expected = basic::format("service-b", &ClientSecret::new(SECRET));
    assert_eq!(asked.headers["authorization"], expected.as_str());
    assert_eq!(
        String::from_utf8_lossy(&asked.body),
        "token=gpat_opaque&token_type_hint=access_token"
    );
    assert_eq!(asked.method, "POST");
    assert!(asked.headers["traceparent"].to_str().unwrap().starts_with("00-07070707"));
}

#[tokio::test]
async fn introspection_request_and_response_are_emitted() {
    let c = C::saying(good()).await;
    let verifier = c.introspecting();
    verifier.warm_up().await.unwrap();
    let (_, events) = c.told(verifier.verify(&opaque())).await;
    let [sent, received, ..] = &events[..] else { panic!("{events:?}") };
    assert!(
        matches!(&sent.event, Event::RequestSent { to: Party::AuthorizationServer, method, .. } if method == "POST")
    );
    assert!(matches!(&received.event, Event::ResponseReceived { status: 200, .. }));
}

#[tokio::test]
async fn what_c_says_is_held_against_our_own_rules() {
    let cases = [
        (json!({ "active": false }), Rule::Active),
        (good_but("iss", json!("http://other.example")), Rule::Issuer),
        (good_but("aud", json!("https://other.example")), Rule::Audience),
        (good_but("aud", Value::Null), Rule::Audience),
        (good_but("exp", json!(NOW - 5)), Rule::Expiry),
        (good_but("nbf", json!(NOW + 6)), Rule::NotBefore),
        (good_but("iat", json!(NOW + 6)), Rule::IssuedAt),
    ];
    for (word, rule) in cases {
        let c = C::saying(word.clone()).await;
        assert_eq!(broken(c.introspecting().verify(&opaque()).await), Some(rule), "{word}");
    }
}

#[tokio::test]
async fn what_c_leaves_out_is_no_fault() {
    let c = C::saying(json!({ "active": true, "aud": [RESOURCE] })).await;
    let token = c.introspecting().verify(&opaque()).await.unwrap();
    assert!(token.subject().is_none() && token.jti().is_none() && token.scope().is_empty());
    assert_eq!(token.expires_at(), NOW + 10, "good for as long as the word is");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_callers_make_one_question() {
    let c = C::saying(good()).await;
    c.introspection.answers(said(&good()).set_delay(Duration::from_millis(100)));
    let verifier = c.introspecting();
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let verifier = verifier.clone();
        callers.spawn(async move { verifier.verify(&opaque()).await.is_ok() });
    }
    assert!(callers.join_all().await.iter().all(|passed| *passed));
    assert_eq!(c.asked(INTROSPECT).await, 1);
}

#[tokio::test]
async fn cs_word_is_good_for_its_time_and_not_longer() {
    let c = C::saying(good()).await;
    let verifier = c.introspecting();
    verifier.verify(&opaque()).await.unwrap();
    c.introspection.answers(said(&json!({ "active": false })));
    c.clock.advance(Duration::from_millis(9_999));
    let (outcome, checks) = c.checks(verifier.verify(&opaque())).await;
    outcome.unwrap();
    assert!(checks.len() == 1 && checks[0].rule == Rule::Cached, "{checks:?}");
    c.clock.advance(Duration::from_millis(1));
    assert_eq!(
        broken(verifier.verify(&opaque()).await),
        Some(Rule::Active),
        "a revocation is heard of"
    );
    assert_eq!(c.asked(INTROSPECT).await, 2);
}

#[tokio::test]
async fn a_no_is_kept_like_a_yes() {
    let c = C::saying(json!({ "active": false })).await;
    let verifier = c.introspecting();
    for _ in 0..3 {
        assert_eq!(broken(verifier.verify(&opaque()).await), Some(Rule::Active));
    }
    assert_eq!(c.asked(INTROSPECT).await, 1);
}

#[tokio::test]
async fn cs_word_is_never_kept_past_the_tokens_end() {
    let c = C::saying(good_but("exp", json!(NOW + 3))).await;
    let verifier = c.introspecting();
    verifier.verify(&opaque()).await.unwrap();
    c.wait(2);
    verifier.verify(&opaque()).await.unwrap();
    assert_eq!(c.asked(INTROSPECT).await, 1);
    c.introspection.answers(said(&json!({ "active": false })));
    c.wait(1);
    assert_eq!(broken(verifier.verify(&opaque()).await), Some(Rule::Active));
}

#[tokio::test]
async fn a_word_of_no_duration_is_asked_for_each_time() {
    let c = C::saying(good()).await;
    let settings = IntrospectionSettings { cache_ttl: Duration::ZERO, ..introspection() };
    let verifier = c.builder().introspection(settings).build().unwrap();
    for _ in 0..3 {
        verifier.verify(&opaque()).await.unwrap();
    }
    assert_eq!(c.asked(INTROSPECT).await, 3);
}

#[tokio::test]
async fn no_answer_is_never_a_yes_and_is_not_kept() {
    let c = C::saying(good()).await;
    let verifier = c.introspecting();
    let troubles = [
        status(500),
        status(503),
        status(400),
        status(401),
        status(403),
        status(404),
        status(204),
        status(302).insert_header("location", "/elsewhere"),
        ResponseTemplate::new(200),
        ResponseTemplate::new(200).set_body_string("<html>active: true"),
        said(&json!({ "active": "true" })),
        said(&json!({ "scope": "resource:read" })),
        said(&json!(["active"])),
        ResponseTemplate::new(200)
            .set_body_string(format!("{{\"active\":true,\"x\":\"{}\"}}", "x".repeat(300_000))),
    ];
    for (number, trouble) in troubles.into_iter().enumerate() {
        c.introspection.answers(trouble);
        unavailable(verifier.verify(&opaque()).await);
        assert_eq!(c.asked(INTROSPECT).await, number + 1);
    }
    c.introspection.answers(said(&good()));
    verifier.verify(&opaque()).await.unwrap();
}

#[tokio::test]
async fn c_says_when_it_may_be_asked_again() {
    let c = C::saying(good()).await;
    for code in [429, 503] {
        c.introspection.answers(status(code).insert_header("retry-after", "17"));
        assert_eq!(
            unavailable(c.introspecting().verify(&opaque()).await).1,
            Duration::from_secs(17)
        );
    }
}

#[tokio::test]
async fn wrong_credentials_of_ours_are_not_the_callers_fault() {
    let c = C::saying(good()).await;
    c.introspection.answers(status(401).set_body_json(json!({ "error": "invalid_client" })));
    let (reason, _) = unavailable(c.introspecting().verify(&opaque()).await);
    assert!(
        reason.contains("rejects the introspection requests of this resource server"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_c_that_is_too_slow_or_gone_is_no_yes() {
    let c = C::saying(good()).await;
    let verifier =
        c.builder().introspection(introspection()).http_client(impatient()).build().unwrap();
    c.introspection.answers(said(&good()).set_delay(Duration::from_secs(60)));
    let (outcome, events) = c.told(verifier.verify(&opaque())).await;
    assert!(unavailable(outcome).0.contains("in time"));
    assert!(events.iter().any(|event| matches!(event.event, Event::RequestFailed { .. })));
    let C { server, introspection: endpoint, clock, .. } = c;
    let gone = server.uri();
    drop((server, endpoint));
    let nobody =
        token_verifier::Verifier::builder(ISSUER, RESOURCE).internal_url(gone).clock(clock);
    let verifier = nobody.introspection(introspection()).http_client(impatient()).build().unwrap();
    unavailable(verifier.verify(&opaque()).await);
}

#[tokio::test]
async fn auto_checks_jwts_here_and_asks_about_all_others() {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    c.introspection.answers(said(&good()));
    let verifier =
        c.builder().local(LocalSettings::default()).introspection(introspection()).build().unwrap();
    assert!(!verifier.is_ready());
    verifier.warm_up().await.unwrap();
    assert!(verifier.is_ready());
    verifier.verify(&signer.token()).await.unwrap();
    assert_eq!((c.asked(JWKS).await, c.asked(INTROSPECT).await), (1, 0));
    verifier.verify(&opaque()).await.unwrap();
    assert_eq!(c.asked(INTROSPECT).await, 1);
    let forged = Signer::es256("1").token();
    assert_eq!(
        broken(verifier.verify(&forged).await),
        Some(Rule::Signature),
        "a forged JWT gets no second chance"
    );
    assert_eq!(c.asked(INTROSPECT).await, 1);
}
