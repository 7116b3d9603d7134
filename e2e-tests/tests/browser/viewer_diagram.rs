//! What the sequence diagram says: lifelines, numbers, folds and failures.

use e2e_tests::http::until;
use serde_json::{Value, json};

use crate::{browser::Browser, servers::Servers};

async fn after(servers: &Servers, scenario: &str) -> Browser {
    let browser = servers.browser().await;
    browser.open_viewer(servers).await;
    browser.play(scenario).await;
    browser
}

/// The names and roles of the lifelines.
async fn lifelines(browser: &Browser) -> Value {
    let heads = "[...document.querySelectorAll('#diagram .head')].map((head) =>\
         [...head.querySelectorAll('text')].map((text) => text.textContent).join(' '))";
    browser.evaluate(heads).await
}

/// The numbers of the steps, from top to bottom.
async fn numbers(browser: &Browser) -> Value {
    let numbers = "[...document.querySelectorAll('#diagram [data-number]')]\
         .map((line) => Number(line.dataset.number))";
    browser.evaluate(numbers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_resource_server_and_each_role_has_its_own_lifeline() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "wrong_audience").await;
    let (client, attacker) = ("Client with A's secret", "Attacker has no right");
    let (c, local, asks) = ("C authorization server", "B verifies locally", "B asks C");
    assert_eq!(lifelines(&browser).await, json!([client, attacker, c, local, asks]));
    browser.play("replayed_code").await;
    let (you, app) = ("You browser, curl", "App native app");
    assert_eq!(lifelines(&browser).await, json!([you, app, attacker, c, asks]));
    browser.play("wrong_secret").await;
    assert_eq!(lifelines(&browser).await, json!([attacker, c]));
    let guess = "#diagram [data-title=client_credentials][data-kind=request]";
    let label = browser.find_css(guess).await.attr("aria-label").await.unwrap().unwrap();
    assert!(label.starts_with("Attacker to C"), "{label}");
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_are_numbered_once_and_without_gaps() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "server_to_server_local").await;
    assert_eq!(numbers(&browser).await, json!([1, 2, 3, 4]));
    let check = browser.text_of("#diagram [data-number='4']").await;
    assert!(check.contains('④') && check.contains("Algorithm"), "B verifies by itself: {check}");
    browser.play("server_to_server_introspection").await;
    let asks = browser.text_of("#diagram [data-number][data-title=introspection]").await;
    assert!(asks.contains("Introspects"), "{asks}");
    for scenario in ["login", "refresh", "revoke", "wrong_audience", "legacy_basic"] {
        browser.play(scenario).await;
        let found = numbers(&browser).await;
        let count = found.as_array().unwrap().len();
        assert!(count > 0, "{scenario}");
        assert_eq!(found, json!((1..=count).collect::<Vec<_>>()), "{scenario}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_check_says_what_is_wrong() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "wrong_audience").await;
    browser.press_line("[data-check=audience][data-passed=false]").await;
    let failed = browser.text_of("#detail [data-check=audience][data-passed=false]").await;
    assert!(failed.contains("meant for another server"), "{failed}");
    let passed = browser.text_of("#detail [data-check=signature][data-passed=true]").await;
    assert!(passed.contains("has not been changed"), "{passed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_requests_are_one_line_until_they_are_opened() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "auth_server_unavailable").await;
    let operator = "Operator stops C";
    assert!(lifelines(&browser).await.as_array().unwrap().contains(&json!(operator)), "{operator}");
    let height = "document.querySelector('#diagram .lines').getBoundingClientRect().height";
    let folded = browser.evaluate(height).await.as_f64().unwrap();
    assert!(folded < 5_000.0, "{folded} pixels");
    let label = "document.querySelector('#diagram [data-fold=repetition]').textContent";
    let label = browser.evaluate(label).await.as_str().unwrap().to_owned();
    assert!(label.contains(" more, ") && label.ends_with(" s"), "{label}");
    browser.screenshot("viewer-folded").await;
    // In one call, because the last events of the flow may still arrive and replace the row.
    let press = "void document.querySelector('#diagram [data-fold=repetition]')\
         .dispatchEvent(new MouseEvent('click', { bubbles: true }))";
    browser.evaluate(press).await;
    browser.find_css("#diagram [data-fold=repetition][aria-expanded=true]").await;
    assert!(browser.evaluate(height).await.as_f64().unwrap() > 2.0 * folded);
    browser.evaluate(press).await;
    until("all repetitions are folded again", async || {
        browser.count("#diagram [data-fold=repetition][aria-expanded=true]").await == 0
    })
    .await;
    assert!(browser.evaluate(height).await.as_f64().unwrap() < 5_000.0);
}
