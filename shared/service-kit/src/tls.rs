//! TLS between machines: a development CA, or one's own certificates, taken up again when their
//! files change.

mod dev_ca;
mod files;
mod reload;

pub use axum_server::tls_rustls::RustlsConfig;
pub use dev_ca::{DevCa, DevCaError};
pub use files::TlsFiles;
pub use reload::{OwnCertificates, TlsError, followed};
