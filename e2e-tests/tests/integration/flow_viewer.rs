//! The flow viewer with A, B and C: which flows it receives, displays and discards.

use std::time::Duration;

use e2e_tests::{
    browser::BlockingBrowser,
    harness::{CHECKS_OF_A, Harness, SECRET},
    http::{TestResponse, send, until, url},
};
use flow_viewer::scenarios::Scenario;
use gatepass::Addresses;
use serde_json::{Value, json};
use test_support::secrecy::{contains_jwt, contains_word};

use crate::login::{Origins, log_in_and_allow};

async fn harness_with_viewer() -> Harness {
    Harness::start_in_real_time(|settings| {
        settings.urls_from_ports = true;
    })
    .await
}

async fn play(harness: &Harness, scenario: Scenario) -> Value {
    let at = url(harness.addresses.flow_viewer, &format!("/api/scenarios/{}", scenario.name()));
    let response = send(harness.http.post(at).json(&json!({}))).await;
    assert_eq!(response.status, 200, "{response:?}");
    response.json()
}

async fn get(harness: &Harness, path: &str) -> TestResponse {
    send(harness.http.get(url(harness.addresses.flow_viewer, path))).await
}

/// Waits until the flow of a scenario is complete and returns it.
async fn flow(harness: &Harness, played: &Value) -> Value {
    let path = format!("/api/flows/{}", played["flow"].as_str().unwrap());
    until("the flow is complete", async || {
        get(harness, &path).await.json()["outcome"] != "running"
    })
    .await;
    get(harness, &path).await.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_ends_as_expected() {
    let harness = harness_with_viewer().await;
    for scenario in Scenario::ALL {
        let played = play(&harness, *scenario).await;
        assert_eq!(played["as_expected"], true, "{played}");
        assert!(!played["expectations"].as_array().unwrap().is_empty(), "{played}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn login_is_one_flow() {
    let harness = harness_with_viewer().await;
    let played = play(&harness, Scenario::Login).await;
    let flow = flow(&harness, &played).await;
    let titles: Vec<_> =
        flow["messages"].as_array().unwrap().iter().map(|message| &message["title"]).collect();
    let mut rest = titles.iter();
    for title in [
        "login_button",
        "authorization_request",
        "sign_in",
        "consent",
        "callback",
        "code_exchange",
        "resource_request",
    ] {
        assert!(rest.any(|other| **other == title), "{title} does not follow in {titles:?}");
    }
    let holders = get(&harness, "/api/secret-holders").await.json();
    let password =
        holders.as_array().unwrap().iter().find(|row| row["secret"] == "password").unwrap();
    assert_eq!(password["received_by"], json!({ "authorization_server": 1 }), "A never gets it");
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_of_a_and_the_account_are_in_the_flow_of_a_login() {
    let harness = harness_with_viewer().await;
    for account in ["no account yet; A has created one", "an account of this issuer and subject"] {
        let played = play(&harness, Scenario::Login).await;
        let flow = flow(&harness, &played).await;
        let messages = flow["messages"].as_array().unwrap();
        let titled = |title: &str| messages.iter().find(|message| message["title"] == title);
        let decisions = titled("callback").unwrap()["decisions"].as_array().unwrap();
        let checks: Vec<_> =
            decisions.iter().filter(|one| one["reported_by"] == "client").collect();
        let rules: Vec<_> = checks.iter().map(|check| check["rule"].as_str().unwrap()).collect();
        assert_eq!(rules, CHECKS_OF_A);
        assert!(checks.iter().all(|check| check["passed"] == true), "{checks:#?}");
        assert_eq!(checks.last().unwrap()["found"], account);
        let userinfo = &titled("userinfo").unwrap()["response"]["fields"];
        let claims = userinfo.as_array().unwrap().iter().find(|field| field["name"] == "claims");
        let claims = claims.unwrap()["value"]["text"].as_str().unwrap();
        assert!(claims.contains("nickname") && claims.contains("email"), "{claims}");
        assert!(!flow.to_string().contains("robin@example.com"), "{flow}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_check_of_a_is_in_the_flow() {
    let harness = harness_with_viewer().await;
    let played = play(&harness, Scenario::WrongState).await;
    let flow = flow(&harness, &played).await;
    let messages = flow["messages"].as_array().unwrap();
    let mut decisions =
        messages.iter().flat_map(|message| message["decisions"].as_array().unwrap());
    let failed = decisions.find(|decision| decision["passed"] == false).unwrap();
    assert_eq!((&failed["reported_by"], &failed["rule"]), (&json!("client"), &json!("state")));
}

/// Scenarios have a user of their own.
#[tokio::test(flavor = "multi_thread")]
async fn first_login_after_every_scenario_asks_for_consent_and_is_the_only_session() {
    let harness = harness_with_viewer().await;
    for scenario in [Scenario::Login, Scenario::Refresh, Scenario::ReplayedCode] {
        play(&harness, scenario).await;
    }
    let at = Origins::of(&harness);
    let seen = tokio::task::spawn_blocking(move || {
        let mut alice = BlockingBrowser::new().unwrap();
        log_in_and_allow(&mut alice, &at).unwrap();
        alice.open(&format!("{}/account", at.c)).unwrap();
        alice.html().to_owned()
    });
    let account = seen.await.unwrap();
    assert_eq!(account.matches("class=\"session\"").count(), 1, "{account}");
    assert_eq!(account.matches("class=\"consent\"").count(), 1, "{account}");
}

#[tokio::test(flavor = "multi_thread")]
async fn login_requests_without_trace_are_joined_by_state() {
    let harness = harness_with_viewer().await;
    // The client follows redirects and sends no trace context, as a browser does.
    let page = send(harness.http.get(url(harness.addresses.service_a, "/login/platform"))).await;
    assert!(page.text.contains("id=\"login-submit\""), "{page:?}");
    until("all hops are one flow", async || {
        let flows = get(&harness, "/api/flows").await.json();
        let flow =
            get(&harness, &format!("/api/flows/{}", flows[0]["id"].as_str().unwrap_or_default()))
                .await
                .json();
        let messages = flow["messages"].as_array().cloned().unwrap_or_default();
        let seen: Vec<_> = messages
            .iter()
            .filter(|message| message["from"] == "browser")
            .map(|m| m["title"].clone())
            .collect();
        seen == ["login_button", "authorization_request", "sign_in"]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_with_many_parameters_stays_small_in_the_viewer() {
    let harness = harness_with_viewer().await;
    let path = format!("/nothing?{}", vec!["a"; 32_000].join("&"));
    let Addresses { auth_server, service_a, b_local, b_introspection, .. } = harness.addresses;
    for server in [auth_server, service_a, b_local, b_introspection] {
        let response = send(harness.http.get(url(server, &path))).await;
        assert_eq!(response.status, 404);
        until("the viewer has the request, in part", async || {
            let flows = get(&harness, "/api/flows").await;
            assert!(flows.text.len() < 40_000, "{} bytes", flows.text.len());
            let id = flows.json()[0]["id"].as_str().unwrap_or_default().to_owned();
            let flow = get(&harness, &format!("/api/flows/{id}")).await;
            assert!(flow.text.len() < 40_000, "{} bytes", flow.text.len());
            // 63 are listed, `host` and `remote-addr` among them.
            flow.text.contains(&format!(":{}", server.port()))
                && flow.text.contains("31939 more fields")
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secret_holders_are_counted_per_method() {
    let harness = harness_with_viewer().await;
    for scenario in [
        Scenario::ServerToServerLocal,
        Scenario::LegacyBasic,
        Scenario::LegacyQuery,
        Scenario::WrongSecret,
    ] {
        flow(&harness, &play(&harness, scenario).await).await;
    }
    let holders = get(&harness, "/api/secret-holders").await.json();
    let received = |method: &str| {
        let of_a = |row: &&Value| row["secret"] == "client_secret" && row["method"] == method;
        holders.as_array().unwrap().iter().find(of_a).unwrap()["received_by"].clone()
    };
    assert_eq!(received("oauth"), json!({ "authorization_server": 1 }), "guesses do not count");
    assert_eq!(received("legacy"), json!({ "resource_server": 2 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn legacy_calls_have_their_own_title() {
    let harness = harness_with_viewer().await;
    for (scenario, method, path) in [
        (Scenario::LegacyBasic, "POST", "/api/do_something"),
        (Scenario::LegacyQuery, "GET", "/api"),
    ] {
        let played = flow(&harness, &play(&harness, scenario).await).await;
        let messages = played["messages"].as_array().unwrap();
        let to_b = messages.iter().find(|message| message["to"] == "resource_server").unwrap();
        assert_eq!((&to_b["title"], &to_b["method"]), (&json!("legacy"), &json!(method)), "{to_b}");
        assert!(to_b["url"].as_str().unwrap().ends_with(path), "{to_b}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_flows_hold_no_secret_and_no_token() {
    let harness = harness_with_viewer().await;
    let quick =
        || Scenario::ALL.iter().filter(|scenario| **scenario != Scenario::AuthServerUnavailable);
    let mut ids = Vec::new();
    while ids.len() < 200 {
        for scenario in quick().take(200 - ids.len()) {
            ids.push(play(&harness, *scenario).await["flow"].as_str().unwrap().to_owned());
        }
    }
    let mut seen = 0;
    for id in ids {
        for kind in ["", "/events", "/mermaid", "/har"] {
            let response = get(&harness, &format!("/api/flows/{id}{kind}")).await;
            assert_eq!(response.status, 200, "{id}{kind}");
            let text = &response.text;
            assert!(!contains_jwt(text), "{id}{kind}: {text}");
            for secret in [SECRET, "wonderland", "guessed"] {
                assert!(!contains_word(text, secret), "{secret} in {id}{kind}: {text}");
            }
            // All opaque tokens of C have these prefixes.
            for prefix in ["gpat_", "gprt_"] {
                assert!(!text.contains(prefix), "{prefix} in {id}{kind}: {text}");
            }
            seen += response.text.len();
        }
    }
    assert!(seen > 1_000_000, "too few bytes were checked: {seen} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn simulated_outage_closes_the_port_and_ends() {
    let harness = harness_with_viewer().await;
    let token = [
        ("grant_type", "client_credentials"),
        ("client_id", "service-a"),
        ("client_secret", SECRET),
    ];
    let away = harness.post_to_c("/test/outage", &[("seconds", "1")]).await;
    assert_eq!(away.status, 202, "{away:?}");
    let address = harness.addresses.auth_server;
    until("the port is closed", async || tokio::net::TcpStream::connect(address).await.is_err())
        .await;
    until("the port is open again", async || tokio::net::TcpStream::connect(address).await.is_ok())
        .await;
    assert_eq!(harness.post_to_c("/oauth/token", &token).await.status, 200);
    for wrong in ["0", "61", "x"] {
        assert_eq!(
            harness.post_to_c("/test/outage", &[("seconds", wrong)]).await.status,
            400,
            "{wrong}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn test_controls_are_off_unless_enabled() {
    let harness = Harness::start_with(|settings| settings.auth_server.test_controls = false).await;
    for path in ["/test/outage", "/test/token"] {
        assert_eq!(harness.post_to_c(path, &[("seconds", "1")]).await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cross_site_forms_cannot_play_scenarios_or_send_events() {
    let harness = harness_with_viewer().await;
    // A form on another site can send this content type but not JSON.
    for path in ["/api/scenarios/revoke", "/api/events"] {
        let post = harness
            .http
            .post(url(harness.addresses.flow_viewer, path))
            .header("content-type", "text/plain");
        assert_eq!(send(post.body("{}")).await.status, 415, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn viewer_keeps_the_latest_hundred_flows() {
    let harness = harness_with_viewer().await;
    let at = url(harness.addresses.flow_viewer, "/api/events");
    let event = |flow: u32| {
        json!({
            "trace_id": format!("{:032x}", flow + 1), "at_micros": 1, "reported_by": "client", "event": "request_received",
            "method": "GET", "path": "/x", "fields": [{ "location": "body", "name": "n", "value": { "text": "x".repeat(100) } }],
        })
    };
    for batch in 0..200_u32 {
        let events: Vec<_> = (0..256).map(|number| event(batch * 256 + number)).collect();
        assert_eq!(send(harness.http.post(&at).json(&events)).await.status, 204);
    }
    let listed = get(&harness, "/api/flows").await.json();
    assert_eq!(listed.as_array().unwrap().len(), 100);
    let gone = get(&harness, &format!("/api/flows/{:032x}", 1)).await;
    assert_eq!(gone.status, 404, "{gone:?}");
    let played = tokio::time::timeout(
        Duration::from_secs(60),
        play(&harness, Scenario::ServerToServerLocal),
    )
    .await
    .unwrap();
    assert_eq!(played["as_expected"], true, "{played}");
}

#[tokio::test(flavor = "multi_thread")]
async fn back_channel_logout_is_a_flow_from_c_to_a() {
    let harness = harness_with_viewer().await;
    let (a, c) = (url(harness.addresses.service_a, ""), url(harness.addresses.auth_server, ""));
    let (a, c) = (a.replace("127.0.0.1", "localhost"), c.replace("127.0.0.1", "localhost"));
    let signed_out = tokio::task::spawn_blocking(move || {
        let mut alice = BlockingBrowser::new().unwrap();
        alice.open(&format!("{a}/login/platform")).unwrap();
        alice.press("login-submit", &[("username", "alice"), ("password", "wonderland")]).unwrap();
        alice.press("consent-allow", &[]).unwrap();
        alice.open(&format!("{c}/account")).unwrap();
        alice.press("sign-out-everywhere", &[]).unwrap();
    });
    signed_out.await.unwrap();
    until("the viewer has the logout flow", async || {
        let flows = get(&harness, "/api/flows").await.json();
        let logout = flows
            .as_array()
            .unwrap()
            .iter()
            .find(|flow| flow["name"] == "back_channel_logout")
            .cloned();
        let Some(id) = logout.and_then(|flow| flow["id"].as_str().map(str::to_owned)) else {
            return false;
        };
        let flow = get(&harness, &format!("/api/flows/{id}")).await.json();
        let message = &flow["messages"][0];
        (&message["from"], &message["to"], &message["response"]["status"])
            == (&json!("authorization_server"), &json!("client"), &json!(200))
    })
    .await;
}
