use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use service_kit::comma_list;

/// Certificate of the TLS listener.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSettings {
    /// Certificate chain as a PEM file. Without it, the development CA issues a certificate at
    /// every start. Production requires it, unless `tls_listen` is empty.
    pub cert_file: Option<PathBuf>,
    /// Private key of the certificate as a PEM file. Required with `cert_file`.
    pub key_file: Option<PathBuf>,
    /// DNS names and IP addresses in the development certificate. Default: `localhost`,
    /// `127.0.0.1`, `auth-server`.
    #[serde(deserialize_with = "comma_list")]
    pub dev_cert_names: Vec<String>,
    /// Copies the public certificate of the development CA to this file, so that other servers can
    /// trust it. Not set by default.
    pub publish_ca_file: Option<PathBuf>,
}

impl Default for TlsSettings {
    fn default() -> Self {
        let names = ["localhost", "127.0.0.1", "auth-server"].map(str::to_owned).to_vec();
        Self { cert_file: None, key_file: None, dev_cert_names: names, publish_ca_file: None }
    }
}
