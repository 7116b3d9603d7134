use std::{fs, path::Path, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use e2e_tests::http::until;
use serde_json::{Value, json};
use thirtyfour::{ChromiumLikeCapabilities, LoggingPrefsLogLevel, WindowHandle, prelude::*};
use url::Url;

use crate::chromedriver::tool;

const TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The width of a narrow phone, in CSS pixels.
pub const PHONE_WIDTH: u32 = 360;

/// The sizes of a phone, a tablet, a laptop and a desktop, in CSS pixels.
pub const SIZES: [(u32, u32); 4] = [(390, 844), (768, 1024), (1366, 768), (1920, 1080)];

/// Settings of a browser.
#[derive(Clone, Copy, Debug)]
pub struct BrowserOptions {
    pub language: &'static str,
    pub dark: bool,
    pub phone: bool,
    pub scripts: bool,
    /// Makes [`Browser::requested_urls`] work.
    pub log_requests: bool,
    /// Accepts certificates of unknown authorities.
    pub any_certificate: bool,
}

impl Default for BrowserOptions {
    fn default() -> Self {
        Self {
            language: "en-US",
            dark: false,
            phone: false,
            scripts: true,
            log_requests: false,
            any_certificate: false,
        }
    }
}

/// A browser with one open page. The browser is closed and its profile deleted on drop.
pub struct Browser(pub WebDriver);

impl Browser {
    pub async fn open(chromedriver: &str, options: BrowserOptions) -> Self {
        let driver = WebDriver::new(chromedriver, capabilities(options)).await;
        let browser =
            Self(driver.unwrap_or_else(|error| panic!("Chromium did not start: {error}")));
        if options.dark {
            let scheme =
                json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
            browser.0.cdp().send_raw("Emulation.setEmulatedMedia", scheme).await.unwrap();
        }
        browser
    }

    pub async fn go(&self, url: impl Into<String>) {
        self.0.goto(url.into()).await.unwrap();
    }

    /// Waits for the element with this id.
    pub async fn find(&self, id: &str) -> WebElement {
        match self.0.query(By::Id(id)).wait(TIMEOUT, POLL_INTERVAL).first().await {
            Ok(element) => element,
            Err(_) => panic!(
                "`{id}` is not at {}: {}",
                self.current_url().await,
                self.0.source().await.unwrap()
            ),
        }
    }

    /// Waits for the element that a CSS selector finds.
    pub async fn find_css(&self, css: &str) -> WebElement {
        match self.0.query(By::Css(css)).wait(TIMEOUT, POLL_INTERVAL).first().await {
            Ok(element) => element,
            Err(_) => panic!(
                "`{css}` is not at {}: {}",
                self.current_url().await,
                self.0.source().await.unwrap()
            ),
        }
    }

    pub async fn has(&self, id: &str) -> bool {
        self.0.query(By::Id(id)).nowait().exists().await.unwrap()
    }

    pub async fn text(&self, id: &str) -> String {
        self.find(id).await.text().await.unwrap()
    }

    pub async fn count(&self, css: &str) -> usize {
        self.0.find_all(By::Css(css)).await.unwrap().len()
    }

    /// Returns the visible text of the page.
    pub async fn visible_text(&self) -> String {
        self.0.find(By::Tag("body")).await.unwrap().text().await.unwrap()
    }

    /// Clicks an element that leads to another page and waits until this page is gone, so that the
    /// next step does not act on it.
    pub async fn press(&self, id: &str) {
        let element = self.find(id).await;
        self.click_and_leave(element).await;
    }

    pub async fn press_css(&self, css: &str) {
        let element =
            self.0.query(By::Css(css)).wait(TIMEOUT, POLL_INTERVAL).first().await.unwrap();
        self.click_and_leave(element).await;
    }

    async fn click_and_leave(&self, element: WebElement) {
        element.click().await.unwrap();
        until("the page has gone", async || !element.is_present().await.unwrap_or(false)).await;
    }

    pub async fn fill_in(&self, id: &str, text: &str) {
        let field = self.find(id).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    pub async fn current_url(&self) -> Url {
        self.0.current_url().await.unwrap()
    }

    /// Returns the URLs that the browser has requested since the last call, those of redirects and
    /// of other schemes included.
    pub async fn requested_urls(&self) -> Vec<String> {
        let log = self.0.get_log("performance").await.unwrap();
        let requested = log.iter().filter_map(|entry| {
            let event: Value = serde_json::from_str(&entry.message).ok()?;
            let event = &event["message"];
            let is_request = event["method"] == "Network.requestWillBeSent";
            is_request.then(|| event["params"]["request"]["url"].as_str().map(str::to_owned))?
        });
        requested.collect()
    }

    /// Returns the texts of the page, hidden ones too, that have three English words in a row.
    /// Values that were sent and names of specifications do not count.
    pub async fn english_sentences(&self) -> Value {
        let sentences = "[...document.querySelectorAll('body *')]\
             .filter((e) => !e.closest('code, pre, script, noscript, .languages'))\
             .flatMap((e) => [...e.childNodes, ...[...e.attributes].filter(({ name }) => name === 'aria-label')])\
             .filter((node) => [Node.TEXT_NODE, Node.ATTRIBUTE_NODE].includes(node.nodeType))\
             .map((node) => node.textContent.replace(/OpenID Connect (Core|Discovery)/g, ''))\
             .filter((text) => /[a-z]{2,} [a-z]{2,} [a-z]{2,}/i.test(text))";
        self.evaluate(sentences).await
    }

    /// Evaluates a JavaScript expression.
    pub async fn evaluate(&self, expression: &str) -> Value {
        self.0.execute(format!("return {expression}"), vec![]).await.unwrap().json().clone()
    }

    /// Sets the size of the window's content, in CSS pixels.
    pub async fn resize(&self, width: u32, height: u32) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.0.cdp().send_raw("Emulation.setDeviceMetricsOverride", size).await.unwrap();
    }

    /// Returns the computed background colour of an element.
    pub async fn background_color(&self, css: &str) -> String {
        self.0.find(By::Css(css)).await.unwrap().css_value("background-color").await.unwrap()
    }

    /// Waits for a second window and returns it.
    pub async fn other_window(&self, known: &WindowHandle) -> WindowHandle {
        let others = async || {
            let windows = self.0.windows().await.unwrap();
            windows.into_iter().find(|window| window != known)
        };
        until("a tab has opened", async || others().await.is_some()).await;
        others().await.unwrap()
    }

    /// Saves a screenshot of the whole page in `target/screenshots`.
    pub async fn screenshot(&self, name: &str) {
        let whole = json!({ "format": "png", "captureBeyondViewport": true });
        let taken = self.0.cdp().send_raw("Page.captureScreenshot", whole).await.unwrap();
        let png = BASE64_STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.png")), png).unwrap();
    }
}

fn capabilities(options: BrowserOptions) -> Capabilities {
    let mut wanted = DesiredCapabilities::chrome();
    wanted.set_binary(tool("chromium", "chromium").to_str().unwrap()).unwrap();
    let language = format!("--accept-lang={}", options.language);
    for flag in [
        "--headless=new",
        // Chromium's sandbox does not work as root, nor in most containers.
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--window-size=1000,1000",
        &language,
    ] {
        wanted.add_arg(flag).unwrap();
    }
    if options.phone {
        let metrics =
            json!({ "width": PHONE_WIDTH, "height": 740, "pixelRatio": 2.0, "touch": true });
        wanted
            .add_experimental_option("mobileEmulation", json!({ "deviceMetrics": metrics }))
            .unwrap();
    }
    wanted.accept_insecure_certs(options.any_certificate).unwrap();
    if options.log_requests {
        wanted.set_logging_prefs("performance", LoggingPrefsLogLevel::All).unwrap();
    }
    if !options.scripts {
        // The value 2 means "block".
        let preferences = json!({ "profile.managed_default_content_settings.javascript": 2 });
        wanted.add_experimental_option("prefs", preferences).unwrap();
    }
    wanted.into()
}
