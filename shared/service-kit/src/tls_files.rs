use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Settings `tls.cert_file` and `tls.key_file`. Set both to serve https instead of http.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsFiles {
    /// PEM file with the certificate chain, the server's certificate first.
    pub cert_file: Option<PathBuf>,
    /// PEM file with the private key.
    pub key_file: Option<PathBuf>,
}
