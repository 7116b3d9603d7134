//! What travels on an arrow, and who holds it afterwards.

use e2e_tests::http::until;
use serde_json::{Value, json};

use crate::{
    browser::{Browser, SIZES},
    servers::Servers,
};

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

/// The first lesson says that every log gets the key. The picture shows it on the lifeline of B.
#[tokio::test(flavor = "multi_thread")]
async fn note_on_the_lifeline_of_b_shows_what_logs_keep_of_the_key() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "server_to_server_local").await;
    assert_eq!(browser.count("#diagram [data-kind=log]").await, 0, "no secret goes to B");
    for (scenario, note, line) in [
        ("legacy_basic", "Logs may keep Basic •••", "Authorization: Basic •••"),
        ("legacy_query", "Logs keep secret=•••", "GET /api?access_key=•••&secret=•••"),
    ] {
        browser.play(scenario).await;
        let found = browser.text_of("#diagram [data-kind=log] .noted").await;
        assert!(found.ends_with(note), "{found}");
        let beside_b = "(() => {
            const middle = (css) => (({ left, right }) => (left + right) / 2)
                (document.querySelector(css).getBoundingClientRect());
            return Math.abs(middle('[data-kind=log] .note') - middle('.head.resource_server rect'));
        })()";
        let distance = browser.evaluate(beside_b).await.as_f64().unwrap();
        assert!(distance < 60.0, "{distance} pixels from the lifeline of B");
        browser.press_line("[data-kind=log]").await;
        let detail = browser.text_of("#detail [data-part=log][aria-current=true]").await;
        assert!(detail.contains(line) && detail.contains("records the route only"), "{detail}");
        // The player comes to the note after the key has gone to B.
        browser.find("player-start").await.click().await.unwrap();
        for _ in 0..2 {
            browser.find("player-next").await.click().await.unwrap();
        }
        let sentence = browser.text("player-sentence").await;
        assert!(sentence.contains(note) && sentence.contains("now holds A's secret"), "{sentence}");
        assert_eq!(held(&browser, "resource_server").await, json!(["key of A!"]));
        browser.screenshot(&format!("viewer-log-{scenario}")).await;
        browser.find("player-end").await.click().await.unwrap();
    }
    // On a phone the note takes two lines.
    browser.resize(SIZES[0].0, SIZES[0].1).await;
    let lines = "[...document.querySelectorAll('#diagram [data-kind=log] .noted')]\
         .map((line) => line.textContent)";
    until("the note is whole", async || {
        browser.evaluate(lines).await == json!(["⚠ Logs keep", "secret=•••"])
    })
    .await;
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
