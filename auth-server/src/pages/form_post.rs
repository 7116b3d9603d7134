use pages::Page;
use serde::Serialize;

use super::Shown;

/// Carries an authorization response to the client as a form (OAuth 2.0 Form Post Response Mode
/// §2).
#[derive(Clone, Debug, Serialize)]
pub struct FormPostPage {
    /// The client's name.
    client: String,
    action: String,
    fields: Vec<(String, String)>,
    script: &'static str,
}

/// The only script of C. It is allowed by its hash, so that no other one can run beside it.
const SCRIPT: &str = "document.forms[0].submit()";
const SCRIPT_SHA256: &str = "ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE=";

impl FormPostPage {
    /// The response `fields`, for the redirect URI `action` of the client with this name.
    pub fn new(
        client: impl Into<String>,
        action: impl Into<String>,
        fields: Vec<(String, String)>,
    ) -> Self {
        Self { client: client.into(), action: action.into(), fields, script: SCRIPT }
    }
}

impl Shown for FormPostPage {
    const TEMPLATE: &'static str = "form_post";

    fn allow(&self, page: Page) -> Page {
        page.form_action(&self.action).script_hash(SCRIPT_SHA256)
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest;
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::*;

    #[test]
    fn the_hash_is_the_scripts() {
        let hash = digest::digest(&digest::SHA256, SCRIPT.as_bytes());
        assert_eq!(BASE64_STANDARD.encode(hash), SCRIPT_SHA256);
    }
}
