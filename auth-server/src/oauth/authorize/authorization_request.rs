use std::sync::Arc;

use oauth_types::IdTokenClaims;
use pages::Browser;

use super::ResponseTarget;
use crate::domain::{AllowedAccess, Client, TokenHash};

/// A client asks, through the user's browser, to be allowed something. All of it has been checked
/// against what is registered, so whatever stands here may be acted upon.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    pub client: Arc<Client>,
    pub response_target: ResponseTarget,
    /// Was the redirect URI in the request? Then the token request has to repeat it (RFC 6749
    /// §4.1.3).
    pub named_redirect_uri: bool,
    pub allowed: AllowedAccess,
    pub nonce: Option<String>,
    /// S256 (RFC 7636 §4.3).
    pub code_challenge: Option<String>,
    pub prompt: Prompt,
    /// The password was shown at most so many seconds ago.
    pub max_age: Option<i64>,
    /// Who the client thinks it is: for the user name's field.
    pub login_hint: Option<String>,
    /// What the user reads, as the client says (OpenID Connect Core §3.1.2.1).
    pub ui_locales: Option<String>,
    /// What it was pushed as (RFC 9126): good for one answer.
    pub pushed: Option<TokenHash>,
    /// What a signed request said, form-encoded: its signature was checked when it came, and may
    /// expire while the user types.
    pub signed: Option<String>,
    /// Who it has to be: an ID token that C made before, for this client or another.
    pub hint: Option<IdTokenClaims>,
}

impl AuthorizationRequest {
    /// The browser as its pages take it: of a request that was pushed or signed, the address says
    /// nothing.
    pub fn shown_in(&self, browser: &Browser) -> Browser {
        browser.with_ui_locales(self.ui_locales.as_deref())
    }
}

/// What the user is to be asked, however well C knows them (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// Nothing at all.
    pub none: bool,
    pub login: bool,
    pub consent: bool,
    pub select_account: bool,
}

impl Prompt {
    /// Values that nobody knows are ignored.
    pub fn parse(text: &str) -> Self {
        let has = |wanted| text.split(' ').any(|word| word == wanted);
        Self {
            none: has("none"),
            login: has("login"),
            consent: has("consent"),
            select_account: has("select_account"),
        }
    }

    pub fn contradicts_itself(self) -> bool {
        self.none && (self.login || self.consent || self.select_account)
    }
}
