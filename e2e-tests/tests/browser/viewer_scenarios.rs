use e2e_tests::http::until;
use flow_viewer::scenarios::{Scenario, ScenarioGroup};
use serde_json::json;

use crate::{browser::BrowserOptions, servers::Servers, user_actions::ALICE};

#[tokio::test(flavor = "multi_thread")]
async fn every_button_plays_its_scenario() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    assert_eq!(
        browser.count("[data-scenario]").await,
        Scenario::ALL.len(),
        "one button for each scenario"
    );
    for scenario in Scenario::ALL {
        let name = scenario.name();
        assert_ne!(
            browser
                .evaluate(&format!("document.getElementById('description-{name}').textContent"))
                .await,
            ""
        );
        browser.play(name).await;
        let result = browser.text("scenario-result").await;
        assert_eq!(browser.count("#scenario-result[data-as-expected=true]").await, 1, "{result}");
        assert!(
            browser.count("#scenario-result [data-expectation][data-met=true]").await > 0,
            "{name}: {result}"
        );
        assert_eq!(browser.count("#scenario-result [data-met=false]").await, 0, "{name}: {result}");
        // The diagram displays this flow. In attack scenarios it contains a rejection.
        let path = browser.current_url().await.path().to_owned();
        browser.find_css(&format!("#flow[data-flow='{}']", path.rsplit('/').next().unwrap())).await;
        browser.find_css("#diagram [data-line][data-kind=response]").await;
        if scenario.group() == ScenarioGroup::Attack {
            browser.find_css("#diagram [data-line][data-verdict=no]").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn aborted_scenario_shows_the_reason() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    // Without C every scenario is aborted.
    servers
        .harness
        .http
        .post(servers.c("/test/outage"))
        .form(&[("seconds", "60")])
        .send()
        .await
        .unwrap();
    until("C is unreachable", async || {
        servers.harness.http.get(servers.c("/openapi.json")).send().await.is_err()
    })
    .await;
    browser.press_scenario("alg_none").await;
    assert_eq!(browser.count("#scenario-result[data-as-expected=false] [data-error]").await, 1);
    assert!(browser.text("scenario-result").await.contains("aborted: no response: "));
    let chinese = BrowserOptions { language: "zh-CN", ..BrowserOptions::default() };
    let browser = servers.browser_with(chinese).await;
    browser.open_viewer(&servers).await;
    browser.press_scenario("alg_none").await;
    let result = browser.text("scenario-result").await;
    assert!(result.contains("场景中断：没有响应："), "{result}");
}

#[tokio::test(flavor = "multi_thread")]
async fn login_is_drawn_live() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    let viewer = browser.0.window().await.unwrap();
    browser.find_css("#login-yourself").await.click().await.unwrap();
    let website = browser.other_window(&viewer).await;
    browser.0.switch_to_window(website).await.unwrap();
    browser.sign_in(ALICE).await;
    browser.press("consent-allow").await;
    browser.find("account-email").await;
    browser.0.switch_to_window(viewer).await.unwrap();
    for title in
        ["login_button", "authorization_request", "sign_in", "consent", "callback", "code_exchange"]
    {
        browser.find_css(&format!("#diagram [data-title={title}]")).await;
    }
    browser.press_line("[data-title=sign_in][data-kind=request][aria-label*=POST]").await;
    let held = browser.text_of("#detail [data-secret=password]").await;
    assert!(held.contains("•••") && !held.contains(ALICE.1), "{held}");
    browser.screenshot("viewer-login").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_and_c_lead_to_their_flow_in_the_viewer() {
    let servers = Servers::with_viewer().await;
    for (page, title) in [("a", "my_resource"), ("c", "authorization_request")] {
        let browser = servers.browser().await;
        browser.begin_login(&servers).await;
        if page == "a" {
            browser.sign_in(ALICE).await;
            browser.press("consent-allow").await;
            browser.press("my-resource").await;
        }
        let website = browser.0.window().await.unwrap();
        browser.find("viewer").await.click().await.unwrap();
        let viewer = browser.other_window(&website).await;
        browser.0.switch_to_window(viewer).await.unwrap();
        browser.find_css(&format!("#diagram [data-title={title}]")).await;
        assert!(browser.current_url().await.as_str().starts_with(&servers.viewer("/flows")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_flows_are_separate() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    let play = async |scenario: &str| {
        let at = servers.viewer(&format!("/api/scenarios/{scenario}"));
        servers.harness.http.post(at).json(&json!({})).send().await.unwrap();
    };
    tokio::join!(
        play("server_to_server_local"),
        play("alg_none"),
        play("login"),
        play("wrong_audience")
    );
    for (scenario, title) in [
        ("login", "callback"),
        ("alg_none", "client_credentials"),
        ("wrong_audience", "resource_request"),
    ] {
        browser.find_css(&format!("#flows [data-name={scenario}] a")).await.click().await.unwrap();
        browser.find_css(&format!("#flows [data-name={scenario}] a[aria-current]")).await;
        browser.find_css(&format!("#diagram [data-title={title}]")).await;
        assert_eq!(browser.count("#diagram [data-title=callback]").await > 0, scenario == "login");
    }
}
