//! The player steps through a flow.

use e2e_tests::http::until;
use serde_json::{Value, json};
use thirtyfour::Key;

use crate::{
    browser::{Browser, BrowserOptions},
    servers::Servers,
};

/// The number of the step that is emphasized, from 1; 0 if there is none.
async fn step(browser: &Browser) -> u64 {
    let step = "[...document.querySelectorAll('#diagram .line')]\
         .findIndex((line) => line.classList.contains('now')) + 1";
    browser.evaluate(step).await.as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn player_steps_by_button_and_by_key_with_a_sentence_each() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    browser.play("server_to_server_local").await;
    let fill = async |title: &str| {
        let label = format!("#diagram .line[data-title={title}] .label:not(.response)");
        let fill = format!("getComputedStyle(document.querySelector('{label}')).fill");
        browser.evaluate(&fill).await
    };
    let ink = fill("client_credentials").await;
    assert_eq!(fill("resource_request").await, ink);
    browser.find("player-start").await.click().await.unwrap();
    assert_eq!(step(&browser).await, 1);
    let first = browser.text("player-sentence").await;
    assert!(first.contains("You → A: A needs B"), "{first}");
    // The focus is on the button that leads on.
    let types = async |key: Key| browser.0.action_chain().send_keys(key).perform().await.unwrap();
    types(Key::Enter).await;
    types(Key::Right).await;
    assert_eq!(step(&browser).await, 3);
    let third = browser.text("player-sentence").await;
    assert!(third.contains("A → C: A sends its secret to C, once"), "{third}");
    assert_eq!(fill("client_credentials").await, ink);
    assert_ne!(fill("resource_request").await, ink, "the other steps are de-emphasized");
    types(Key::Left).await;
    assert_eq!(step(&browser).await, 2);
    assert!(browser.text("player-sentence").await.contains("metadata"), "the fold is a step");
    browser.find("player-back").await.click().await.unwrap();
    assert!(!browser.find("player-back").await.is_enabled().await.unwrap(), "at the first step");
    browser.screenshot("viewer-player").await;
    types(Key::Escape).await;
    browser.find("player-start").await;
    assert_eq!(step(&browser).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn reduced_motion_moves_nothing_and_still_shows_every_step() {
    let servers = Servers::with_viewer().await;
    for (preference, moves) in [("no-preference", true), ("reduce", false)] {
        let browser = servers.browser().await;
        let feature = json!({ "name": "prefers-reduced-motion", "value": preference });
        let media = json!({ "features": [feature] });
        browser.0.cdp().send_raw("Emulation.setEmulatedMedia", media).await.unwrap();
        browser.open_viewer(&servers).await;
        browser.play("legacy_basic").await;
        // Counts what moves an icon, and notes how the step comes into view.
        let watch = "void (window.moved = 0, window.scrolled = [],\
             Element.prototype.animate = () => { window.moved += 1; },\
             Element.prototype.scrollIntoView = (how) => window.scrolled.push(how?.behavior))";
        browser.evaluate(watch).await;
        browser.find("player-start").await.click().await.unwrap();
        while browser.find("player-next").await.is_enabled().await.unwrap() {
            browser.find("player-next").await.click().await.unwrap();
        }
        assert!(step(&browser).await > 1, "the last step is shown");
        let moved = browser.evaluate("window.moved > 0").await;
        assert_eq!(moved, moves, "{preference}: icons");
        let smooth = browser.evaluate("window.scrolled.includes('smooth')").await;
        assert_eq!(smooth, moves, "{preference}: scrolling");
        let durations = "[...document.querySelectorAll('*')]\
             .some((e) => parseFloat(getComputedStyle(e).transitionDuration) > 0 || getComputedStyle(e).animationName !== 'none')";
        if !moves {
            assert_eq!(browser.evaluate(durations).await, false, "{preference}: styles");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_replay_goes_on_by_itself_until_it_is_paused() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    browser.play("legacy_basic").await;
    browser.find("player-slow").await.click().await.unwrap();
    until("the second step", async || step(&browser).await == 2).await;
    let sentence = browser.text("player-sentence").await;
    assert!(sentence.contains("after ") && sentence.contains("s."), "{sentence}");
    let toggle = browser.find("player-replay").await;
    assert_eq!(toggle.text().await.unwrap(), "Pause");
    toggle.click().await.unwrap();
    assert_eq!(toggle.text().await.unwrap(), "Slow replay");
    let paused = step(&browser).await;
    toggle.click().await.unwrap();
    until("the last step", async || !browser.find("player-next").await.is_enabled().await.unwrap())
        .await;
    assert!(step(&browser).await > paused);
    until("it has ended", async || toggle.text().await.unwrap() == "Slow replay").await;
}

/// A replay takes 300 times as long as the flow did, but from 1.5 to 5 seconds a step. The times
/// are those with which the page sets its timer, so that the test does not depend on a clock.
#[tokio::test(flavor = "multi_thread")]
async fn slow_replay_scales_the_times_of_the_flow() {
    let servers = Servers::with_viewer().await;
    let began = servers.harness.clock.micros();
    let event = |at: i64, mut event: Value| {
        event["trace_id"] = json!("5".repeat(32));
        event["at_micros"] = json!(began + at);
        event["reported_by"] = json!("resource_server");
        event
    };
    let received = json!({ "event": "request_received", "method": "GET", "path": "/api/resource", "fields": [] });
    let checked = |rule: &str| json!({ "event": "token_checked", "rule": rule, "passed": true, "expected": "", "found": "" });
    let sent =
        json!({ "event": "response_sent", "status": 200, "elapsed_micros": 9, "fields": [] });
    let events = [
        event(0, received),
        event(1_000, checked("algorithm")),
        event(9_000, checked("signature")),
        event(21_000, checked("expiry")),
        event(2_021_000, sent),
    ];
    let to = servers.viewer("/api/events");
    let stored = servers.harness.http.post(&to).json(&events).send().await.unwrap();
    assert_eq!(stored.status().as_u16(), 204);
    let browser = servers.browser().await;
    browser.go(servers.viewer(&format!("/flows/{}", "5".repeat(32)))).await;
    until("all lines are drawn", async || browser.count("#diagram .line").await == 5).await;
    browser.find("player-start").await.click().await.unwrap();
    // Starts the replay and pauses it at once.
    let planned = "(() => {
        const [button, real] = [document.getElementById('player-replay'), window.setTimeout];
        let planned = [];
        window.setTimeout = (run, millis) => { planned.push(millis); return real(run, millis); };
        button.click();
        button.click();
        window.setTimeout = real;
        return planned;
    })()";
    for (number, millis) in (1..).zip([1500, 2400, 3600, 5000]) {
        assert_eq!(step(&browser).await, number);
        assert_eq!(browser.evaluate(planned).await, json!([millis]), "after step {number}");
        browser.find("player-next").await.click().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn link_to_a_step_opens_it() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    browser.play("tampered").await;
    browser.find("player-start").await.click().await.unwrap();
    for _ in 0..4 {
        browser.find("player-next").await.click().await.unwrap();
    }
    let (address, sentence) = (browser.current_url().await, browser.text("player-sentence").await);
    assert_eq!(address.fragment(), Some("step-5"));
    let phone = BrowserOptions { phone: true, ..BrowserOptions::default() };
    for options in [BrowserOptions::default(), phone] {
        let other = servers.browser_with(options).await;
        other.go(address.clone()).await;
        assert_eq!(other.text("player-sentence").await, sentence);
        assert_eq!(step(&other).await, 5);
        until("the step is in view", async || {
            let in_view = "(({ top, bottom }) => top > 0 && bottom < innerHeight)\
                 (document.querySelector('#diagram .now').getBoundingClientRect())";
            other.evaluate(in_view).await == true
        })
        .await;
        assert!(!other.find("new-flows").await.is_displayed().await.unwrap(), "nothing is new");
    }
}

/// WCAG 1.4.3: the steps that the player de-emphasizes can still be read.
#[tokio::test(flavor = "multi_thread")]
async fn other_steps_keep_a_readable_contrast() {
    let servers = Servers::with_viewer().await;
    for dark in [false, true] {
        let browser = servers.browser_with(BrowserOptions { dark, ..BrowserOptions::default() });
        let browser = browser.await;
        browser.open_viewer(&servers).await;
        browser.play("wrong_audience").await;
        browser.find("player-start").await.click().await.unwrap();
        let lowest = "(() => {
            const luminance = (color) => {
                const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map((value) => value / 255)
                    .map((value) => (value <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4));
                return .2126 * r + .7152 * g + .0722 * b;
            };
            const paper = luminance(getComputedStyle(document.querySelector('.paper')).backgroundColor);
            const contrasts = [...document.querySelectorAll('#diagram .line:not(.now) text')].map((text) => {
                const ink = luminance(getComputedStyle(text).fill);
                return (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05);
            });
            return Math.min(...contrasts);
        })()";
        let lowest = browser.evaluate(lowest).await.as_f64().unwrap();
        assert!((4.5..21.0).contains(&lowest), "{lowest}, dark: {dark}");
    }
}
