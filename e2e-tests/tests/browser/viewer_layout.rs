//! Where the viewer puts the picture and the details.

use serde_json::{Value, json};

use crate::{
    browser::{Browser, BrowserOptions},
    servers::Servers,
};

const LAPTOP: (u32, u32) = (1366, 768);
const SIZES: [(u32, u32); 4] = [(390, 844), LAPTOP, (1440, 900), (1920, 1080)];

/// The place of an element in the window.
async fn place(browser: &Browser, css: &str) -> Value {
    let place = format!(
        "(({{ left, top, width, height }}) => ({{ left, top, width, height }}))\
         (document.querySelector('{css}').getBoundingClientRect())"
    );
    browser.evaluate(&place).await
}

async fn is_in_view(browser: &Browser, css: &str) -> bool {
    let visible = format!(
        "(({{ top, bottom }}) => top >= 0 && bottom <= innerHeight)\
         (document.querySelector('{css}').getBoundingClientRect())"
    );
    browser.evaluate(&visible).await == true
}

#[tokio::test(flavor = "multi_thread")]
async fn picture_stays_where_it_is_when_something_is_pressed() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.resize(LAPTOP.0, LAPTOP.1).await;
    browser.open_viewer(&servers).await;
    browser.play("server_to_server_local").await;
    assert!(is_in_view(&browser, "#diagram .heads").await, "the picture is in view");
    assert!(!browser.find("detail").await.is_displayed().await.unwrap(), "nothing is open");
    let before = place(&browser, "#diagram").await;
    for line in ["[data-title=client_credentials]", "[data-title=resource_request]"] {
        browser.find_css(&format!("#diagram .line{line}")).await.click().await.unwrap();
        browser.find_css("#detail [data-part=request]").await;
        assert_eq!(place(&browser, "#diagram").await, before, "{line}");
        assert_eq!(browser.evaluate("scrollY").await, 0);
        assert!(is_in_view(&browser, "#detail-close").await);
        assert!(is_in_view(&browser, "#diagram .line[aria-pressed=true]").await, "{line}");
    }
    browser.screenshot("viewer-1366").await;
    browser.find("detail-close").await.click().await.unwrap();
    assert!(!browser.find("detail").await.is_displayed().await.unwrap(), "closed again");
    browser.find_css("[data-scenario=alg_none]").await;
    assert_eq!(place(&browser, "#diagram").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn picture_and_pressed_line_are_in_view_on_wide_screens() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    // From 1680 pixels on, the details have a column of their own.
    for ((width, height), with_details) in [((1440, 900), 2), ((1920, 1080), 3)] {
        browser.resize(width, height).await;
        browser.open_viewer(&servers).await;
        browser.play("server_to_server_local").await;
        let columns = "[...document.querySelector('.columns').children]\
             .filter((e) => e.checkVisibility()).length";
        let tracks = "getComputedStyle(document.querySelector('.columns')).gridTemplateColumns.split(' ').length";
        assert!(is_in_view(&browser, "#diagram .heads").await, "{width}");
        assert_eq!(browser.evaluate(columns).await, 2, "{width}");
        assert_eq!(browser.evaluate(tracks).await, 2, "{width}: a column is empty");
        for line in ["[data-title=client_credentials]", "[data-title=resource_request]"] {
            browser.find_css(&format!("#diagram .line{line}")).await.click().await.unwrap();
            browser.find_css("#detail [data-part=request]").await;
            for part in ["#diagram .heads", "#diagram .line[aria-pressed=true]", "#detail-close"] {
                assert!(is_in_view(&browser, part).await, "{part} at {width}");
            }
        }
        assert_eq!(browser.evaluate(columns).await, with_details, "{width}");
        assert_eq!(browser.evaluate(tracks).await, with_details, "{width}");
        browser.find("detail-close").await.click().await.unwrap();
        assert_eq!(browser.evaluate(tracks).await, 2, "{width}: a column is empty");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_at_the_end_of_the_list_leaves_the_picture_in_view() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.resize(LAPTOP.0, LAPTOP.1).await;
    browser.open_viewer(&servers).await;
    browser.play("password_grant").await;
    assert!(is_in_view(&browser, "#flow-name").await);
    assert!(is_in_view(&browser, "#diagram [data-kind=request]").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_cross_no_lifeline_and_name_no_host() {
    let servers = Servers::with_viewer().await;
    let chinese = BrowserOptions { language: "zh-CN", ..BrowserOptions::default() };
    for (options, language) in [(BrowserOptions::default(), "en"), (chinese, "zh")] {
        let browser = servers.browser_with(options).await;
        for (width, height) in SIZES {
            browser.resize(width, height).await;
            browser.open_viewer(&servers).await;
            for scenario in ["login", "wrong_audience", "auth_server_unavailable"] {
                if scenario == "auth_server_unavailable" && (width, language) != (1366, "en") {
                    continue;
                }
                browser.play(scenario).await;
                let crossing = "(() => {
                    const lanes = [...document.querySelectorAll('#diagram .lanes line')].map((line) => line.getBoundingClientRect().x);
                    return [...document.querySelectorAll('#diagram :is(.label, .under)')].filter((label) => {
                        const { left, right } = label.getBoundingClientRect();
                        return lanes.some((x) => left < x && x < right);
                    }).map((label) => label.textContent);
                })()";
                let found = browser.evaluate(crossing).await;
                assert_eq!(found, json!([]), "{scenario} at {width} in {language}");
                let hosts = "[...document.querySelectorAll('#diagram .under')].map((label) => label.textContent)\
                     .filter((label) => /localhost|RFC/.test(label))";
                assert_eq!(browser.evaluate(hosts).await, json!([]), "{scenario}");
            }
            browser.screenshot(&format!("viewer-{width}-{language}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn picture_with_four_lifelines_fits_a_phone() {
    let servers = Servers::with_viewer().await;
    let browser =
        servers.browser_with(BrowserOptions { phone: true, ..BrowserOptions::default() }).await;
    browser.open_viewer(&servers).await;
    browser.play("server_to_server_local").await;
    let clipped = "document.getElementById('diagram').scrollWidth - document.getElementById('diagram').clientWidth";
    assert_eq!(browser.evaluate(clipped).await, 0);
    browser.press_line("[data-check=scope]").await;
    let covered = "document.querySelector('.line[aria-pressed=true]').getBoundingClientRect().bottom\
         > document.getElementById('detail').getBoundingClientRect().top + 1";
    assert_eq!(browser.evaluate(covered).await, false, "the details cover the pressed line");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_roles_of_the_lifelines_are_not_cut_on_a_phone() {
    let servers = Servers::with_viewer().await;
    for language in ["en-US", "zh-CN"] {
        let options = BrowserOptions { language, phone: true, ..BrowserOptions::default() };
        let browser = servers.browser_with(options).await;
        browser.open_viewer(&servers).await;
        for scenario in ["server_to_server_local", "wrong_audience", "login"] {
            browser.play(scenario).await;
            let cut = "[...document.querySelectorAll('#diagram .head text')]\
                 .map((text) => text.textContent).filter((text) => text.includes('…'))";
            assert_eq!(browser.evaluate(cut).await, json!([]), "{scenario} in {language}");
        }
        // Five lifelines scroll, so no word between them is cut.
        let cut = "[...document.querySelectorAll('#diagram .label')]\
             .map((text) => text.textContent).filter((text) => text.includes('…') && !text.includes(' '))";
        assert_eq!(browser.evaluate(cut).await, json!([]), "{language}");
        browser.screenshot(&format!("viewer-heads-{language}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn print_shows_the_whole_picture_and_no_controls() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.resize(LAPTOP.0, LAPTOP.1).await;
    browser.open_viewer(&servers).await;
    browser.play("login").await;
    let print = json!({ "media": "print" });
    browser.0.cdp().send_raw("Emulation.setEmulatedMedia", print).await.unwrap();
    for control in [".side", "#exports", "#player", ".languages"] {
        let element = browser.find_css(control).await;
        assert!(!element.is_displayed().await.unwrap(), "{control} is printed");
    }
    let cut_off = "[...document.querySelectorAll('body, .columns, main, #diagram')]\
         .filter((e) => e.scrollHeight > e.clientHeight + 1 && getComputedStyle(e).overflowY !== 'visible')\
         .map((e) => e.tagName)";
    assert_eq!(browser.evaluate(cut_off).await, json!([]), "what scrolls is cut off on paper");
    let printed =
        "document.documentElement.scrollHeight > document.querySelector('#diagram').scrollHeight";
    assert_eq!(browser.evaluate(printed).await, true);
    browser.screenshot("viewer-print").await;
}
