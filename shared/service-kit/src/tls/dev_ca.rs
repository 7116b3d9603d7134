use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use clock::Clock;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use time::{Duration, OffsetDateTime};

use super::{RustlsConfig, TlsError, cert_reload::server_config};

const CA_CERTIFICATE: &str = "ca.pem";
const CA_KEY: &str = "ca-key.pem";

/// A certificate authority for one developer's machine, made on first start and kept in a folder.
pub struct DevCa {
    certificate: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

/// Why there is no development CA.
#[derive(Debug, thiserror::Error)]
pub enum DevCaError {
    /// A file of it cannot be read or written.
    #[error("the development CA's file {path} cannot be used: {source}")]
    File {
        /// The file.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// A certificate could not be made, or an old one not be read.
    #[error(
        "the development CA cannot make a certificate: {0}; delete its folder to make a new one"
    )]
    Certificate(#[from] rcgen::Error),
    /// The made certificate was refused.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl DevCa {
    /// Open the CA in `folder`, or make it.
    ///
    /// # Errors
    /// [`DevCaError`] when a file cannot be used.
    pub fn open_or_create(folder: &Path, clock: &Clock) -> Result<Self, DevCaError> {
        let (certificate, key) = (folder.join(CA_CERTIFICATE), folder.join(CA_KEY));
        if !certificate.exists() || !key.exists() {
            make(folder, clock)?;
        }
        let key = KeyPair::from_pem(&read(&key)?)?;
        Ok(Self { certificate, issuer: Issuer::new(authority(), key) })
    }

    /// The CA's public certificate, which callers have to believe.
    #[must_use]
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// Copy the public certificate to where others may read it, and nothing else of the CA.
    ///
    /// # Errors
    /// When the copy cannot be written.
    pub fn publish(&self, to: &Path) -> Result<(), DevCaError> {
        let pem = read(&self.certificate)?;
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(|source| at(folder, source))?;
        }
        // Renamed into place: a reader never sees half a certificate.
        let draft = to.with_extension("new");
        fs::write(&draft, pem)
            .and_then(|()| fs::rename(&draft, to))
            .map_err(|source| at(to, source))
    }

    /// A server's TLS with a fresh certificate for `names`, which lives in memory alone.
    ///
    /// # Errors
    /// When a name is none.
    pub fn server_tls(&self, names: &[String], clock: &Clock) -> Result<RustlsConfig, DevCaError> {
        let (certificate, key) = self.sign(names, clock)?;
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|reason| TlsError::Key(reason.to_owned()))?;
        let config: ServerConfig = server_config(vec![certificate.der().clone()], key)?;
        Ok(RustlsConfig::from_config(Arc::new(config)))
    }

    /// Write a fresh certificate for `names` and its key to `NAME.pem` and `NAME-key.pem`, for
    /// another server's `tls.cert_file` and `tls.key_file`. Says where they are.
    ///
    /// # Errors
    /// When a name is none, or a file cannot be written.
    pub fn issue(
        &self,
        names: &[String],
        folder: &Path,
        clock: &Clock,
    ) -> Result<[PathBuf; 2], DevCaError> {
        let (certificate, key) = self.sign(names, clock)?;
        let name = names.first().map_or("localhost", String::as_str);
        let files = [folder.join(format!("{name}.pem")), folder.join(format!("{name}-key.pem"))];
        fs::create_dir_all(folder).map_err(|source| at(folder, source))?;
        write_private(&files[1], &key.serialize_pem()).map_err(|source| at(&files[1], source))?;
        fs::write(&files[0], certificate.pem()).map_err(|source| at(&files[0], source))?;
        Ok(files)
    }

    fn sign(&self, names: &[String], clock: &Clock) -> Result<(Certificate, KeyPair), DevCaError> {
        let mut params = CertificateParams::new(names)?;
        params
            .distinguished_name
            .push(DnType::CommonName, names.first().map_or("localhost", String::as_str));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        set_life(&mut params, clock, Duration::days(397));
        let key = KeyPair::generate()?;
        Ok((params.signed_by(&key, &self.issuer)?, key))
    }

    /// The public certificate as rustls reads it.
    ///
    /// # Errors
    /// When the file has gone or is no certificate.
    pub fn certificate_der(&self) -> Result<CertificateDer<'static>, DevCaError> {
        CertificateDer::from_pem_file(&self.certificate)
            .map_err(|error| at(&self.certificate, io::Error::other(error.to_string())))
    }
}

