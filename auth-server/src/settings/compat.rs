use serde::{Deserialize, Serialize};

/// Compatibility with servers that deviate from the standards.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompatSettings {
    /// Emulates WeChat's OAuth endpoints (paths, JSON, secrets and access tokens in URLs), and
    /// accepts token requests in JSON at `/oauth2/token`. Default: `false`. Production requires
    /// `false`.
    pub wechat: bool,
    /// Accepts the access token in the query of `GET /userinfo?access_token=`. Default: `false`.
    /// Production requires `false`, because URLs are logged.
    pub userinfo_in_query: bool,
}
