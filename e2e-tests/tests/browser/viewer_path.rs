//! The front page: seven questions in order, with the progress of the reader.

use flow_viewer::lessons::LESSONS;
use serde_json::json;

use crate::{
    browser::{Browser, BrowserOptions, SIZES},
    servers::Servers,
};

impl Browser {
    /// Opens the front page.
    pub async fn open_path(&self, servers: &Servers) {
        self.go(servers.viewer("/")).await;
        self.find_css("html[data-ready] #path .lesson").await;
    }

    /// Opens the card of a lesson.
    pub async fn open_card(&self, lesson: &str) {
        let open = format!("void (document.getElementById('lesson-{lesson}').open = true)");
        self.evaluate(&open).await;
    }

    /// Presses a button on the front page or beside a flow, and waits for the end of the scenario.
    pub async fn play_lesson(&self, scenario: &str, button: &str) {
        let button = self.find_css(button).await;
        self.press_in_view(&button).await;
        self.find_css(&format!(
            "#scenario-result[data-scenario={scenario}][data-as-expected=true]"
        ))
        .await;
        self.find_css("#lesson .answer").await;
    }
}

/// The names of the cards that are done.
async fn done(browser: &Browser) -> serde_json::Value {
    let done =
        "[...document.querySelectorAll('.lesson[data-done=true]')].map((e) => e.dataset.lesson)";
    browser.evaluate(done).await
}

