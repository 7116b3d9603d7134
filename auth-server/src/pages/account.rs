use serde::{Deserialize, Serialize};

use super::{BrowserName, Shown, ShownClient, ShownScope, ShownUser};

/// Where somebody is signed in, and what they have allowed.
#[derive(Clone, Debug, Serialize)]
pub struct AccountPage {
    pub user: ShownUser,
    pub notice: Option<AccountNotice>,
    pub sessions: Vec<SessionRow>,
    pub consents: Vec<ConsentRow>,
    pub actions: AccountActions,
    pub csrf: String,
}

/// One browser that is signed in. Its form sends `session`.
#[derive(Clone, Debug, Serialize)]
pub struct SessionRow {
    /// A public identifier: the cookie's value is a secret.
    pub id: String,
    pub browser: BrowserName,
    pub address: String,
    /// Seconds since 1970.
    pub since: i64,
    /// Seconds since 1970.
    pub last_seen: i64,
    pub current: bool,
    /// The clients that were opened from it.
    pub apps: Vec<String>,
}

/// One client that was allowed something. Its form sends `client_id`.
#[derive(Clone, Debug, Serialize)]
pub struct ConsentRow {
    pub client_id: String,
    pub client: ShownClient,
    pub scopes: Vec<ShownScope>,
    /// Seconds since 1970.
    pub since: i64,
}

/// Where the forms go.
#[derive(Clone, Debug, Serialize)]
pub struct AccountActions {
    pub end_session: String,
    pub withdraw: String,
    pub sign_out: String,
    pub sign_out_everywhere: String,
}

/// What was just done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountNotice {
    SessionEnded,
    ConsentWithdrawn,
}

impl Shown for AccountPage {
    const TEMPLATE: &'static str = "account";
}
