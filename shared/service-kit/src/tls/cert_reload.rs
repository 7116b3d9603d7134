use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::RustlsConfig;
use crate::{CancellationToken, Server, run_periodically};

/// A certificate chain and its key from PEM files, with the TLS configuration built from them.
#[derive(Clone, Debug)]
pub struct ServerCertificate {
    files: CertificateFiles,
    tls: RustlsConfig,
}

#[derive(Clone, Debug)]
struct CertificateFiles {
    /// The chain, the server's certificate first.
    chain: PathBuf,
    key: PathBuf,
}

/// How often the files are checked for changes.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Only one of the two settings is set.
    #[error("tls.cert_file and tls.key_file belong together: set both or neither")]
    OneOfTwo,
    /// The certificate file cannot be read.
    #[error("cannot read the certificates in {path}: {reason}")]
    Certificates {
        /// The path of the file.
        path: String,
        /// Why it cannot be read.
        reason: String,
    },
    /// The private key cannot be read. The message contains no part of it.
    #[error("cannot read the private key: {0}")]
    Key(String),
    /// The key does not belong to the certificate.
    #[error("the private key does not match the certificate: {0}")]
    Mismatch(#[from] rustls::Error),
}

impl ServerCertificate {
    /// Loads the certificate chain and the key. Returns `None` if both settings are missing.
    ///
    /// # Errors
    /// Returns an error if only one is set, a file cannot be read, or the key does not match.
    pub fn load(chain: Option<&PathBuf>, key: Option<&PathBuf>) -> Result<Option<Self>, TlsError> {
        match (chain.cloned(), key.cloned()) {
            (None, None) => Ok(None),
            (Some(chain), Some(key)) => {
                let files = CertificateFiles { chain, key };
                let tls = RustlsConfig::from_config(Arc::new(files.read()?));
                Ok(Some(Self { files, tls }))
            }
            _ => Err(TlsError::OneOfTwo),
        }
    }
}

impl CertificateFiles {
    fn read(&self) -> Result<ServerConfig, TlsError> {
        let unreadable = |reason: String| TlsError::Certificates {
            path: self.chain.display().to_string(),
            reason,
        };
        let chain = CertificateDer::pem_file_iter(&self.chain)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unreadable(error.to_string()))?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| TlsError::Key(error.to_string()))?;
        server_config(chain, key)
    }

    fn modified(&self) -> io::Result<(SystemTime, SystemTime)> {
        let modified = |path: &Path| std::fs::metadata(path)?.modified();
        Ok((modified(&self.chain)?, modified(&self.key)?))
    }
}

pub(super) fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Serves `server` over TLS if there is a certificate, and reloads it whenever its files change.
pub fn with_cert_reload(
    server: Server,
    certificate: Option<ServerCertificate>,
    shutdown: &CancellationToken,
) -> Server {
    let Some(ServerCertificate { files, tls }) = certificate else { return server };
    tokio::spawn(reload_on_change(files, tls.clone(), shutdown.clone()));
    server.with_tls(tls)
}

/// Reloads the files whenever their modification times change. If the new files cannot be used, the
/// old certificate stays in use and an error is logged.
async fn reload_on_change(files: CertificateFiles, tls: RustlsConfig, shutdown: CancellationToken) {
    let mut loaded = files.modified().ok();
    run_periodically(CHECK_INTERVAL, shutdown, || {
        let current = files.modified().ok();
        if current.is_some() && current != loaded {
            loaded = current;
            reload(&files, &tls);
        }
        std::future::ready(())
    })
    .await;
}

fn reload(files: &CertificateFiles, tls: &RustlsConfig) {
    match files.read() {
        Ok(config) => {
            tls.reload_from_config(Arc::new(config));
            tracing::info!(cert_file = %files.chain.display(), "TLS certificate reloaded");
        }
        Err(error) => {
            tracing::error!(%error, "failed to reload the TLS certificate; the old one stays in use");
        }
    }
}
