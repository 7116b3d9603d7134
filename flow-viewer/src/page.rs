//! The page's files. The workspace builds with Cargo alone, so browsers get them as they are in the
//! repository.

use pages::Language;

/// A file that the page loads.
pub struct Asset {
    pub name: &'static str,
    pub content_type: &'static str,
    pub text: &'static str,
}

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";

macro_rules! assets {
    ($($content_type:expr => $($name:literal)*;)*) => {
        &[$($(Asset { name: $name, content_type: $content_type, text: include_str!(concat!("page/", $name)) },)*)*]
    };
}

pub const ASSETS: &[Asset] = assets! {
    CSS => "viewer.css";
    JAVASCRIPT => "detail.js" "diagram.js" "dom.js" "exports.js" "field_notes.js" "list.js" "live.js" "messages.js" "open_flow.js" "scenarios.js" "secret_holders.js" "texts.js" "token.js" "viewer.js";
    JSON => "texts.en.json" "texts.zh.json";
};

/// Returns the page in a language.
pub fn html(language: Language) -> String {
    include_str!("page/index.html").replace("{{language}}", language.code())
}

/// Returns the page's texts in a language. The launcher prints scenarios with the same texts.
#[must_use]
pub fn texts(language: Language) -> serde_json::Value {
    let text = match language {
        Language::English => include_str!("page/texts.en.json"),
        Language::Chinese => include_str!("page/texts.zh.json"),
    };
    // A test parses both.
    serde_json::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests;
