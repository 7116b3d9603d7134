use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use rustls::{
    ServerConfig,
    client::verify_server_name,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::ParsedCertificate,
};
use time::OffsetDateTime;

use super::RustlsConfig;
use crate::{
    CancellationToken, Server, UnsafeSetting, platform::is_readable_by_others, run_periodically,
};

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
    #[error("tls.cert_file: cannot read the certificates in {path}: {reason}")]
    Certificates {
        /// The path of the file.
        path: String,
        /// Why it cannot be read.
        reason: String,
    },
    /// The private key cannot be read. The message contains no part of it.
    #[error("tls.key_file: cannot read the private key in {path}: {reason}")]
    Key {
        /// The path of the file.
        path: String,
        /// Why it cannot be read.
        reason: String,
    },
    /// The key does not belong to the certificate.
    #[error(
        "tls.key_file: the private key in {key} does not match the certificate in {chain}: {reason}"
    )]
    Mismatch {
        /// The path of the key.
        key: String,
        /// The path of the certificate.
        chain: String,
        /// What differs.
        reason: rustls::Error,
    },
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

impl ServerCertificate {
    /// Returns when the server's certificate expires.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read any more.
    pub fn end(&self) -> Result<CertificateEnd, TlsError> {
        let chain = &self.files.chain;
        let unreadable =
            |reason| TlsError::Certificates { path: chain.display().to_string(), reason };
        let (_, not_after) = validity(chain).map_err(unreadable)?;
        Ok(CertificateEnd { seconds: not_after })
    }

    /// Returns a warning if the certificate is not valid now or not for `host`, or if other users
    /// of this machine can read the key.
    #[must_use]
    pub fn warnings(&self, host: &str, now: i64) -> Vec<UnsafeSetting> {
        let CertificateFiles { chain, key } = &self.files;
        let dates = validity(chain).ok().and_then(|(not_before, not_after)| {
            let problem = if now < not_before {
                format!("is not valid before {}", date(not_before))
            } else if now >= not_after {
                format!("has expired on {}", date(not_after))
            } else {
                return None;
            };
            Some(UnsafeSetting::new("tls.cert_file", problem, "name a valid certificate"))
        });
        let name = (!is_for(chain, host)).then(|| {
            let problem = format!("the certificate is not for `{host}`, the host of the issuer");
            UnsafeSetting::new("tls.cert_file", problem, "name a certificate for that host")
        });
        let readable = is_readable_by_others(key).then(|| {
            let problem = format!("other users of this machine can read {}", key.display());
            UnsafeSetting::new("tls.key_file", problem, "remove their permission, with chmod o-r")
        });
        dates.into_iter().chain(name).chain(readable).collect()
    }
}

/// Returns whether the first certificate of a chain is for this host. One that cannot be read is
/// reported elsewhere.
fn is_for(chain: &Path, host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let (Ok(der), Ok(name)) = (CertificateDer::from_pem_file(chain), ServerName::try_from(host))
    else {
        return true;
    };
    ParsedCertificate::try_from(&der)
        .is_ok_and(|certificate| verify_server_name(&certificate, &name).is_ok())
}

/// When a certificate expires. Its text is the date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateEnd {
    /// In seconds since 1970.
    pub seconds: i64,
}

impl fmt::Display for CertificateEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        date(self.seconds).fmt(f)
    }
}

/// Returns from when to when a certificate is valid, in seconds since 1970. The first certificate
/// of a chain counts.
pub(super) fn validity(certificate: &Path) -> Result<(i64, i64), String> {
    let der = CertificateDer::from_pem_file(certificate).map_err(|error| error.to_string())?;
    let parsed = x509_parser::parse_x509_certificate(&der);
    let (_, parsed) = parsed.map_err(|error| error.to_string())?;
    let validity = parsed.validity();
    Ok((validity.not_before.timestamp(), validity.not_after.timestamp()))
}

pub(super) fn date(seconds: i64) -> time::Date {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH).date()
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
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| TlsError::Key {
            path: self.key.display().to_string(),
            reason: error.to_string(),
        })?;
        server_config(chain, key).map_err(|reason| TlsError::Mismatch {
            key: self.key.display().to_string(),
            chain: self.chain.display().to_string(),
            reason,
        })
    }

    fn modified(&self) -> io::Result<(SystemTime, SystemTime)> {
        let modified = |path: &Path| std::fs::metadata(path)?.modified();
        Ok((modified(&self.chain)?, modified(&self.key)?))
    }
}

pub(super) fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
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

#[cfg(test)]
mod tests {
    use clock::Clock;

    use super::*;
    use crate::{platform::restrict_to_owner, tls::DevCa};

    #[test]
    fn wrong_host_expiry_and_readable_key_are_warnings() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(1_767_268_800);
        let ca = DevCa::open_or_create(&folder.path().join("ca"), &clock).unwrap();
        let names = ["c.example", "127.0.0.1"].map(str::to_owned);
        let [chain, key] = ca.issue(&names, folder.path(), &clock).unwrap();
        let certificate = ServerCertificate::load(Some(&chain), Some(&key)).unwrap().unwrap();
        let problems = |host: &str, days: i64| -> String {
            let now = clock.seconds() + days * 86_400;
            let warnings = certificate.warnings(host, now);
            warnings.into_iter().map(|warning| warning.problem + "; ").collect()
        };
        restrict_to_owner(&key).unwrap();
        for host in ["c.example", "127.0.0.1"] {
            assert_eq!(problems(host, 0), "");
        }
        let other = problems("[::1]", 0);
        assert!(other.contains("not for `[::1]`"), "{other}");
        assert!(problems("d.example", 0).contains("not for `d.example`"));
        assert!(problems("c.example", 400).contains("has expired on"));
        assert!(problems("c.example", -30).contains("is not valid before"));
        test_support::platform::set_file_mode(&key, 0o644);
        assert!(problems("c.example", 0).contains("can read"));
    }

    #[test]
    fn errors_name_setting_and_file() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(1_767_268_800);
        let ca = DevCa::open_or_create(&folder.path().join("ca"), &clock).unwrap();
        let issue = |name: &str| ca.issue(&[name.to_owned()], folder.path(), &clock).unwrap();
        let ([chain, key], [_, other]) = (issue("a.example"), issue("b.example"));
        let missing = folder.path().join("missing.pem");
        for (chain, key, setting, named) in [
            (&missing, &key, "tls.cert_file: ", &missing),
            (&chain, &missing, "tls.key_file: ", &missing),
            (&chain, &other, "tls.key_file: ", &other),
        ] {
            let error = ServerCertificate::load(Some(chain), Some(key)).unwrap_err().to_string();
            let path = named.display().to_string();
            assert!(error.starts_with(setting) && error.contains(&path), "{error}");
        }
    }
}
