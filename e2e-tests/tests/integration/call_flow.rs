use e2e_tests::harness::{Harness, ResourceServer, SECRET};
use flow_events::{Event, Field, FieldValue};
use gatepass::{Colors, Language, Narrator};
use test_support::secrecy::contains_word;

use crate::event_lines::script;

const DISCOVERY: [&str; 2] = ["A -> C GET /.well-known/oauth-authorization-server", "C -> A 200"];
const STEPS_1_AND_2: [&str; 3] =
    ["A -> C POST /oauth/token", "C issues an access token", "C -> A 200"];
const STEP_3: [&str; 1] = ["A -> B GET /api/resource"];
const STEP_4_LOCAL: [&str; 9] = [
    "B checks Algorithm: yes",
    "B checks Type: yes",
    "B checks Key: yes",
    "B checks Signature: yes",
    "B checks Issuer: yes",
    "B checks Audience: yes",
    "B checks Expiry: yes",
    "B checks IssuedAt: yes",
    "B checks Scope: yes",
];
const STEP_4_INTROSPECTION: [&str; 8] = [
    "B -> C POST /oauth/introspect",
    "C -> B 200",
    "B checks Active: yes",
    "B checks Issuer: yes",
    "B checks Audience: yes",
    "B checks Expiry: yes",
    "B checks IssuedAt: yes",
    "B checks Scope: yes",
];
const STEP_4_CACHED: [&str; 2] = ["B checks Cached: yes", "B checks Scope: yes"];
const RESPONSE_OF_B: [&str; 1] = ["B -> A 200"];

#[tokio::test]
async fn first_call_takes_the_four_steps_with_local_verification() {
    let harness = Harness::start().await;
    let flow = harness.observe(harness.request_through_a(ResourceServer::Local)).await;
    let expected =
        [&DISCOVERY[..], &STEPS_1_AND_2, &STEP_3, &STEP_4_LOCAL, &RESPONSE_OF_B].concat();
    assert_eq!((flow.status.as_u16(), script(&flow.events)), (200, lines(&expected)));
    assert!(
        flow.body.contains("this is B's protected resource") && flow.body.contains("service-a"),
        "{}",
        flow.body
    );
}

#[tokio::test]
async fn first_call_takes_the_four_steps_with_introspection() {
    let harness = Harness::start().await;
    let flow = harness.observe(harness.request_through_a(ResourceServer::Introspecting)).await;
    let expected =
        [&DISCOVERY[..], &STEPS_1_AND_2, &STEP_3, &STEP_4_INTROSPECTION, &RESPONSE_OF_B].concat();
    assert_eq!((flow.status.as_u16(), script(&flow.events)), (200, lines(&expected)));
}

#[tokio::test]
async fn second_call_reuses_the_token_and_the_cached_verification() {
    let harness = Harness::start().await;
    for b in ResourceServer::BOTH {
        harness.call_through_a(b).await;
        let flow = harness.observe(harness.request_through_a(b)).await;
        let expected =
            [&["A reuses its access token"][..], &STEP_3, &STEP_4_CACHED, &RESPONSE_OF_B].concat();
        assert_eq!(script(&flow.events), lines(&expected), "{b:?}");
        // An introspection response is cached for two seconds, a locally verified token until it
        // expires.
        harness.clock.advance(std::time::Duration::from_secs(2));
        let flow = harness.observe(harness.request_through_a(b)).await;
        let step_4 = if b == ResourceServer::Introspecting {
            &STEP_4_INTROSPECTION[..]
        } else {
            &STEP_4_CACHED
        };
        assert_eq!(
            script(&flow.events),
            lines(&[&["A reuses its access token"][..], &STEP_3, step_4, &RESPONSE_OF_B].concat())
        );
    }
}

