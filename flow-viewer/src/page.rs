//! The page's files. The build script joins the modules to one script and compresses every file, so
//! the workspace still builds with Cargo alone.

use std::io::Read;

use flate2::read::GzDecoder;
use pages::Language;

/// A file that the page loads.
pub struct Asset {
    pub name: &'static str,
    pub content_type: &'static str,
    pub gzipped: &'static [u8],
}

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";

macro_rules! assets {
    ($($content_type:expr => $($name:literal)*;)*) => {
        &[$($(Asset {
            name: $name,
            content_type: $content_type,
            gzipped: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")),
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

    /// Decompresses the file.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // The build script has compressed it, and a test decompresses each of them.
        let _ = GzDecoder::new(self.gzipped).read_to_string(&mut text);
        text
    }
}

/// Returns the page in a language.
pub fn html(language: Language) -> String {
    include_str!("page/index.html").replace("{{language}}", language.code())
}

/// Returns the page's texts in a language. The launcher prints scenarios with the same texts.
#[must_use]
pub fn texts(language: Language) -> serde_json::Value {
    let name = match language {
        Language::English => "texts.en.json",
        Language::Chinese => "texts.zh.json",
    };
    let text = Asset::by_name(name).map(Asset::text).unwrap_or_default();
    // A test parses both.
    serde_json::from_str(&text).unwrap_or_default()
}

#[cfg(test)]
#[path = "../build/bundle.rs"]
mod bundle;
#[cfg(test)]
mod tests;
