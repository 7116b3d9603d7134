//! TLS between machines: a development CA, or one's own certificates, taken up again when their
//! files change.

mod cert_reload;
mod dev_ca;
mod settings;

pub use axum_server::tls_rustls::RustlsConfig;
pub use cert_reload::{ServerCertificate, TlsError, with_cert_reload};
pub use dev_ca::{DevCa, DevCaError};
pub use settings::TlsFiles;
