use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use service_kit::comma_list;

/// With which certificate C shows who it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSettings {
    /// An own certificate chain, as PEM. Without it, the development CA makes one.
    pub cert_file: Option<PathBuf>,
    /// Its private key, as PEM.
    pub key_file: Option<PathBuf>,
    /// The names in the development certificate.
    #[serde(deserialize_with = "comma_list")]
    pub names: Vec<String>,
    /// Where the development CA's public certificate is copied for the callers.
    pub publish_ca: Option<PathBuf>,
}

impl Default for TlsSettings {
    fn default() -> Self {
        let names = ["localhost", "127.0.0.1", "auth-server"].map(str::to_owned).to_vec();
        Self { cert_file: None, key_file: None, names, publish_ca: None }
    }
}
