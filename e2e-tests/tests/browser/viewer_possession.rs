//! What travels on an arrow, and who holds it afterwards.

use e2e_tests::http::until;
use serde_json::{Value, json};

use crate::{browser::Browser, servers::Servers};

async fn after(servers: &Servers, scenario: &str) -> Browser {
    let browser = servers.browser().await;
    browser.open_viewer(servers).await;
    browser.play(scenario).await;
    browser
}

/// What is drawn beneath the lifeline of a party: kind and label of each holding.
async fn held(browser: &Browser, lane: &str) -> Value {
    let held = format!(
        "[...document.querySelectorAll('#diagram .holding[data-lane^=\"{lane} \"]')]\
         .map((e) => e.querySelector('text').textContent + (e.dataset.leaked ? '!' : ''))"
    );
    browser.evaluate(&held).await
}

async fn icons(browser: &Browser, line: &str) -> Value {
    let icons = format!(
        "[...document.querySelectorAll('#diagram .line{line} [data-icon]')].map((e) => e.dataset.icon)"
    );
    browser.evaluate(&icons).await
}

#[tokio::test(flavor = "multi_thread")]
async fn key_of_a_lies_under_b_after_the_old_way() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "legacy_basic").await;
    assert_eq!(held(&browser, "client").await, json!(["key of A"]));
    assert_eq!(held(&browser, "resource_server").await, json!(["key of A!"]), "it is leaked");
    assert_eq!(icons(&browser, "[data-title=legacy][data-kind=request]").await, json!(["key"]));
    // Before that step, B holds nothing.
    browser.find("player-start").await.click().await.unwrap();
    assert_eq!(held(&browser, "resource_server").await, json!([]));
    browser.find("player-next").await.click().await.unwrap();
    assert_eq!(held(&browser, "resource_server").await, json!(["key of A!"]));
    let label = "document.querySelector('#diagram .held').getAttribute('aria-label')";
    assert_eq!(browser.evaluate(label).await, "A holds: key of A; B holds: key of A");
    browser.screenshot("viewer-possession-legacy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn key_of_a_stays_with_a_and_c_with_oauth() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "server_to_server_local").await;
    assert_eq!(held(&browser, "client").await, json!(["key of A", "access token"]));
    assert_eq!(held(&browser, "authorization_server").await, json!(["key of A"]));
    assert_eq!(held(&browser, "resource_server").await, json!(["access token"]));
    for (line, icon) in [
        ("[data-title=client_credentials][data-kind=request]", json!(["key"])),
        ("[data-title=client_credentials][data-kind=response]", json!(["ticket"])),
        ("[data-title=resource_request][data-kind=request]", json!(["ticket"])),
        ("[data-title=call_a]", json!([])),
    ] {
        assert_eq!(icons(&browser, line).await, icon, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn code_passes_through_the_browser_and_is_used_up() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "login").await;
    assert_eq!(held(&browser, "browser").await, json!(["password"]));
    let a = held(&browser, "client").await;
    for token in ["access token", "refresh token", "ID token"] {
        assert!(a.as_array().unwrap().contains(&json!(token)), "{a}");
    }
    browser.find("player-start").await.click().await.unwrap();
    until("the browser carries the code", async || {
        browser.find("player-next").await.click().await.unwrap();
        held(&browser, "browser").await == json!(["password", "code"])
    })
    .await;
    assert_eq!(held(&browser, "resource_server").await, json!(["key of B"]), "no token yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn guessed_secret_is_not_drawn_as_the_key() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "wrong_secret").await;
    assert_eq!(held(&browser, "authorization_server").await, json!([]));
    assert_eq!(held(&browser, "browser").await, json!([]));
}
