//! Server TLS: with certificate files, reloaded when they change, or with certificates of a
//! development CA.

mod cert_reload;
mod dev_ca;
mod dev_certificate;

pub use axum_server::tls_rustls::RustlsConfig;
pub use cert_reload::{CertificateEnd, ServerCertificate, TlsError, with_cert_reload};
pub use dev_ca::{DevCa, DevCaError};
pub use dev_certificate::DevCertificate;
