//! Which flows the viewer lists, and which one it shows.

use e2e_tests::{harness::ResourceServer, http::until};
use serde_json::json;

use crate::{browser::Browser, servers::Servers};

/// Reads a page, metadata and keys, as browsers and servers do all the time.
async fn visit_pages(servers: &Servers) {
    let pages = [
        servers.a("/"),
        servers.c("/"),
        servers.c("/.well-known/oauth-authorization-server"),
        servers.c("/.well-known/jwks.json"),
    ];
    for page in pages {
        servers.harness.http.get(page).send().await.unwrap();
    }
}

async fn open_name(browser: &Browser) -> String {
    browser.text("flow-name").await
}

#[tokio::test(flavor = "multi_thread")]
async fn first_flow_is_one_that_teaches_and_visits_are_folded() {
    let servers = Servers::with_viewer().await;
    servers.harness.call_through_a(ResourceServer::Local).await;
    visit_pages(&servers).await;
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    browser.find_css("#diagram [data-title=call_a]").await;
    assert_eq!(open_name(&browser).await, "Calls A, which calls B");
    browser.find_css("#background-flows [data-name=keys]").await;
    for name in ["visit_a", "visit_c", "metadata", "keys"] {
        assert_eq!(browser.count(&format!("#flows [data-name={name}]")).await, 0, "{name}");
        let folded = browser.find_css(&format!("#background-flows [data-name={name}]")).await;
        assert!(!folded.is_displayed().await.unwrap(), "{name} is folded");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_flows_are_shown_until_something_is_pressed_and_counted_from_then_on() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    servers.harness.call_through_a(ResourceServer::Local).await;
    browser.find_css("#diagram [data-title=call_a]").await;
    let token = [
        ("grant_type", "client_credentials"),
        ("client_id", "service-a"),
        ("client_secret", e2e_tests::harness::SECRET),
    ];
    servers.harness.post_to_c("/oauth/token", &token).await;
    until("the newer flow is shown", async || {
        open_name(&browser).await == "Requests an access token"
    })
    .await;
    assert!(!browser.find("new-flows").await.is_displayed().await.unwrap());
    browser.press_line("[data-title=client_credentials][data-kind=request]").await;
    for _ in 0..3 {
        servers.harness.call_through_a(ResourceServer::Introspecting).await;
    }
    visit_pages(&servers).await;
    until("three flows are counted, and no visit", async || {
        browser.text("new-flows").await.starts_with("3 new")
    })
    .await;
    assert_eq!(open_name(&browser).await, "Requests an access token", "the open flow stays");
    browser.find_css("#detail [data-part=request]").await;
    browser.screenshot("viewer-new-flows").await;
    browser.find("new-flows").await.click().await.unwrap();
    until("the newest flow is shown", async || {
        open_name(&browser).await == "Calls A, which calls B"
    })
    .await;
    assert!(!browser.find("new-flows").await.is_displayed().await.unwrap());
    servers.harness.post_to_c("/oauth/token", &token).await;
    until("the page follows new flows again", async || {
        open_name(&browser).await == "Requests an access token"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn own_scenario_is_not_counted_as_new() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    browser.play("server_to_server_local").await;
    browser.play("tampered").await;
    // The list has both flows, so the page has noted them.
    browser.find_css("#flows [data-name=tampered] a[aria-current]").await;
    assert!(!browser.find("new-flows").await.is_displayed().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn result_of_a_scenario_belongs_to_its_flow() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    browser.play("alg_none").await;
    let (address, result) = (browser.current_url().await, browser.text("scenario-result").await);
    browser.0.refresh().await.unwrap();
    browser.find_css("#scenario-result[data-scenario=alg_none][data-as-expected=true]").await;
    assert_eq!(browser.text("scenario-result").await, result, "after a reload");
    let other = servers.browser().await;
    other.go(address).await;
    other.find_css("#scenario-result[data-scenario=alg_none][data-as-expected=true]").await;
    assert_eq!(other.text("scenario-result").await, result, "in another browser");
    servers.harness.call_through_a(ResourceServer::Local).await;
    other.open_flow("call_a").await;
    until("a flow without a scenario has no result", async || {
        other.text("scenario-result").await.is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn list_is_one_tab_stop() {
    let servers = Servers::with_viewer().await;
    for _ in 0..30 {
        servers.harness.call_through_a(ResourceServer::Local).await;
    }
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    browser.find_css("#flows li:nth-child(30)").await;
    assert_eq!(browser.count("#flows a[tabindex='0']").await, 1);
    let first = "document.querySelector('#flows a[tabindex=\"0\"]').focus()";
    browser.evaluate(first).await;
    let types = async |key: thirtyfour::Key| {
        browser.0.action_chain().send_keys(key).perform().await.unwrap();
    };
    types(thirtyfour::Key::End).await;
    browser.find_css("#flows li:last-child a:focus").await;
    types(thirtyfour::Key::Up).await;
    browser.find_css("#flows li:nth-last-child(2) a:focus").await;
}

/// The server lists the newest 100 of 500 flows; the others stay reachable by their links.
#[tokio::test(flavor = "multi_thread")]
async fn list_stays_usable_with_500_flows() {
    let servers = Servers::with_viewer().await;
    let at = servers.harness.clock.micros();
    let flow = |number: usize| {
        let event = |micros: i64, event: serde_json::Value| {
            let mut event = event;
            event["trace_id"] = format!("{:032x}", number + 1).into();
            event["at_micros"] = (at + number as i64 * 1_000 + micros).into();
            event["reported_by"] = "resource_server".into();
            event
        };
        [
            event(
                0,
                json!({ "event": "request_received", "method": "GET", "path": "/api/resource", "fields": [] }),
            ),
            event(
                9,
                json!({ "event": "response_sent", "status": 200, "elapsed_micros": 9, "fields": [] }),
            ),
        ]
    };
    let all: Vec<_> = (0..500).flat_map(flow).collect();
    let to = servers.viewer("/api/events");
    let sent = servers.harness.http.post(to).json(&all).send().await.unwrap();
    assert_eq!(sent.status().as_u16(), 204);
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    until("the newest 100 are listed", async || browser.count("#flows li").await == 100).await;
    assert_eq!(browser.count("#flows a[tabindex='0']").await, 1, "one tab stop");
    let newest = format!("#flows li:first-child[data-flow='{:032x}']", 500);
    browser.find_css(&newest).await;
    let last = browser.find_css("#flows li:last-child a").await;
    browser.press_in_view(&last).await;
    browser.find_css("#flows li:last-child a[aria-current]").await;
    browser.find_css("#diagram [data-title=resource_request]").await;
    browser.play("server_to_server_local").await;
    assert!(browser.count("#flows li").await <= 100);
    browser.go(servers.viewer(&format!("/flows/{:032x}", 250))).await;
    browser.find_css("#diagram [data-title=resource_request]").await;
}
