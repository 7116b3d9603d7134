use serde::Serialize;

use super::{ClientView, ResourceView, ScopeView, UserView, View};

/// Asks for the user code that the device displays (RFC 8628 §3.3). The form sends `user_code`.
#[derive(Clone, Debug, Serialize)]
pub struct DevicePage {
    pub action: String,
    pub csrf: String,
    /// The initial value of the field: from `verification_uri_complete`, or the previous input.
    pub user_code: String,
    pub problem: Option<DeviceProblem>,
}

/// Why the page is displayed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceProblem {
    UnknownCode,
    TooMany,
    ExpiredForm,
    NoCookies,
}

/// Asks the user to approve the device. The form sends `user_code`, `shown_claims`, and `decision`,
/// `allow` or `deny`.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceConfirmPage {
    pub client: ClientView,
    pub user: UserView,
    pub user_code: String,
    pub scopes: Vec<ScopeView>,
    /// Where the client can use the access, in addition to this server.
    pub resources: Vec<ResourceView>,
    /// The claims that the operator defines and that the page names, as the form sends them back.
    pub shown_claims: String,
    pub action: String,
    pub csrf: String,
    /// The URL to sign in as another user.
    pub switch_account: String,
}

/// Confirms the user's decision about the device.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceDonePage {
    /// The client's name.
    pub client: String,
    pub allowed: bool,
}

impl View for DevicePage {
    const TEMPLATE: &'static str = "device";
}

impl View for DeviceConfirmPage {
    const TEMPLATE: &'static str = "device_confirm";
}

impl View for DeviceDonePage {
    const TEMPLATE: &'static str = "device_done";
}
