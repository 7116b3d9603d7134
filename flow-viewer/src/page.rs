//! The page's files. The build script joins the modules to one script and compresses every file, so
//! the workspace still builds with Cargo alone.

use embedded_files::{EmbeddedFile, embedded_file};
use pages::Language;

/// A file that the page loads.
pub struct Asset {
    pub name: &'static str,
    pub content_type: &'static str,
    pub file: EmbeddedFile,
}

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";

macro_rules! assets {
    ($($content_type:expr => $($name:literal)*;)*) => {
        &[$($(Asset {
            name: $name,
            content_type: $content_type,
            file: embedded_file!($name),
        },)*)*]
    };
}

pub const ASSETS: &[Asset] = assets! {
    CSS => "viewer.css";
    JAVASCRIPT => "viewer.js";
    JSON => "texts.en.json" "texts.zh.json";
};

impl Asset {
    /// Returns the file with this name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        ASSETS.iter().find(|asset| asset.name == name)
    }
}

/// Returns the page in a language.
pub fn html(language: Language) -> String {
    include_str!("page/index.html").replace("{{language}}", language.code())
}

/// Returns the page for an address without one, in a language.
pub fn not_found(language: Language) -> String {
    let page = include_str!("page/not_found.html").replace("{{language}}", language.code());
    let texts = texts(language);
    ["title", "what", "back"].into_iter().fold(page, |page, name| {
        let text = texts["not_found"][name].as_str().unwrap_or_default();
        page.replace(&format!("{{{{{name}}}}}"), text)
    })
}

/// Returns the page's texts in a language. The launcher prints scenarios with the same texts.
#[must_use]
pub fn texts(language: Language) -> serde_json::Value {
    let name = match language {
        Language::English => "texts.en.json",
        Language::Chinese => "texts.zh.json",
    };
    let text = Asset::by_name(name).map(|asset| asset.file.text()).unwrap_or_default();
    // A test parses both.
    serde_json::from_str(&text).unwrap_or_default()
}

#[cfg(test)]
#[path = "../build/bundle.rs"]
mod bundle;
#[cfg(test)]
mod tests;
