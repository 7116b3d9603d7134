use std::fmt;

use serde::{Deserialize, Serialize};

/// How a client presents its secret (RFC 6749 §2.3.1), under the names of RFC 7591 §2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ClientAuthMethod {
    /// `client_secret_post`: `client_id` and `client_secret` as form parameters.
    #[default]
    #[serde(rename = "client_secret_post")]
    Post,
    /// `client_secret_basic`: both in the `Authorization` header, each form-encoded.
    #[serde(rename = "client_secret_basic")]
    Basic,
}

impl ClientAuthMethod {
    /// Returns the name that metadata and registrations use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "client_secret_post",
            Self::Basic => "client_secret_basic",
        }
    }
}

impl fmt::Display for ClientAuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
