use pages::Page;
use serde::Serialize;

use super::View;

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

/// The only script of the server. The policy allows it by its hash, so no other script can run.
const SCRIPT: &str = "document.forms[0].submit()";
const SCRIPT_SHA256: &str = "ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE=";

impl FormPostPage {
    /// Returns a page that posts `fields` to the redirect URI `action`. `client` is a name to
    /// display.
    pub fn new(
        client: impl Into<String>,
        action: impl Into<String>,
        fields: Vec<(String, String)>,
    ) -> Self {
        Self { client: client.into(), action: action.into(), fields, script: SCRIPT }
    }
}

impl View for FormPostPage {
    const TEMPLATE: &'static str = "form_post";

    fn extend_policy(&self, page: Page) -> Page {
        page.without_form_action().script_hash(SCRIPT_SHA256)
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest;
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::*;

    #[test]
    fn policy_hash_matches_the_script() {
        let hash = digest::digest(&digest::SHA256, SCRIPT.as_bytes());
        assert_eq!(BASE64_STANDARD.encode(hash), SCRIPT_SHA256);
    }
}
