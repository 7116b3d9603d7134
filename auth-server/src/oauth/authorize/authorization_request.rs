use std::sync::Arc;

use oauth_types::IdTokenClaims;
use pages::Browser;

use super::{ResponseTarget, request_object::SingleUse};
use crate::domain::{AllowedAccess, ClaimsParameter, Client, TokenHash};

/// A validated authorization request. Every value has been checked against the client's
/// registration.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    pub client: Arc<Client>,
    pub response_target: ResponseTarget,
    /// Whether the request contained `redirect_uri`. The token request must then repeat it (RFC
    /// 6749 §4.1.3).
    pub named_redirect_uri: bool,
    pub allowed: AllowedAccess,
    pub nonce: Option<String>,
    /// The S256 code challenge (RFC 7636 §4.3).
    pub code_challenge: Option<String>,
    pub prompt: Prompt,
    /// Maximum time since the user entered the password, in seconds.
    pub max_age: Option<i64>,
    /// The user that the client expects; prefills the user name field.
    pub login_hint: Option<String>,
    /// The requested languages (OpenID Connect Core §3.1.2.1).
    pub ui_locales: Option<String>,
    /// Hash of the `request_uri` of a pushed request (RFC 9126). It can be used for one
    /// authorization code.
    pub pushed: Option<TokenHash>,
    /// The parameters of a signed request, form-encoded. The signature was verified when the
    /// request arrived and may expire while the user signs in.
    pub signed: Option<String>,
    /// Identifies the request object, which is accepted once.
    pub single_use: Option<SingleUse>,
    /// The `claims` parameter. Its names are those that the client may request.
    pub claims: ClaimsParameter,
    /// The required user: an ID token that C issued to this client or another one.
    pub hint: Option<IdTokenClaims>,
}

impl AuthorizationRequest {
    /// Returns the browser with the languages that the request asks for. The URL of a pushed or
    /// signed request does not contain them.
    pub fn shown_in(&self, browser: &Browser) -> Browser {
        browser.with_ui_locales(self.ui_locales.as_deref())
    }
}

/// The `prompt` parameter: the steps that are required even if the user is already signed in
/// (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// No page may be displayed.
    pub none: bool,
    pub login: bool,
    pub consent: bool,
    pub select_account: bool,
}

impl Prompt {
    /// Parses the parameter. Unknown values are ignored.
    pub fn parse(text: &str) -> Self {
        let has = |name| text.split(' ').any(|value| value == name);
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
