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

use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

pub use browser::Browser;
pub use error::PagesError;
pub use image_url::is_image_url;
pub use language::Language;
pub use messages::{Message, Messages};
pub use page::Page;
pub use patterns::{Patterns, fill};

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use url::Url;

use crate::{files::Files, render::Renderer, style::Style};

/// The pages of one server. Clones share them.
#[derive(Clone, Debug)]
pub struct Pages {
    loaded: Loaded,
    frame: Arc<Frame>,
}

#[derive(Clone, Debug)]
enum Loaded {
    Now(Arc<Content>),
    OnFirstUse(&'static LazyPages),
}

/// Pages that are all embedded. See [`Pages::on_first_use`].
pub type LazyPages = LazyLock<Result<Pages, PagesError>>;

#[derive(Debug)]
struct Content {
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
        embedded: &[(&str, impl AsRef<str>)],
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
        let loaded = Loaded::Now(Arc::new(Content { renderer, style }));
        Ok(Self { loaded, frame: Arc::default() })
    }

    /// Returns pages that load when the first of them is used, so that a start does not wait for
    /// them. Only for embedded pages: a test of the server loads them, so they cannot fail later.
    #[must_use]
    pub fn on_first_use(pages: &'static LazyPages) -> Self {
        Self { loaded: Loaded::OnFirstUse(pages), frame: Arc::default() }
    }

    /// Loads pages that load on first use. Blocking.
    ///
    /// # Errors
    /// Returns an error if a file, a template or a text is invalid.
    pub fn load(&self) -> Result<(), &'static PagesError> {
        self.content().map(|_| ())
    }

    fn content(&self) -> Result<&Content, &'static PagesError> {
        match &self.loaded {
            Loaded::Now(content) => Ok(content),
            Loaded::OnFirstUse(pages) => (**pages).as_ref().and_then(Self::content),
        }
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
        match self.render(browser, name, context) {
            Ok(html) => Page::new(browser, status, html),
            Err(error) => {
                tracing::error!(page = name, error, "failed to render page");
                Page::broken(browser)
            }
        }
    }

    fn render(
        &self,
        browser: &Browser,
        name: &str,
        context: impl Serialize,
    ) -> Result<String, String> {
        let content = self.content().map_err(ToString::to_string)?;
        let rendered = content.renderer.render(browser, name, &self.frame, context);
        rendered.map_err(|error| error.to_string())
    }

    /// Returns the stylesheet, for [`Pages::STYLE_PATH`].
    #[must_use]
    pub fn style(&self) -> Response {
        match self.content() {
            Ok(content) => content.style.response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}
