//! HTML pages: templates, texts in English and Chinese, and security headers.
//!
//! A server embeds its templates and texts. An operator can replace each of them by a file of the
//! same name in a folder. All files are read and checked at startup, so that no request fails
//! because of a broken template.
#![warn(missing_docs)]

mod browser;
mod datetime;
mod error;
mod files;
mod image_url;
mod language;
mod page;
mod references;
mod render;
mod style;
mod texts;

use std::{path::Path, sync::Arc};

pub use browser::Browser;
pub use error::PagesError;
pub use image_url::is_image_url;
pub use language::Language;
pub use page::Page;

use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

use crate::{files::Files, render::Renderer, style::Style};

/// The pages of one server. Clones share them.
#[derive(Clone, Debug)]
pub struct Pages {
    inner: Arc<Inner>,
    /// Rules that the server does not apply, which every page names.
    looseness: Arc<[String]>,
    /// The path below which the server is; empty if it is below none.
    path: Arc<str>,
}

#[derive(Debug)]
struct Inner {
    renderer: Renderer,
    style: Style,
}

impl Pages {
    /// Path of the stylesheet in the layout. Route it to [`Pages::style`].
    pub const STYLE_PATH: &str = "/assets/style.css";

    /// Loads the files of this crate (`layout.html`, `style.css`, `accent.css`), those that the
    /// server embeds, and those in `folder`. Later ones replace earlier ones of the same name.
    ///
    /// Texts are TOML: `key = "text with {value}"`. `en.toml` and `zh.toml` in the folder replace
    /// single texts.
    ///
    /// # Errors
    /// Returns a [`PagesError`] that names the invalid file, template or text.
    pub fn new(
        embedded: &[(&'static str, &'static str)],
        texts: &[(Language, &'static str)],
        folder: Option<&Path>,
    ) -> Result<Self, PagesError> {
        let mut files = Files::embedded(embedded, texts)?;
        if let Some(folder) = folder {
            files.replace_from(folder)?;
        }
        files.check()?;
        let style = Style::new(&files);
        let renderer = Renderer::new(&files, style.url())?;
        Ok(Self {
            inner: Arc::new(Inner { renderer, style }),
            looseness: Arc::default(),
            path: Arc::default(),
        })
    }

    /// Makes every page name the rules that the server does not apply.
    #[must_use]
    pub fn with_looseness(self, names: Vec<String>) -> Self {
        Self { looseness: names.into(), ..self }
    }

    /// Makes every page load its stylesheet below this path.
    #[must_use]
    pub fn below(self, path: &str) -> Self {
        Self { path: path.into(), ..self }
    }

    /// Renders the page `name` (the template `name.html`) in the language of `browser`.
    ///
    /// If rendering fails, returns a plain page with status 500 and logs the reason.
    pub fn page(
        &self,
        browser: &Browser,
        status: StatusCode,
        name: &str,
        context: impl Serialize,
    ) -> Page {
        match self.inner.renderer.render(browser, name, (&self.looseness, &self.path), context) {
            Ok(html) => Page::new(browser, status, html),
            Err(error) => {
                tracing::error!(page = name, %error, "failed to render page");
                Page::broken(browser)
            }
        }
    }

    /// Returns the stylesheet, for [`Pages::STYLE_PATH`].
    #[must_use]
    pub fn style(&self) -> Response {
        self.inner.style.response()
    }
}
