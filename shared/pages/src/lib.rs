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
mod messages;
mod page;
mod patterns;
mod references;
mod render;
mod style;
mod texts;

use std::{path::Path, sync::Arc};

pub use browser::Browser;
pub use error::PagesError;
pub use image_url::is_image_url;
pub use language::Language;
pub use messages::{Message, Messages};
pub use page::Page;
pub use patterns::{Patterns, fill};

use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use url::Url;

use crate::{files::Files, render::Renderer, style::Style};

/// The pages of one server. Clones share them.
#[derive(Clone, Debug)]
pub struct Pages {
    inner: Arc<Inner>,
    frame: Arc<Frame>,
}

#[derive(Debug)]
struct Inner {
    renderer: Renderer,
    style: Style,
}

/// What every page of a server has around its content.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    /// Rules that the server does not apply, which every page names.
    pub looseness: Vec<String>,
    /// The path below which the server is; empty if it is below none.
    pub path: String,
    /// The page of the flow viewer to which every page links, in a demo.
    pub viewer: Option<String>,
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
    /// `details` has the Chinese translations of messages that are made in English where an error
    /// arises, as [`Messages::read`] reads them. Templates get them by the filter `message`.
    ///
    /// # Errors
    /// Returns a [`PagesError`] that names the invalid file, template or text.
    pub fn new(
        embedded: &[(&'static str, &'static str)],
        texts: &[(Language, &str)],
        details: &str,
        folder: Option<&Path>,
    ) -> Result<Self, PagesError> {
        let mut files = Files::embedded(embedded, texts)?;
        if let Some(folder) = folder {
            files.replace_from(folder)?;
        }
        files.check()?;
        let style = Style::new(&files);
        let details = Messages::read(details).map_err(|error| PagesError::Texts {
            file: "details.zh.toml".to_owned(),
            reason: error.to_string(),
        })?;
        let renderer = Renderer::new(&files, details, style.url())?;
        Ok(Self { inner: Arc::new(Inner { renderer, style }), frame: Arc::default() })
    }

    /// Makes every page name the rules that the server does not apply.
    #[must_use]
    pub fn with_looseness(mut self, names: Vec<String>) -> Self {
        Arc::make_mut(&mut self.frame).looseness = names;
        self
    }

    /// Makes every page load its stylesheet below this path.
    #[must_use]
    pub fn below(mut self, path: &str) -> Self {
        path.clone_into(&mut Arc::make_mut(&mut self.frame).path);
        self
    }

    /// Makes every page link to the flows that the viewer at this URL draws.
    #[must_use]
    pub fn with_viewer(mut self, viewer: Option<&Url>) -> Self {
        let flows = viewer.map(|url| format!("{}/flows", url.as_str().trim_end_matches('/')));
        Arc::make_mut(&mut self.frame).viewer = flows;
        self
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
        match self.inner.renderer.render(browser, name, &self.frame, context) {
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