/// Made aside and moved into place as a whole: of two processes that make it at once one wins, and
/// both use the same.
fn make(folder: &Path, clock: &Clock) -> Result<(), DevCaError> {
    let draft = folder.with_extension(format!("new-{}", std::process::id()));
    fs::create_dir_all(&draft).map_err(|source| at(&draft, source))?;
    let mut params = authority();
    set_life(&mut params, clock, Duration::days(3_650));
    let key = KeyPair::generate()?;
    let pem = params.self_signed(&key)?.pem();
    let written = write_private(&draft.join(CA_KEY), &key.serialize_pem())
        .and_then(|()| fs::write(draft.join(CA_CERTIFICATE), pem))
        .map_err(|source| at(&draft, source));
    let moved =
        written.and_then(|()| fs::rename(&draft, folder).map_err(|source| at(folder, source)));
    if moved.is_err() {
        // What is left of the draft is of no use; why it failed is told, unless another process was
        // quicker.
        let _ = fs::remove_dir_all(&draft);
    }
    moved.or_else(|error| if folder.join(CA_CERTIFICATE).exists() { Ok(()) } else { Err(error) })
}

/// All that a certificate says of its issuer, so that the CA's own certificate need not be read
/// again.
fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Gatepass development CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn set_life(params: &mut CertificateParams, clock: &Clock, life: Duration) {
    let now =
        OffsetDateTime::from_unix_timestamp(clock.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    // An hour back, for machines whose clocks run behind.
    params.not_before = now - Duration::hours(1);
    params.not_after = now + life;
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?
        .write_all(text.as_bytes())
}

fn read(path: &Path) -> Result<String, DevCaError> {
    fs::read_to_string(path).map_err(|source| at(path, source))
}

fn at(path: &Path, source: io::Error) -> DevCaError {
    DevCaError::File { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_ca_is_made_once_and_its_key_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let first =
            DevCa::open_or_create(folder.path(), &clock).unwrap().certificate_der().unwrap();
        let second =
            DevCa::open_or_create(folder.path(), &clock).unwrap().certificate_der().unwrap();
        assert_eq!(first, second);
        let mode = fs::metadata(folder.path().join(CA_KEY)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn of_two_that_make_the_ca_at_once_one_wins_and_both_use_it() {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca");
        make(&ca, &Clock::system()).unwrap();
        let first = fs::read(ca.join(CA_CERTIFICATE)).unwrap();
        make(&ca, &Clock::system()).unwrap();
        assert_eq!(fs::read(ca.join(CA_CERTIFICATE)).unwrap(), first);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_certificate_for_another_server_is_written_with_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let ca = DevCa::open_or_create(&folder.path().join("ca"), &clock).unwrap();
        let [certificate, key] =
            ca.issue(&["service-b".to_owned()], folder.path(), &clock).unwrap();
        let own = crate::tls::ServerCertificate::load(Some(&certificate), Some(&key)).unwrap();
        assert!(own.is_some(), "the certificate and the key fit together");
        assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn only_the_public_certificate_is_published() {
        let (own, public) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let ca = DevCa::open_or_create(own.path(), &Clock::system()).unwrap();
        ca.publish(&public.path().join("ca.pem")).unwrap();
        let files: Vec<_> =
            fs::read_dir(public.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files, ["ca.pem"]);
        assert!(!fs::read_to_string(public.path().join("ca.pem")).unwrap().contains("PRIVATE"));
    }
}
