use serde::{Deserialize, Serialize};

use crate::domain::SessionTtl;

/// Lifetime of browser sessions.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionSettings {
    /// Ends a session after this many seconds without a request. Default: 28800 (8 hours).
    pub idle_timeout_seconds: u32,
    /// Ends a session this many seconds after sign-in, even if it is in use. Default: 604800 (7
    /// days).
    pub absolute_timeout_seconds: u32,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self { idle_timeout_seconds: 8 * 3_600, absolute_timeout_seconds: 7 * 86_400 }
    }
}

impl SessionSettings {
    pub fn ttl(&self) -> SessionTtl {
        SessionTtl {
            idle: self.idle_timeout_seconds.into(),
            absolute: self.absolute_timeout_seconds.into(),
        }
    }
}
