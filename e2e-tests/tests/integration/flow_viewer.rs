//! What the flow viewer knows of what the others do.

use std::time::Duration;

use e2e_tests::{
    harness::{SECRET, Stage},
    http::{Answer, until, url},
};
use flow_viewer::scenarios::Scenario;
use serde_json::{Value, json};

async fn stage_with_viewer() -> Stage {
    Stage::start_in_real_time(|settings| {
        settings.urls_from_ports = true;
        settings.service_a.legacy_secret_demo = true;
        settings.b_local.legacy_secret_demo = true;
    })
    .await
}

async fn play(stage: &Stage, story: Scenario) -> Value {
    let at = url(stage.addresses.flow_viewer, &format!("/api/scenarios/{}", story.name()));
    let answer = Answer::of(stage.http.post(at).json(&json!({}))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn ask(stage: &Stage, path: &str) -> Answer {
    Answer::of(stage.http.get(url(stage.addresses.flow_viewer, path))).await
}

/// The flow of a story, once all of it has come.
async fn flow(stage: &Stage, played: &Value) -> Value {
    let path = format!("/api/flows/{}", played["flow"].as_str().unwrap());
    until("the flow is whole", async || ask(stage, &path).await.json()["outcome"] != "running")
        .await;
    ask(stage, &path).await.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_story_goes_as_it_is_told_before() {
    let stage = stage_with_viewer().await;
    for story in Scenario::ALL {
        let played = play(&stage, *story).await;
        assert_eq!(played["as_expected"], true, "{played}");
        assert!(!played["expectations"].as_array().unwrap().is_empty(), "{played}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_one_picture_from_the_button_to_the_account() {
    let stage = stage_with_viewer().await;
    let played = play(&stage, Scenario::Login).await;
    let flow = flow(&stage, &played).await;
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
        assert!(rest.any(|told| **told == title), "{title} does not follow in {titles:?}");
    }
    let password = |holders: &&Value| holders["secret"] == "password";
    let holders = flow["secrets"].as_array().unwrap().iter().find(password).unwrap();
    assert!(holders["held_by"].get("client").is_none(), "A never sees the password: {holders}");
    assert!(holders["held_by"]["authorization_server"].as_u64().unwrap() > 0, "{holders}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hops_of_a_browser_that_carries_no_trace_are_joined_by_their_state() {
    let stage = stage_with_viewer().await;
    // The client follows wherever it is sent, as a browser does, and carries no trace.
    let page = Answer::of(stage.http.get(url(stage.addresses.service_a, "/login/platform"))).await;
    assert!(page.text.contains("id=\"login-submit\""), "{page:?}");
    until("all hops are one flow", async || {
        let flows = ask(&stage, "/api/flows").await.json();
        let flow =
            ask(&stage, &format!("/api/flows/{}", flows[0]["id"].as_str().unwrap_or_default()))
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
async fn who_has_seen_the_secret_is_counted_from_what_was_sent() {
    let stage = stage_with_viewer().await;
    for story in [Scenario::ServerToServerLocal, Scenario::LegacyBasic, Scenario::LegacyQuery] {
        flow(&stage, &play(&stage, story).await).await;
    }
    let compared = ask(&stage, "/api/secret-holders").await.json();
    let held = |way: &str| {
        let of_a = |holders: &&Value| holders["secret"] == "secret_of_a";
        compared[way].as_array().unwrap().iter().find(of_a).unwrap()["held_by"].clone()
    };
    assert_eq!(held("oauth"), json!({ "client": 1, "authorization_server": 1 }));
    assert_eq!(held("legacy"), json!({ "client": 2, "resource_server": 2 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_way_is_told_as_the_document_shows_it() {
    let stage = stage_with_viewer().await;
    for (story, method, path) in [
        (Scenario::LegacyBasic, "POST", "/api/do_something"),
        (Scenario::LegacyQuery, "GET", "/api"),
    ] {
        let told = flow(&stage, &play(&stage, story).await).await;
        let messages = told["messages"].as_array().unwrap();
        let to_b = messages.iter().find(|message| message["to"] == "resource_server").unwrap();
        assert_eq!((&to_b["title"], &to_b["method"]), (&json!("legacy"), &json!(method)), "{to_b}");
        assert!(to_b["url"].as_str().unwrap().ends_with(path), "{to_b}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_export_or_picture_of_two_hundred_flows_holds_a_secret_or_a_token() {
    let stage = stage_with_viewer().await;
    let quick = || Scenario::ALL.iter().filter(|story| **story != Scenario::AuthServerUnavailable);
    let mut ids = Vec::new();
    while ids.len() < 200 {
        for story in quick().take(200 - ids.len()) {
            ids.push(play(&stage, *story).await["flow"].as_str().unwrap().to_owned());
        }
    }
    let mut seen = 0;
    for id in ids {
        for kind in ["", "/events", "/mermaid", "/har"] {
            let told = ask(&stage, &format!("/api/flows/{id}{kind}")).await;
            assert_eq!(told.status, 200, "{id}{kind}");
            // Every JWT, and each of C's own tokens, begins like this.
            for secret in [SECRET, "wonderland", "guessed", "eyJ", "gpat_", "gprt_"] {
                assert!(!told.text.contains(secret), "{secret} in {id}{kind}: {}", told.text);
            }
            seen += told.text.len();
        }
    }
    assert!(seen > 1_000_000, "there was hardly anything to look at: {seen} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_c_is_really_away_and_comes_back() {
    let stage = stage_with_viewer().await;
    let token = [
        ("grant_type", "client_credentials"),
        ("client_id", "service-a"),
        ("client_secret", SECRET),
    ];
    let away = stage.ask_c("/test/outage", &[("seconds", "1")]).await;
    assert_eq!(away.status, 202, "{away:?}");
    let address = stage.addresses.auth_server;
    until("nobody listens there", async || tokio::net::TcpStream::connect(address).await.is_err())
        .await;
    until("C is back", async || tokio::net::TcpStream::connect(address).await.is_ok()).await;
    assert_eq!(stage.ask_c("/oauth/token", &token).await.status, 200);
    for wrong in ["0", "61", "x"] {
        assert_eq!(stage.ask_c("/test/outage", &[("seconds", wrong)]).await.status, 400, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_test_controls_nobody_can_send_c_away_or_choose_when_a_pass_expires() {
    let stage = Stage::start_with(|settings| settings.auth_server.test_controls = false).await;
    for path in ["/test/outage", "/test/token"] {
        assert_eq!(stage.ask_c(path, &[("seconds", "1")]).await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_can_neither_play_a_story_nor_tell_an_event() {
    let stage = stage_with_viewer().await;
    // What a form of another site can send, no more.
    for path in ["/api/scenarios/revoke", "/api/events"] {
        let post = stage
            .http
            .post(url(stage.addresses.flow_viewer, path))
            .header("content-type", "text/plain");
        assert_eq!(Answer::of(post.body("{}")).await.status, 415, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_hears_too_much_forgets_the_oldest_and_stays_in_bounds() {
    let stage = stage_with_viewer().await;
    let at = url(stage.addresses.flow_viewer, "/api/events");
    let event = |flow: u32| {
        json!({
            "trace_id": format!("{:032x}", flow + 1), "at_micros": 1, "reported_by": "client", "event": "request_received",
            "method": "GET", "path": "/x", "fields": [{ "location": "body", "name": "n", "value": { "text": "x".repeat(100) } }],
        })
    };
    for batch in 0..200_u32 {
        let events: Vec<_> = (0..256).map(|number| event(batch * 256 + number)).collect();
        assert_eq!(Answer::of(stage.http.post(&at).json(&events)).await.status, 204);
    }
    let listed = ask(&stage, "/api/flows").await.json();
    assert_eq!(listed.as_array().unwrap().len(), 100);
    let gone = ask(&stage, &format!("/api/flows/{:032x}", 1)).await;
    assert_eq!(gone.status, 404, "{gone:?}");
    let played =
        tokio::time::timeout(Duration::from_secs(60), play(&stage, Scenario::ServerToServerLocal))
            .await
            .unwrap();
    assert_eq!(played["as_expected"], true, "{played}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_news_of_a_sign_out_go_from_c_to_a_and_are_drawn_so() {
    let stage = stage_with_viewer().await;
    let (a, c) = (url(stage.addresses.service_a, ""), url(stage.addresses.auth_server, ""));
    let (a, c) = (a.replace("127.0.0.1", "localhost"), c.replace("127.0.0.1", "localhost"));
    let left = tokio::task::spawn_blocking(move || {
        let mut alice = e2e_tests::browser::Visitor::new().unwrap();
        alice.open(&format!("{a}/login/platform")).unwrap();
        alice.press("login-submit", &[("username", "alice"), ("password", "wonderland")]).unwrap();
        alice.press("consent-allow", &[]).unwrap();
        alice.open(&format!("{c}/account")).unwrap();
        alice.press("sign-out-everywhere", &[]).unwrap();
    });
    left.await.unwrap();
    until("the news are drawn", async || {
        let flows = ask(&stage, "/api/flows").await.json();
        let news = flows
            .as_array()
            .unwrap()
            .iter()
            .find(|flow| flow["name"] == "back_channel_logout")
            .cloned();
        let Some(id) = news.and_then(|flow| flow["id"].as_str().map(str::to_owned)) else {
            return false;
        };
        let flow = ask(&stage, &format!("/api/flows/{id}")).await.json();
        let message = &flow["messages"][0];
        (&message["from"], &message["to"], &message["response"]["status"])
            == (&json!("authorization_server"), &json!("client"), &json!(200))
    })
    .await;
}
