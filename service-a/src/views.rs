//! Templates and texts of the website, and the views that several pages share.

use std::sync::Arc;

use axum::{http::StatusCode, response::Response};
use embedded_files::{EmbeddedFile, embedded_file};
use pages::{Browser, Language, Page, Pages, PagesError};
use serde::Serialize;

use crate::{providers::Provider, services::Services};

/// The Chinese translations of the details on the error page, by their English texts.
pub const DETAILS_IN_CHINESE: EmbeddedFile = embedded_file!("details.zh.toml");

/// Renders the pages of the website.
#[derive(Clone)]
pub struct Views {
    pages: Pages,
    services: Arc<Services>,
}

/// Loads templates and texts; those in `dir` replace the built-in ones.
///
/// # Errors
/// Returns an error if a template or a text is invalid.
pub fn load_pages(dir: Option<&std::path::Path>) -> Result<Pages, PagesError> {
    let templates = [
        ("accent.css", embedded_file!("accent.css")),
        ("layout.html", embedded_file!("layout.html")),
        ("website.html", embedded_file!("website.html")),
        ("logins.html", embedded_file!("logins.html")),
        ("logout.html", embedded_file!("logout.html")),
        ("home.html", embedded_file!("home.html")),
        ("account.html", embedded_file!("account.html")),
        ("my_resource.html", embedded_file!("my_resource.html")),
        ("error.html", embedded_file!("error.html")),
    ];
    let (english, chinese) = (embedded_file!("en.toml").text(), embedded_file!("zh.toml").text());
    let texts = [(Language::English, &*english), (Language::Chinese, &*chinese)];
    let templates = templates.map(|(name, file)| (name, file.text()));
    Pages::new(&templates, &texts, &DETAILS_IN_CHINESE.text(), dir)
}

/// A button that starts a login with a provider.
#[derive(Serialize)]
pub struct ProviderButton {
    pub name: String,
    pub title: String,
    pub href: String,
}

impl Views {
    pub fn new(pages: Pages, services: Arc<Services>) -> Self {
        Self { pages, services }
    }

    /// Renders a page with status 200.
    pub fn page(&self, browser: &Browser, name: &str, view: impl Serialize) -> Page {
        self.page_with_status(browser, StatusCode::OK, name, view)
    }

    /// Renders a page with another status.
    pub fn page_with_status(
        &self,
        browser: &Browser,
        status: StatusCode,
        name: &str,
        view: impl Serialize,
    ) -> Page {
        self.pages.page(browser, status, name, view)
    }

    /// Returns the stylesheet.
    pub fn stylesheet(&self) -> Response {
        self.pages.style()
    }

    /// Returns a button for each configured provider that `filter` selects.
    pub fn provider_buttons(
        &self,
        browser: &Browser,
        filter: impl Fn(&Provider) -> bool,
    ) -> Vec<ProviderButton> {
        let selected = self.services.providers.values().filter(|provider| filter(provider));
        selected.map(|provider| ProviderButton::new(provider, browser)).collect()
    }

    /// Returns the button for the provider with this name, if it is configured.
    pub fn provider_button(&self, browser: &Browser, name: &str) -> Option<ProviderButton> {
        self.services.provider(name).map(|provider| ProviderButton::new(provider, browser))
    }
}

impl ProviderButton {
    fn new(provider: &Provider, browser: &Browser) -> Self {
        Self {
            name: provider.name.clone(),
            title: provider.title(browser.language).to_owned(),
            href: format!("/login/{}", provider.name),
        }
    }

    /// Makes the login return to `page` of this website.
    #[must_use]
    pub fn with_return_to(self, page: Option<&str>) -> Self {
        let Some(page) = page else { return self };
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("return_to", page).finish();
        Self { href: format!("{}?{query}", self.href), ..self }
    }
}
