//! What people see in the browser: templates, texts in two languages, and the headers that keep a
//! page safe.
//!
//! A server embeds its templates and texts. An operator may replace any of them by a file of the
//! same name in a folder; everything is read and checked at start, so that a request never meets a
//! template that cannot be read.
#![warn(missing_docs)]

mod browser;
mod datetime;
mod error;
mod files;
mod form_action;
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

/// The pages of one server. Clones are the same pages.
#[derive(Clone, Debug)]
pub struct Pages(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    renderer: Renderer,
    style: Style,
}

impl Pages {
    /// Where the layout expects the stylesheet: route this path to [`Pages::style`].
    pub const STYLE_PATH: &str = "/assets/style.css";

    /// Put the pages together from what this crate brings (`layout.html`, `style.css`,
    /// `accent.css`), what the server embeds under the same or other names, and what stands in
    /// `folder`; the later ones win.
    ///
    /// Texts are TOML, `key = "text with {value}"`. In the folder `en.toml` and `zh.toml` may
    /// replace single texts.
    ///
    /// # Errors
    /// [`PagesError`] naming the file, template or text that cannot be used.
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
        Ok(Self(Arc::new(Inner { renderer, style })))
    }

    /// Make the page `name` (the template `name.html`) in the browser's language.
    ///
    /// A page that cannot be made becomes a plain one with status 500; the log has the reason.
    pub fn page(
        &self,
        browser: &Browser,
        status: StatusCode,
        name: &str,
        context: impl Serialize,
    ) -> Page {
        match self.0.renderer.render(browser, name, context) {
            Ok(html) => Page::new(browser, status, html),
            Err(error) => {
                tracing::error!(page = name, %error, "a page could not be made");
                Page::broken(browser)
            }
        }
    }

    /// The stylesheet, for [`Pages::STYLE_PATH`].
    #[must_use]
    pub fn style(&self) -> Response {
        self.0.style.response()
    }
}
