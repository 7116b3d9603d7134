use serde::Serialize;

use super::{Shown, ShownClient, ShownScope, ShownUser};

/// Asks for the code that a device shows (RFC 8628 §3.3). The form sends `user_code`.
#[derive(Clone, Debug, Serialize)]
pub struct DevicePage {
    pub action: String,
    pub csrf: String,
    /// What is already in the field: from `verification_uri_complete`, or what was typed before.
    pub user_code: String,
    pub problem: Option<DeviceProblem>,
}

/// Why the page is shown again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceProblem {
    UnknownCode,
    TooMany,
    ExpiredForm,
    NoCookies,
}

/// Asks whether the device may have what it asks for. The form sends `user_code` and `decision`,
/// `allow` or `deny`.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceConfirmPage {
    pub client: ShownClient,
    pub user: ShownUser,
    pub user_code: String,
    pub scopes: Vec<ShownScope>,
    pub action: String,
    pub csrf: String,
    /// Where somebody else may sign in.
    pub switch_account: String,
}

/// Says what became of the device.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceDonePage {
    /// The client's name.
    pub client: String,
    pub allowed: bool,
}

impl Shown for DevicePage {
    const TEMPLATE: &'static str = "device";
}

impl Shown for DeviceConfirmPage {
    const TEMPLATE: &'static str = "device_confirm";
}

impl Shown for DeviceDonePage {
    const TEMPLATE: &'static str = "device_done";
}
