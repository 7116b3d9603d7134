//! Pictures of every page, to look at: at each width, light and dark, in both languages.

use serde_json::json;

use crate::{
    appearance::walk,
    browser::{Browser, BrowserOptions, SIZES},
    servers::Servers,
};

/// The languages and color schemes, each with its part of the name of a picture.
fn variants() -> impl Iterator<Item = (BrowserOptions, String)> {
    [("en-US", "en"), ("zh-CN", "zh")].into_iter().flat_map(|(language, short)| {
        [(false, "light"), (true, "dark")].map(|(dark, scheme)| {
            let options = BrowserOptions { language, dark, ..BrowserOptions::default() };
            (options, format!("{short}-{scheme}"))
        })
    })
}

/// Takes a picture at each width. Nothing may reach beyond the right edge of the page.
async fn take(browser: &Browser, page: &str, variant: &str) {
    // A scroll bar would cut off the right edge of a picture of the whole page.
    let hidden = json!({ "hidden": true });
    browser.0.cdp().send_raw("Emulation.setScrollbarsHidden", hidden).await.unwrap();
    for (width, height) in SIZES {
        browser.resize(width, height).await;
        browser.screenshot(&format!("{page}-{width}-{variant}")).await;
        let beyond = "[...document.querySelectorAll('body *')].filter((e) => e.checkVisibility()\
             && !e.closest('svg, pre, .skip')\
             && e.getBoundingClientRect().right > document.documentElement.clientWidth + .5)\
             .map((e) => e.outerHTML)";
        assert_eq!(browser.evaluate(beyond).await, json!([]), "{page} at {width}, {variant}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_and_c_fit_every_width() {
    for (options, variant) in variants() {
        let servers = Servers::new().await;
        let browser = servers.browser_with(options).await;
        walk(&servers, &browser, &variant, async |browser, page| {
            let open =
                "void document.querySelectorAll('details').forEach((e) => { e.open = true; })";
            browser.evaluate(open).await;
            take(browser, page, &variant).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flows_with_open_details_fit_every_width() {
    let servers = Servers::with_viewer().await;
    for (options, variant) in variants() {
        let browser = servers.browser_with(options).await;
        for (scenario, line) in [
            ("legacy_query", "[data-kind=log]"),
            ("stolen_code", "[data-kind=decision][data-verdict=no]"),
            ("wrong_audience", "[data-check=audience][data-passed=false]"),
            ("login", "[data-check=account]"),
        ] {
            browser.open_viewer(&servers).await;
            browser.play(scenario).await;
            take(&browser, &format!("flow-{scenario}"), &variant).await;
            browser.press_line(line).await;
            take(&browser, &format!("flow-{scenario}-detail"), &variant).await;
        }
    }
}
