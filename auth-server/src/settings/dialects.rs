use serde::{Deserialize, Serialize};

/// Other servers' ways of speaking, for the development of their clients.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dialects {
    /// Stand in for WeChat: its paths, its JSON, secrets and tokens in URLs. Brings
    /// `userinfo_in_query` along.
    pub wechat: bool,
    /// Take `GET /userinfo?access_token=`, as the source document writes it.
    pub userinfo_in_query: bool,
}
