//! Settings of a server that exists only in tests.

use serde::{Deserialize, Serialize};
use url::Url;

use super::Settings;
use crate::{Profile, SecretSetting, UnsafeSetting, comma_list, telemetry::LogSettings};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Sample {
    pub(super) issuer: String,
    pub(super) seconds: u64,
    pub(super) small: u8,
    #[serde(deserialize_with = "comma_list")]
    pub(super) names: Vec<String>,
    pub(super) client_secret: Option<SecretSetting>,
    pub(super) endpoint: Option<Url>,
    pub(super) log: LogSettings,
}

impl Settings for Sample {
    const SERVICE: &'static str = "service-a";
    const SHORT_VARIABLES: &'static [(&'static str, &'static str)] =
        &[("GATEPASS_FILTER", "log.filter")];

    fn profile(&self) -> Profile {
        Profile::Demo
    }

    fn listen(&self) -> &str {
        "127.0.0.1:0"
    }

    fn manage_listen(&self) -> &str {
        ""
    }

    fn log(&self) -> &LogSettings {
        &self.log
    }

    fn unsafe_settings(&self) -> Vec<UnsafeSetting> {
        Vec::new()
    }

    fn validate(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

pub(super) fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Settings below all sources.
pub(super) fn below() -> Sample {
    let below = || "below".to_owned();
    Sample { issuer: below(), names: vec![below()], ..Sample::default() }
}
