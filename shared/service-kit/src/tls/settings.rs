use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The setting of an own certificate, to serve https instead of http.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate chain, as PEM, the server's own first.
    pub cert_file: Option<PathBuf>,
    /// Its private key, as PEM.
    pub key_file: Option<PathBuf>,
}
