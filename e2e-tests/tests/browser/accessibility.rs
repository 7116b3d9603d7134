//! Every page of the viewer, A, B and C with axe-core: light and dark, in both languages, at each
//! width.

use std::path::Path;

use e2e_tests::python::Python;
use serde_json::{Value, json};

use crate::{
    appearance::walk,
    browser::{Browser, BrowserOptions},
    servers::Servers,
};

const SIZES: [(u32, u32); 4] = [(390, 844), (768, 1024), (1366, 768), (1920, 1080)];

/// The script of axe-core, from the package of `PyPI`.
fn axe() -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser-venv");
    let python = Python::with_packages(&folder, include_str!("requirements.txt"))
        .unwrap_or_else(|error| panic!("{error}"));
    python.package_file("axe_core_python/axe.min.js")
}

impl Browser {
    /// Asserts that axe-core finds nothing on the current page, and that it does not scroll
    /// sideways, at each width.
    async fn has_no_findings(&self, axe: &str, page: &str) {
        const RUN: &str = "const done = arguments[arguments.length - 1];\
             axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>\
             done(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])));";
        const EMPTY: &str = "[...document.querySelectorAll('*')].flatMap((e) => [...e.attributes])\
             .filter(({ name, value }) => name.startsWith('aria-') && value === '')\
             .map(({ name, ownerElement }) => [name, ownerElement.outerHTML])";
        assert_eq!(self.evaluate(EMPTY).await, json!([]), "{page}: empty attributes");
        self.0.execute(axe, vec![]).await.unwrap();
        for (width, height) in SIZES {
            self.resize(width, height).await;
            let found = self.0.execute_async(RUN, vec![]).await.unwrap().json().clone();
            assert_eq!(found, json!([]), "{page} at {width}");
            let scrolls = "document.documentElement.scrollWidth > innerWidth";
            assert_eq!(self.evaluate(scrolls).await, false, "{page} scrolls sideways at {width}");
        }
    }
}

impl Browser {
    /// Opens the details of a line, in one call, because a new width redraws the picture.
    async fn open_line(&self, line: &str) {
        let press = format!(
            "void document.querySelector('#diagram .line{line}')\
             .dispatchEvent(new MouseEvent('click', {{ bubbles: true }}))"
        );
        self.evaluate(&press).await;
        self.find_css("#detail h2").await;
    }
}

/// Browsers in each language and color scheme.
fn kinds() -> impl Iterator<Item = (BrowserOptions, String)> {
    ["en-US", "zh-CN"].into_iter().flat_map(|language| {
        [false, true].map(|dark| {
            let options = BrowserOptions { language, dark, ..BrowserOptions::default() };
            (options, format!("axe-{language}-{}", if dark { "dark" } else { "light" }))
        })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_the_pages_of_a_and_c() {
    let axe = axe();
    for (options, kind) in kinds() {
        // New servers, because the first login shows the consent page.
        let servers = Servers::new().await;
        let browser = servers.browser_with(options).await;
        walk(&servers, &browser, &kind, async |browser, page| {
            browser.has_no_findings(&axe, &format!("{kind}-{page}")).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_the_pages_of_b_and_the_viewer() {
    let axe = axe();
    let servers = Servers::with_viewer().await;
    for (options, kind) in kinds() {
        let browser = servers.browser_with(options).await;
        let b = servers.harness.addresses.b_local.port();
        browser.go(format!("http://localhost:{b}/")).await;
        browser.has_no_findings(&axe, &format!("{kind}-b")).await;
        browser.go(servers.viewer("/nothing")).await;
        browser.has_no_findings(&axe, &format!("{kind}-not-found")).await;
        browser.open_path(&servers).await;
        browser.has_no_findings(&axe, &format!("{kind}-path")).await;
        let open = "void document.querySelectorAll('#path details').forEach((e) => { e.name = ''; e.open = true; })";
        browser.evaluate(open).await;
        browser.has_no_findings(&axe, &format!("{kind}-every-card")).await;
        browser.resize(1366, 768).await;
        browser.open_viewer(&servers).await;
        browser.play("login").await;
        browser.has_no_findings(&axe, &format!("{kind}-login")).await;
        browser.resize(1366, 768).await;
        let open = "void document.querySelectorAll('details').forEach((e) => { e.open = true; })";
        browser.evaluate(open).await;
        browser.has_no_findings(&axe, &format!("{kind}-two-tokens")).await;
        browser.resize(1366, 768).await;
        for (name, line) in [
            ("token", "[data-kind=decision][data-verdict=token]"),
            ("message", "[data-title=code_exchange]"),
        ] {
            browser.open_line(line).await;
            browser.has_no_findings(&axe, &format!("{kind}-{name}")).await;
            browser.resize(1366, 768).await;
        }
        browser.find("detail-close").await.click().await.unwrap();
        browser.find("player-start").await.click().await.unwrap();
        browser.has_no_findings(&axe, &format!("{kind}-player")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_failures_and_exports_in_the_viewer() {
    let axe = axe();
    let servers = Servers::with_viewer().await;
    for (options, kind) in kinds() {
        let browser = servers.browser_with(options).await;
        browser.open_viewer(&servers).await;
        browser.play("wrong_audience").await;
        browser.open_line("[data-check=audience][data-passed=false]").await;
        browser.has_no_findings(&axe, &format!("{kind}-failed-check")).await;
        browser.resize(1366, 768).await;
        browser.play("legacy_basic").await;
        browser.has_no_findings(&axe, &format!("{kind}-legacy")).await;
        browser.resize(1366, 768).await;
        browser.find("export-mermaid").await.click().await.unwrap();
        browser.find("mermaid-text").await;
        browser.has_no_findings(&axe, &format!("{kind}-mermaid")).await;
        browser.go(servers.viewer(&format!("/flows/{:032x}", 7))).await;
        browser.find_css("#flow[data-gone]").await;
        browser.has_no_findings(&axe, &format!("{kind}-gone")).await;
    }
}

/// The search for findings must not miss any.
#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_an_image_without_a_text() {
    let axe = axe();
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_path(&servers).await;
    browser.evaluate("void document.body.append(new Image())").await;
    browser.0.execute(&*axe, vec![]).await.unwrap();
    let run = "const done = arguments[arguments.length - 1];\
         axe.run().then(({ violations }) => done(violations.map(({ id }) => id)));";
    let found = browser.0.execute_async(run, vec![]).await.unwrap().json().clone();
    assert!(found.as_array().unwrap().contains(&Value::from("image-alt")), "{found}");
}