#[tokio::test(flavor = "multi_thread")]
async fn front_page_asks_seven_questions_in_order() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_path(&servers).await;
    let names = "[...document.querySelectorAll('.lesson')].map((e) => e.dataset.lesson)";
    let expected: Vec<_> = LESSONS.iter().map(|lesson| lesson.name).collect();
    assert_eq!(browser.evaluate(names).await, json!(expected));
    let open = "[...document.querySelectorAll('.lesson[open] h2')].map((e) => e.textContent)";
    assert_eq!(browser.evaluate(open).await, json!(["Why not just send the password to B?"]));
    let asked =
        "[...document.querySelectorAll('.lesson h2')].every((e) => e.textContent.endsWith('?'))";
    assert_eq!(browser.evaluate(asked).await, true);
    let numbers =
        "[...document.querySelectorAll('.lesson .number')].map((e) => e.textContent).join('')";
    assert_eq!(browser.evaluate(numbers).await, "①②③④⑤⑥⑦");
    for (css, count) in
        [("#closing li", 7), ("#roles [data-role]", 4), ("#lesson-grants .grants tbody tr", 4)]
    {
        assert_eq!(browser.count(css).await, count, "{css}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_kept_in_the_browser_and_can_be_reset() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_path(&servers).await;
    assert_eq!(done(&browser).await, json!([]));
    browser.play_lesson("legacy_basic", "#path [data-play=legacy_basic]").await;
    // What is left of the lesson is offered beside the flow.
    browser.play_lesson("legacy_query", "#lesson [data-play=legacy_query]").await;
    let next = browser.find("lesson-next").await;
    assert!(next.text().await.unwrap().starts_with("② A asks C"), "the next question");
    browser.press_in_view(&next).await;
    browser.find_css("#path:not([hidden]) #lesson-access_token[open]").await;
    assert_eq!(done(&browser).await, json!(["old_way"]));
    browser.open_path(&servers).await;
    assert_eq!(done(&browser).await, json!(["old_way"]), "after a reload");
    assert_eq!(browser.text("path-seen").await, "1 of 7 answered");
    assert_eq!(browser.count("#closing li.seen").await, 1);
    browser.find("path-reset").await.click().await.unwrap();
    assert_eq!(done(&browser).await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_that_failed_is_no_answer() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_path(&servers).await;
    // A stopped B makes the scenario fail, as any other error would.
    let fail = "void (window.fetch = ((real) => (url, options) => String(url).includes('/api/scenarios/') ? Promise.reject(new Error()) : real(url, options))(window.fetch))";
    browser.evaluate(fail).await;
    let button = browser.find_css("#path [data-play=server_to_server_local]").await;
    browser.open_card("access_token").await;
    browser.press_in_view(&button).await;
    browser.find_css("#scenario-result[data-as-expected=false]").await;
    assert_eq!(browser.count("#lesson .answer").await, 0);
    browser.open_path(&servers).await;
    assert_eq!(done(&browser).await, json!([]));
    assert_eq!(browser.count("#lesson-access_token button.played").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_is_hidden_until_it_is_played_or_asked_for() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_path(&servers).await;
    let answer = browser.find_css("#lesson-old_way .answer > p").await;
    assert!(!answer.is_displayed().await.unwrap());
    browser.find_css("#lesson-old_way .answer > summary").await.click().await.unwrap();
    assert!(answer.is_displayed().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn terms_lead_to_the_glossary_and_back() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    browser.play("server_to_server_local").await;
    let flow = browser.current_url().await;
    let term = browser.find_css("#lesson a[href='/#scope']").await;
    browser.press_in_view(&term).await;
    let entry = browser.find_css("#path:not([hidden]) #scope").await;
    assert!(entry.text().await.unwrap().contains("What a token allows"));
    browser.0.back().await.unwrap();
    browser.find_css("#diagram:not([hidden]) [data-title=resource_request]").await;
    assert_eq!(browser.current_url().await, flow);
}

#[tokio::test(flavor = "multi_thread")]
async fn front_page_fits_every_width_in_both_languages() {
    let servers = Servers::with_viewer().await;
    for (language, short) in [("en-US", "en"), ("zh-CN", "zh")] {
        for dark in [false, true] {
            let options = BrowserOptions { language, dark, ..BrowserOptions::default() };
            let browser = servers.browser_with(options).await;
            for (width, height) in SIZES {
                browser.resize(width, height).await;
                browser.open_path(&servers).await;
                let open = "void document.querySelectorAll('#path details').forEach((e) => { e.name = ''; e.open = true; })";
                browser.evaluate(open).await;
                let over = "[...document.querySelectorAll('#path *')]\
                     .filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + .5)\
                     .map((e) => e.outerHTML)";
                assert_eq!(browser.evaluate(over).await, json!([]), "{width} {short}");
                let scheme = if dark { "dark" } else { "light" };
                browser.screenshot(&format!("path-{width}-{short}-{scheme}")).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_work_by_keyboard_alone() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_path(&servers).await;
    let types = async |key: thirtyfour::Key| {
        browser.0.action_chain().send_keys(key).perform().await.unwrap();
    };
    // From the top of the page.
    for (stop, most) in [
        ("#lesson-access_token > summary", 25),
        ("#lesson-access_token [data-play=server_to_server_local]", 6),
    ] {
        let is_focused = format!("document.activeElement.matches('{stop}')");
        let mut presses = 0;
        while browser.evaluate(&is_focused).await != true {
            assert!(presses < most, "{stop} is not among the next {most} tab stops");
            types(thirtyfour::Key::Tab).await;
            presses += 1;
        }
        if stop.ends_with("summary") {
            types(thirtyfour::Key::Enter).await;
            browser.find_css("#lesson-access_token[open]").await;
        }
    }
    types(thirtyfour::Key::Enter).await;
    browser.find_css("#lesson[data-lesson=access_token] .answer").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn print_shows_every_card_and_answer() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_path(&servers).await;
    let print = json!({ "media": "print" });
    browser.0.cdp().send_raw("Emulation.setEmulatedMedia", print).await.unwrap();
    let hidden = "[...document.querySelectorAll('.lesson .answer > p')].filter((e) => e.getBoundingClientRect().height === 0).length";
    assert_eq!(browser.evaluate(hidden).await, 0);
    browser.screenshot("path-print").await;
}

/// The page and all that it loads: the HTML, its style, script and texts, the settings of the page
/// and the live stream.
#[tokio::test(flavor = "multi_thread")]
async fn front_page_takes_at_most_six_requests_and_60_kilobytes() {
    let servers = Servers::with_viewer().await;
    for language in ["en-US", "zh-CN"] {
        let options = BrowserOptions { language, log_requests: true, ..BrowserOptions::default() };
        let browser = servers.browser_with(options).await;
        browser.open_path(&servers).await;
        let requested: Vec<_> = browser
            .requested_urls()
            .await
            .into_iter()
            .filter(|url| url.starts_with(&servers.viewer("/")))
            .collect();
        assert!(requested.len() <= 6, "{requested:?}");
        let bytes = "performance.getEntries().filter((e) => e.transferSize !== undefined)\
             .reduce((sum, e) => sum + e.transferSize, 0)";
        let bytes = browser.evaluate(bytes).await.as_u64().unwrap();
        let painted = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime";
        eprintln!(
            "{} requests, {bytes} bytes, painted after {} ms",
            requested.len(),
            browser.evaluate(painted).await
        );
        assert!((20_000..60_000).contains(&bytes), "{bytes} bytes");
    }
}