#[tokio::test]
async fn writing_reuses_the_token_of_the_same_b_only() {
    let harness = Harness::start().await;
    harness.call_through_a(ResourceServer::Local).await;
    let call = |b: ResourceServer| {
        let url = e2e_tests::http::url(harness.addresses.service_a, "/api/call-b");
        harness.http.post(url).query(&[("target", b.target())]).json(&[1])
    };
    let flow = harness.observe(call(ResourceServer::Local)).await;
    let write = ["A -> B POST /api/do_something"];
    assert_eq!(
        script(&flow.events),
        lines(
            &[&["A reuses its access token"][..], &write, &STEP_4_CACHED, &RESPONSE_OF_B].concat()
        )
    );
    let flow = harness.observe(call(ResourceServer::Introspecting)).await;
    let expected = [&STEPS_1_AND_2[..], &write, &STEP_4_INTROSPECTION, &RESPONSE_OF_B].concat();
    assert_eq!(script(&flow.events), lines(&expected));
    assert!(flow.body.contains("B did something"), "{}", flow.body);
}

#[tokio::test]
async fn events_hold_no_secret_and_no_token() {
    let harness = Harness::start().await;
    for b in ResourceServer::BOTH {
        let flow = harness.observe(harness.request_through_a(b)).await;
        let token = harness.access_token("service-a", b).await;
        let output = serde_json::to_string(&flow.events).unwrap() + &*format!("{:?}", flow.events);
        assert!(!contains_word(&output, SECRET), "{output}");
        // All JWTs of C have the same header.
        assert!(!output.contains(token.split('.').next().unwrap()), "{output}");
        let hidden = flow
            .events
            .iter()
            .filter(|event| matches!(&event.event, Event::RequestSent { fields, .. } if fields.iter().any(is_hidden)));
        assert_eq!(
            hidden.count(),
            if b == ResourceServer::Local { 2 } else { 3 },
            "each message with a secret has a redacted field"
        );
    }
}

#[tokio::test]
async fn printed_flow_names_the_four_steps_and_hides_the_secret() {
    let harness = Harness::start().await;
    let output = narrator()
        .call(&harness.observe(harness.request_through_a(ResourceServer::Introspecting)).await);
    let places: Vec<_> = [
        "Step 1  A -> C",
        "Step 2  C -> A",
        "Step 3  A -> B",
        "Step 4  B -> C",
        "A responds to its caller with 200",
    ]
    .map(|step| output.find(step).unwrap_or_else(|| panic!("`{step}` is not in\n{output}")))
    .to_vec();
    assert!(places.is_sorted(), "{output}");
    for part in [
        "client_secret   ••••••",
        "client_id     service-a",
        "POST https://localhost:",
        "/oauth/token",
        "lifetime 1800 s",
        "RFC 7662 2.2",
    ] {
        assert!(output.contains(part), "`{part}` is not in\n{output}");
    }
    assert!(!contains_word(&output, SECRET), "{output}");
}

#[tokio::test]
async fn printed_flow_shows_local_verification() {
    let harness = Harness::start().await;
    // The second call needs no token request, which is steps 1 and 2 of the first.
    for (step, checked) in [(4, "B checks signature   ok"), (2, "B checks cached      ok")] {
        let request = harness.request_through_a(ResourceServer::Local);
        let output = narrator().call(&harness.observe(request).await);
        let verifies = format!("Step {step}  B verifies the access token locally\n");
        let Some((_, checks)) = output.split_once(&verifies) else { panic!("{output}") };
        assert!(checks.contains(checked) && !checks.contains("Step"), "{output}");
    }
}

fn narrator() -> Narrator {
    Narrator::new(Language::English, Colors::OFF).unwrap()
}

/// The response of B, which A passes on, is long.
#[tokio::test]
async fn printed_flow_shows_the_response_of_b_once_and_in_colors() {
    let harness = Harness::start().await;
    let call = harness.observe(harness.request_through_a(ResourceServer::Local)).await;
    let output = narrator().call(&call);
    assert_eq!(output.matches("this is B's protected resource").count(), 1, "{output}");
    let colored = Narrator::new(Language::English, Colors::ON).unwrap().call(&call);
    assert!(colored.contains("\u{1b}[1mStep 1  \u{1b}[0m"), "{colored}");
    assert!(!output.contains('\u{1b}'), "{output}");
}

fn is_hidden(field: &Field) -> bool {
    matches!(field.value, FieldValue::Secret | FieldValue::Fingerprint(_))
}

fn lines(script: &[&str]) -> Vec<String> {
    script.iter().map(|&line| line.to_owned()).collect()
}
