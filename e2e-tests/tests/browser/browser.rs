use std::{fs, path::Path, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use e2e_tests::http::until;
use serde_json::{Value, json};
use thirtyfour::{ChromiumLikeCapabilities, prelude::*};
use url::Url;

use crate::chromedriver::tool;

const PATIENCE: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_millis(50);

/// A phone that is as narrow as they come.
pub const PHONE_WIDTH: u32 = 360;

/// How somebody has set up their browser.
#[derive(Clone, Copy, Debug)]
pub struct Looks {
    pub language: &'static str,
    pub dark: bool,
    pub phone: bool,
    pub scripts: bool,
}

impl Default for Looks {
    fn default() -> Self {
        Self { language: "en-US", dark: false, phone: false, scripts: true }
    }
}

/// One browser with one open page, and what a person does and sees there. It ends when it is
/// dropped, and its profile with it.
pub struct Screen(pub WebDriver);

impl Screen {
    pub async fn open(chromedriver: &str, looks: Looks) -> Self {
        let driver = WebDriver::new(chromedriver, capabilities(looks)).await;
        let screen = Self(driver.unwrap_or_else(|error| panic!("Chromium did not start: {error}")));
        if looks.dark {
            let scheme =
                json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
            screen.0.cdp().send_raw("Emulation.setEmulatedMedia", scheme).await.unwrap();
        }
        screen
    }

    pub async fn go(&self, url: impl Into<String>) {
        self.0.goto(url.into()).await.unwrap();
    }

    /// Wait until an element is there.
    pub async fn find(&self, id: &str) -> WebElement {
        match self.0.query(By::Id(id)).wait(PATIENCE, AGAIN).first().await {
            Ok(element) => element,
            Err(_) => panic!(
                "`{id}` is not at {}: {}",
                self.address().await,
                self.0.source().await.unwrap()
            ),
        }
    }

    /// The same by a selector.
    pub async fn see(&self, css: &str) -> WebElement {
        match self.0.query(By::Css(css)).wait(PATIENCE, AGAIN).first().await {
            Ok(element) => element,
            Err(_) => panic!(
                "`{css}` is not at {}: {}",
                self.address().await,
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

    /// All words of the page.
    pub async fn words(&self) -> String {
        self.0.find(By::Tag("body")).await.unwrap().text().await.unwrap()
    }

    /// Press what leads to another page, and wait until this one has gone: else the next look could
    /// still fall on it.
    pub async fn press(&self, id: &str) {
        let element = self.find(id).await;
        self.leave_by(element).await;
    }

    pub async fn press_first(&self, css: &str) {
        let element = self.0.query(By::Css(css)).wait(PATIENCE, AGAIN).first().await.unwrap();
        self.leave_by(element).await;
    }

    async fn leave_by(&self, element: WebElement) {
        element.click().await.unwrap();
        until("the page has gone", async || !element.is_present().await.unwrap_or(false)).await;
    }

    pub async fn fill_in(&self, id: &str, text: &str) {
        let field = self.find(id).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    pub async fn address(&self) -> Url {
        self.0.current_url().await.unwrap()
    }

    /// What a script says of the page.
    pub async fn measure(&self, expression: &str) -> Value {
        self.0.execute(format!("return {expression}"), vec![]).await.unwrap().json().clone()
    }

    /// The background of an element, as the browser paints it.
    pub async fn colour(&self, css: &str) -> String {
        self.0.find(By::Css(css)).await.unwrap().css_value("background-color").await.unwrap()
    }

    /// Keep a picture of the whole page.
    pub async fn picture(&self, name: &str) {
        let whole = json!({ "format": "png", "captureBeyondViewport": true });
        let taken = self.0.cdp().send_raw("Page.captureScreenshot", whole).await.unwrap();
        let png = BASE64_STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.png")), png).unwrap();
    }
}

fn capabilities(looks: Looks) -> Capabilities {
    let mut wanted = DesiredCapabilities::chrome();
    wanted.set_binary(tool("chromium", "chromium").to_str().unwrap()).unwrap();
    let language = format!("--accept-lang={}", looks.language);
    for flag in [
        "--headless=new",
        // Chromium's own sandbox does not work as root, nor in most containers.
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
    if looks.phone {
        let metrics =
            json!({ "width": PHONE_WIDTH, "height": 740, "pixelRatio": 2.0, "touch": true });
        wanted
            .add_experimental_option("mobileEmulation", json!({ "deviceMetrics": metrics }))
            .unwrap();
    }
    if !looks.scripts {
        // 2 stands for "block".
        let preferences = json!({ "profile.managed_default_content_settings.javascript": 2 });
        wanted.add_experimental_option("prefs", preferences).unwrap();
    }
    wanted.into()
}
