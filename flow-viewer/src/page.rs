//! What the page is made of. The workspace builds with Cargo alone, so these are the files as browsers read them.

use pages::Language;

/// One file.
pub struct Asset {
    pub name: &'static str,
    pub content_type: &'static str,
    pub text: &'static str,
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";

pub const ASSETS: &[Asset] = &[
    Asset { name: "viewer.css", content_type: "text/css; charset=utf-8", text: include_str!("page/viewer.css") },
    Asset { name: "viewer.js", content_type: JAVASCRIPT, text: include_str!("page/viewer.js") },
    Asset { name: "texts.en.json", content_type: JSON, text: include_str!("page/texts.en.json") },
    Asset { name: "texts.zh.json", content_type: JSON, text: include_str!("page/texts.zh.json") },
];

/// The page in a language.
pub fn html(language: Language) -> String {
    include_str!("page/index.html").replace("{{language}}", language.code())
}

/// The page's texts in a language, for others who tell the same stories.
#[must_use]
pub fn texts(language: Language) -> serde_json::Value {
    let text = match language {
        Language::English => include_str!("page/texts.en.json"),
        Language::Chinese => include_str!("page/texts.zh.json"),
    };
    // A test reads both.
    serde_json::from_str(text).unwrap_or_default()
}
