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

/// A certificate chain and its key, as PEM files, and the TLS that is served with them.
#[derive(Clone, Debug)]
pub struct ServerCertificate {
    files: CertificateFiles,
    tls: RustlsConfig,
}

#[derive(Clone, Debug)]
struct CertificateFiles {
    /// The chain, the server's own certificate first.
    certificates: PathBuf,
    key: PathBuf,
}

/// How soon changed files are seen.
const PERIOD: Duration = Duration::from_secs(1);

/// Why a certificate cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One of the two settings is missing.
    #[error("tls.cert_file and tls.key_file go together: set both, or neither")]
    OneOfTwo,
    /// The file of certificates.
    #[error("the certificates in {path} cannot be read: {reason}")]
    Certificates {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// The private key; nothing of it is said.
    #[error("the private key cannot be read: {0}")]
    Key(String),
    /// They do not fit together.
    #[error("the certificate and its key do not fit: {0}")]
    Mismatch(#[from] rustls::Error),
}

impl ServerCertificate {
    /// The certificates of these files, if files are set.
    ///
    /// # Errors
    /// [`TlsError`] when one is missing, cannot be read, or they do not fit together.
    pub fn load(
        certificates: Option<&PathBuf>,
        key: Option<&PathBuf>,
    ) -> Result<Option<Self>, TlsError> {
        match (certificates.cloned(), key.cloned()) {
            (None, None) => Ok(None),
            (Some(certificates), Some(key)) => {
                let files = CertificateFiles { certificates, key };
                let tls = RustlsConfig::from_config(Arc::new(files.read()?));
                Ok(Some(Self { files, tls }))
            }
            _ => Err(TlsError::OneOfTwo),
        }
    }
}

impl CertificateFiles {
    fn read(&self) -> Result<ServerConfig, TlsError> {
        let refused = |reason: String| TlsError::Certificates {
            path: self.certificates.display().to_string(),
            reason,
        };
        let chain = CertificateDer::pem_file_iter(&self.certificates)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| refused(error.to_string()))?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| TlsError::Key(error.to_string()))?;
        server_config(chain, key)
    }

    fn stamp(&self) -> io::Result<(SystemTime, SystemTime)> {
        let changed = |path: &Path| std::fs::metadata(path)?.modified();
        Ok((changed(&self.certificates)?, changed(&self.key)?))
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

/// `server` with own certificates, if there are any: taken up again whenever their files change.
pub fn with_cert_reload(
    server: Server,
    own: Option<ServerCertificate>,
    stop: &CancellationToken,
) -> Server {
    let Some(ServerCertificate { files, tls }) = own else { return server };
    tokio::spawn(follow(files, tls.clone(), stop.clone()));
    server.with_tls(tls)
}

/// New files that cannot be used leave the old ones in service, with an error in the log.
async fn follow(files: CertificateFiles, tls: RustlsConfig, stop: CancellationToken) {
    let mut served = files.stamp().ok();
    run_periodically(PERIOD, stop, || {
        let found = files.stamp().ok();
        if found.is_some() && found != served {
            served = found;
            take_up(&files, &tls);
        }
        std::future::ready(())
    })
    .await;
}

fn take_up(files: &CertificateFiles, tls: &RustlsConfig) {
    match files.read() {
        Ok(config) => {
            tls.reload_from_config(Arc::new(config));
            tracing::info!(certificates = %files.certificates.display(), "the new certificates are in service");
        }
        Err(error) => {
            tracing::error!(%error, "the new certificates cannot be used; the old ones stay in service")
        }
    }
}
