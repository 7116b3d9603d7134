use serde::{Deserialize, Serialize};
use service_kit::Finding;

/// How many failed client authentications are borne.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientFailureSettings {
    /// So many may fail at once, by client and address.
    pub burst: u32,
    /// One more after so many seconds.
    pub recover_seconds: u32,
    /// From one address, for all names together.
    pub unknown: FailureSettings,
}

/// How many failures are borne.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FailureSettings {
    /// So many may fail at once.
    pub burst: u32,
    /// One more after so many seconds.
    pub recover_seconds: u32,
}

impl FailureSettings {
    /// A finding if whoever guesses is hardly slowed: `most` at once is what is safe.
    pub fn finding(&self, setting: &'static str, most: u32) -> Option<Finding> {
        let fast = self.burst > most || self.recover_seconds == 0;
        fast.then(|| Finding::new(setting, "lets secrets be guessed quickly", "leave the default"))
    }
}

impl ClientFailureSettings {
    /// How many are borne from one address, for one name.
    pub fn of_one_client(&self) -> FailureSettings {
        FailureSettings { burst: self.burst, recover_seconds: self.recover_seconds }
    }
}

impl Default for FailureSettings {
    fn default() -> Self {
        Self { burst: 10, recover_seconds: 6 }
    }
}

impl Default for ClientFailureSettings {
    fn default() -> Self {
        let FailureSettings { burst, recover_seconds } = FailureSettings::default();
        Self { burst, recover_seconds, unknown: FailureSettings { burst: 100, recover_seconds: 3 } }
    }
}
