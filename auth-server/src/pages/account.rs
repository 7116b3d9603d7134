use serde::{Deserialize, Serialize};

use super::{BrowserName, ClientView, ScopeView, UserView, View};

/// The account page: the user's sessions and consents.
#[derive(Clone, Debug, Serialize)]
pub struct AccountPage {
    pub user: UserView,
    pub notice: Option<AccountNotice>,
    pub sessions: Vec<SessionRow>,
    pub consents: Vec<ConsentRow>,
    pub actions: AccountActions,
    pub csrf: String,
}

/// One session. Its form sends `session`.
#[derive(Clone, Debug, Serialize)]
pub struct SessionRow {
    /// The public session id, which is not the secret value of the cookie.
    pub id: String,
    pub browser: BrowserName,
    pub address: String,
    /// When the user signed in, in Unix seconds.
    pub since: i64,
    /// When the session was last used, in Unix seconds.
    pub last_seen: i64,
    /// Whether it is the session of the browser that requested the page.
    pub current: bool,
    /// Names of the clients that were authorized in this session.
    pub apps: Vec<String>,
}

/// One client with a consent. Its form sends `client_id`.
#[derive(Clone, Debug, Serialize)]
pub struct ConsentRow {
    pub client_id: String,
    pub client: ClientView,
    pub scopes: Vec<ScopeView>,
    /// Identifiers of the resources where the client can use the access.
    pub resources: Vec<String>,
    /// When the consent was given, in Unix seconds.
    pub since: i64,
}

/// The URLs of the forms.
#[derive(Clone, Debug, Serialize)]
pub struct AccountActions {
    pub end_session: String,
    pub withdraw: String,
    pub sign_out: String,
    pub sign_out_everywhere: String,
}

/// The change that was just made, or why none was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountNotice {
    SessionEnded,
    ConsentWithdrawn,
    /// The user has signed in again since the page was displayed.
    FormExpired,
}

impl View for AccountPage {
    const TEMPLATE: &'static str = "account";
}
