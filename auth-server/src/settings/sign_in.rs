use serde::{Deserialize, Serialize};

use super::FailureSettings;
use crate::domain::SessionLife;

/// How users sign in, and how long they stay so.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignInSettings {
    /// How many wrong passwords are borne, by account and address.
    pub failures: FailureSettings,
    /// How many wrong passwords are borne from one address, for all accounts together.
    pub address_failures: FailureSettings,
    /// A session ends after so many seconds without a visit.
    pub idle_seconds: u32,
    /// A session ends after so many seconds in any case.
    pub absolute_seconds: u32,
}

impl Default for SignInSettings {
    fn default() -> Self {
        Self {
            failures: FailureSettings { burst: 5, recover_seconds: 30 },
            address_failures: FailureSettings { burst: 100, recover_seconds: 3 },
            idle_seconds: 8 * 3_600,
            absolute_seconds: 7 * 86_400,
        }
    }
}

impl SignInSettings {
    pub fn session_life(&self) -> SessionLife {
        SessionLife { idle: self.idle_seconds.into(), absolute: self.absolute_seconds.into() }
    }
}
