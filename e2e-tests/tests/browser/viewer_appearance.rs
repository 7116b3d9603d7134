use e2e_tests::{harness::ResourceServer, http::until};
use flow_viewer::scenarios::Scenario;

use crate::{
    browser::{BrowserOptions, PHONE_WIDTH},
    servers::Servers,
};

#[tokio::test(flavor = "multi_thread")]
async fn only_the_diagram_scrolls_sideways_on_a_phone() {
    let servers = Servers::with_viewer().await;
    let browser =
        servers.browser_with(BrowserOptions { phone: true, ..BrowserOptions::default() }).await;
    browser.open_viewer(&servers).await;
    browser.screenshot("viewer-phone-start").await;
    browser.play("wrong_audience").await;
    browser.press_line("[data-check=audience][data-passed=false]").await;
    browser.screenshot("viewer-phone").await;
    assert_eq!(browser.evaluate("window.innerWidth").await, PHONE_WIDTH);
    assert_eq!(browser.evaluate("document.documentElement.scrollWidth").await, PHONE_WIDTH);
    let over = format!(
        "[...document.querySelectorAll('body *')].filter(e => !e.closest('#diagram svg'))\
         .filter(e => e.getBoundingClientRect().right > {PHONE_WIDTH}.5).map(e => e.outerHTML)"
    );
    assert_eq!(browser.evaluate(&over).await, serde_json::json!([]));
    let small = "[...document.querySelectorAll('button, .button')]\
         .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 36).map(e => e.outerHTML)";
    assert_eq!(browser.evaluate(small).await, serde_json::json!([]), "too small to touch");
    let scrolls = "document.getElementById('diagram').scrollWidth > document.getElementById('diagram').clientWidth";
    assert_eq!(browser.evaluate(scrolls).await, true);
}

#[tokio::test(flavor = "multi_thread")]
async fn viewer_has_a_dark_mode() {
    let servers = Servers::with_viewer().await;
    let (light, dark) = (
        servers.browser().await,
        servers.browser_with(BrowserOptions { dark: true, ..BrowserOptions::default() }).await,
    );
    for browser in [&light, &dark] {
        browser.open_viewer(&servers).await;
        browser.play("missing_scope").await;
        browser.press_line("[data-verdict=token]").await;
    }
    dark.screenshot("viewer-dark").await;
    light.screenshot("viewer-light").await;
    for part in ["body", ".paper", "#detail", "#scenario-result"] {
        assert_ne!(dark.background_color(part).await, light.background_color(part).await, "{part}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn language_switch_keeps_the_flow() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    browser.play("revoked").await;
    let (path, english) =
        (browser.current_url().await.path().to_owned(), browser.text("flow-name").await);
    browser.press_css(".languages a[lang=zh]").await;
    browser.find_css("#flows [data-name=revoked] a[aria-current]").await;
    browser.press_line("[data-title=resource_request]").await;
    assert_eq!(browser.current_url().await.path(), path);
    assert_eq!(browser.evaluate("document.documentElement.lang").await, "zh");
    let chinese = |text: &str| text.chars().any(|c| ('一'..='鿿').contains(&c));
    assert!(chinese(&browser.text("flow-name").await) && !chinese(&english));
    let headings = "[...document.querySelectorAll('h2, h3, summary, [data-scenario]')].map(e => e.textContent)\
        .filter(text => !/[一-鿿]/.test(text))";
    assert_eq!(browser.evaluate(headings).await, serde_json::json!([]), "still in English");
    browser.screenshot("viewer-zh").await;
    // The choice is stored.
    browser.go(servers.viewer("/")).await;
    browser.find_css("html[lang=zh][data-ready]").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chinese_page_has_no_english_sentences() {
    let servers = Servers::with_viewer().await;
    let browser = servers
        .browser_with(BrowserOptions { language: "zh-CN", ..BrowserOptions::default() })
        .await;
    browser.open_viewer(&servers).await;
    for scenario in Scenario::ALL {
        let scenario = scenario.name();
        browser.play(scenario).await;
        let lines = browser.count("#diagram [data-line]").await;
        for line in 0..lines {
            let press = format!(
                "void document.querySelectorAll('#diagram [data-line]')[{line}]\
                 .dispatchEvent(new MouseEvent('click', {{ bubbles: true }}))"
            );
            browser.evaluate(&press).await;
            assert_eq!(browser.english_sentences().await, serde_json::json!([]), "{scenario}");
            let compared = "[...document.querySelectorAll('#detail [data-check]:not([data-check=scope]) .compared code')]\
                 .map((e) => e.textContent.replace(/\\b(iss|sub) /g, '')).filter((text) => /[a-z]{2,} [a-z]{2,}/.test(text))";
            assert_eq!(browser.evaluate(compared).await, serde_json::json!([]), "{scenario}");
        }
        let reasons = "[...document.querySelectorAll('#diagram text')].map((e) => e.textContent)\
             .filter((text) => /refused|os error/.test(text))";
        assert_eq!(browser.evaluate(reasons).await, serde_json::json!([]), "{scenario}");
    }
    for page in ["/", "/nothing"] {
        browser.go(servers.viewer(page)).await;
        browser.find_css("h1").await;
        assert_eq!(browser.english_sentences().await, serde_json::json!([]), "{page}");
    }
    browser.open_viewer(&servers).await;
    browser.play("expired").await;
    browser.press_line("[data-check=expiry][data-passed=false]").await;
    let expected =
        browser.text_of("#detail [data-check=expiry][data-passed=false] .expected").await;
    assert!(expected.contains("在 exp 之前"), "{expected}");
}

#[tokio::test(flavor = "multi_thread")]
async fn viewer_without_javascript_shows_a_notice() {
    let servers = Servers::with_viewer().await;
    let browser =
        servers.browser_with(BrowserOptions { scripts: false, ..BrowserOptions::default() }).await;
    browser.go(servers.viewer("/")).await;
    let message = browser.text_of(".without").await;
    assert!(message.contains("JavaScript") && message.contains("/api/flows"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_page_pauses_and_catches_up() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    let looked_at = async |seen: bool| {
        let change = format!(
            "(Object.defineProperty(document, 'hidden', {{ value: {}, configurable: true }}), \
             document.dispatchEvent(new Event('visibilitychange')))",
            !seen
        );
        browser.evaluate(&change).await;
    };
    looked_at(false).await;
    browser.find_css("#live[data-live=paused]").await;
    servers.harness.call_through_a(ResourceServer::Local).await;
    let at = servers.viewer("/api/flows");
    let known = async || servers.harness.http.get(&at).send().await.unwrap().text().await.unwrap();
    until("the viewer has received the call", async || known().await.contains("\"call_a\"")).await;
    assert_eq!(
        browser.count("#flows [data-name=call_a]").await,
        0,
        "a hidden page receives no updates"
    );
    looked_at(true).await;
    browser.find_css("#live[data-live=on]").await;
    browser.find_css("#flows [data-name=call_a]").await;
}
