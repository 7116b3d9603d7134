use serde::{Deserialize, Serialize};

/// What a server is used for. Only `production` refuses to start with unsafe settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Public demo secrets and detailed error messages.
    #[default]
    Demo,
    /// Like `demo`, for testing other services against this one.
    Test,
    /// No public secrets, and terse error messages for unauthenticated callers.
    Production,
}

impl Profile {
    /// Returns the value of the setting `profile`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Test => "test",
            Self::Production => "production",
        }
    }

    /// Returns whether this is [`Profile::Production`].
    #[must_use]
    pub fn is_production(self) -> bool {
        self == Self::Production
    }
}
