use std::{
    fs, io,
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

use super::{
    RustlsConfig,
    cert_reload::{date, server_config, validity},
};
use crate::platform::{create_private_folder, write_private};

const CA_CERTIFICATE: &str = "ca.pem";
const CA_KEY: &str = "ca-key.pem";

/// A certificate authority for development, created on first start and stored in a folder.
pub struct DevCa {
    certificate: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    not_after: i64,
}

/// How long before now a certificate becomes valid, for machines whose clocks are behind.
const BACKDATED: Duration = Duration::days(7);
const CA_VALIDITY: Duration = Duration::days(3_650);
/// A CA is renewed when less than this is left. Longer than a server's certificate is valid, so
/// that no server's certificate outlives the CA.
const CA_RENEWAL: Duration = Duration::days(730);
pub(super) const SERVER_VALIDITY: Duration = Duration::days(397);

/// Why the development CA cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DevCaError {
    /// One of its files cannot be read or written.
    #[error("cannot use the file {path} of the development CA: {source}")]
    File {
        /// The path of the file.
        path: String,
        /// The cause.
        source: io::Error,
    },
    /// A certificate cannot be issued, or the stored key cannot be parsed.
    #[error(
        "the development CA cannot issue a certificate: {0}; delete its folder to create a new CA"
    )]
    Certificate(#[from] rcgen::Error),
    /// The TLS library rejects the issued certificate.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
}

impl DevCa {
    /// Opens the CA in `folder`, or creates it. Renews its certificate if it expires within two
    /// years or is not valid yet, because it was made by a clock that was ahead. The key stays, so
    /// clients with the old certificate accept the server until that ends.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read, written or parsed.
    pub fn open_or_create(folder: &Path, clock: &Clock) -> Result<Self, DevCaError> {
        let (certificate, key) = (folder.join(CA_CERTIFICATE), folder.join(CA_KEY));
        if !certificate.exists() || !key.exists() {
            create(folder, clock)?;
        }
        let key = KeyPair::from_pem(&read(&key)?)?;
        let (mut not_before, mut not_after) = ca_validity(&certificate)?;
        let now = clock.seconds();
        if now < not_before || not_after - now < CA_RENEWAL.whole_seconds() {
            replace(&certificate, &self_signed(&key, clock)?)?;
            (not_before, not_after) = ca_validity(&certificate)?;
            tracing::warn!(
                path = %certificate.display(),
                valid_from = %date(not_before),
                valid_until = %date(not_after),
                "development CA renewed: give the file to clients that have a copy"
            );
        }
        Ok(Self { certificate, issuer: Issuer::new(ca_params(), key), not_after })
    }

    /// Returns when the CA's certificate expires, in seconds since 1970.
    #[must_use]
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// Returns the path of the CA's certificate, which clients have to trust.
    #[must_use]
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// Copies the CA's certificate, but not its key, to `to`.
    ///
    /// # Errors
    /// Returns an error if the copy cannot be written.
    pub fn publish(&self, to: &Path) -> Result<(), DevCaError> {
        let pem = read(&self.certificate)?;
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(|source| at(folder, source))?;
        }
        replace(to, &pem)
    }

    /// Returns a TLS configuration with a new certificate for `names`. Its key stays in memory.
    ///
    /// # Errors
    /// Returns an error if one of `names` is not a DNS name or IP address.
    pub fn server_tls(&self, names: &[String], clock: &Clock) -> Result<RustlsConfig, DevCaError> {
        Ok(RustlsConfig::from_config(Arc::new(self.server_config(names, clock)?)))
    }

    pub(super) fn server_config(
        &self,
        names: &[String],
        clock: &Clock,
    ) -> Result<ServerConfig, DevCaError> {
        let (certificate, key) = self.sign(names, clock)?;
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|reason| rustls::Error::General(reason.to_owned()))?;
        Ok(server_config(vec![certificate.der().clone()], key)?)
    }

    /// Writes a new certificate for `names` and its key to `NAME.pem` and `NAME-key.pem` in
    /// `folder`, for another server's `tls.cert_file` and `tls.key_file`. Returns the two paths.
    ///
    /// # Errors
    /// Returns an error if one of `names` is not a DNS name or IP address, or a file cannot be
    /// written.
    pub fn issue(
        &self,
        names: &[String],
        folder: &Path,
        clock: &Clock,
    ) -> Result<[PathBuf; 2], DevCaError> {
        let (certificate, key) = self.sign(names, clock)?;
        let name = names.first().map_or("localhost", String::as_str);
        let files = [folder.join(format!("{name}.pem")), folder.join(format!("{name}-key.pem"))];
        create_private_folder(folder).map_err(|source| at(folder, source))?;
        write_private(&files[1], &key.serialize_pem()).map_err(|source| at(&files[1], source))?;
        fs::write(&files[0], certificate.pem()).map_err(|source| at(&files[0], source))?;
        Ok(files)
    }

    fn sign(&self, names: &[String], clock: &Clock) -> Result<(Certificate, KeyPair), DevCaError> {
        let mut params = CertificateParams::new(names)?;
        params
            .distinguished_name
            .push(DnType::CommonName, names.first().map_or("localhost", String::as_str));
        // RFC 5280 section 4.2.1.1. Python rejects a certificate without it since version 3.13.
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        set_validity(&mut params, clock, SERVER_VALIDITY);
        let key = KeyPair::generate()?;
        Ok((params.signed_by(&key, &self.issuer)?, key))
    }

    /// Returns the CA's certificate in DER.
    ///
    /// # Errors
    /// Returns an error if the file is missing or not a certificate.
    pub fn certificate_der(&self) -> Result<CertificateDer<'static>, DevCaError> {
        CertificateDer::from_pem_file(&self.certificate)
            .map_err(|error| at(&self.certificate, io::Error::other(error.to_string())))
    }
}

/// Creates the CA in a temporary folder and renames that. If two processes do it at the same time,
/// one of them succeeds and both use the result.
fn create(folder: &Path, clock: &Clock) -> Result<(), DevCaError> {
    let draft = folder.with_extension(format!("new-{}", std::process::id()));
    create_private_folder(&draft).map_err(|source| at(&draft, source))?;
    let key = KeyPair::generate()?;
    let pem = self_signed(&key, clock)?;
    let written = write_private(&draft.join(CA_KEY), &key.serialize_pem())
        .and_then(|()| fs::write(draft.join(CA_CERTIFICATE), pem))
        .map_err(|source| at(&draft, source));
    let moved =
        written.and_then(|()| fs::rename(&draft, folder).map_err(|source| at(folder, source)));
    if moved.is_err() {
        // The temporary folder is useless now, so a failure to remove it does not matter.
        let _ = fs::remove_dir_all(&draft);
    }
    moved.or_else(|error| if folder.join(CA_CERTIFICATE).exists() { Ok(()) } else { Err(error) })
}

fn self_signed(key: &KeyPair, clock: &Clock) -> Result<String, DevCaError> {
    let mut params = ca_params();
    set_validity(&mut params, clock, CA_VALIDITY);
    Ok(params.self_signed(key)?.pem())
}

/// Returns from when to when the CA's certificate is valid, in seconds since 1970.
fn ca_validity(certificate: &Path) -> Result<(i64, i64), DevCaError> {
    validity(certificate).map_err(|reason| at(certificate, io::Error::other(reason)))
}

/// Writes the file elsewhere and renames it, so that no reader sees an incomplete one.
fn replace(file: &Path, text: &str) -> Result<(), DevCaError> {
    let draft = file.with_extension("new");
    fs::write(&draft, text)
        .and_then(|()| fs::rename(&draft, file))
        .map_err(|source| at(file, source))
}

/// Returns the parameters of the CA's certificate. They are constant, so an existing CA certificate
/// need not be parsed to sign with it.
fn ca_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Gatepass development CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn set_validity(params: &mut CertificateParams, clock: &Clock, validity: Duration) {
    let now =
        OffsetDateTime::from_unix_timestamp(clock.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    params.not_before = now - BACKDATED;
    params.not_after = now + validity;
}

fn read(path: &Path) -> Result<String, DevCaError> {
    fs::read_to_string(path).map_err(|source| at(path, source))
}

fn at(path: &Path, source: io::Error) -> DevCaError {
    DevCaError::File { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use test_support::platform::file_mode;

    use super::*;

    #[test]
    fn ca_is_created_once_with_a_private_key_file() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let first =
            DevCa::open_or_create(folder.path(), &clock).unwrap().certificate_der().unwrap();
        let second =
            DevCa::open_or_create(folder.path(), &clock).unwrap().certificate_der().unwrap();
        assert_eq!(first, second);
        assert_eq!(file_mode(&folder.path().join(CA_KEY)), 0o600);
    }

    #[test]
    fn ca_that_ends_soon_or_is_not_valid_yet_is_renewed_with_the_same_key() {
        const DAY: i64 = 86_400;
        let now = 1_800_000_000;
        for (made, opened, renewed) in [
            (now, now + 1_000 * DAY, false),
            (now, now + 2_921 * DAY, true),
            (now, now + 4_000 * DAY, true),
            (now + 6 * DAY, now, false),
            (now + 8 * DAY, now, true),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let ca = folder.path().join("ca");
            drop(DevCa::open_or_create(&ca, &Clock::manual(made)).unwrap());
            let files = || [CA_CERTIFICATE, CA_KEY].map(|name| fs::read(ca.join(name)).unwrap());
            let [certificate, key] = files();
            let found = DevCa::open_or_create(&ca, &Clock::manual(opened)).unwrap();
            assert_eq!(files()[0] != certificate, renewed, "made {made}, opened {opened}");
            assert_eq!(files()[1], key);
            let (not_before, not_after) = validity(found.certificate()).unwrap();
            assert!(not_before <= opened - if renewed { 7 * DAY } else { 0 });
            assert_eq!(not_after, if renewed { opened } else { made } + 3_650 * DAY);
        }
    }

    #[test]
    fn concurrent_creation_keeps_the_first_ca() {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca");
        create(&ca, &Clock::system()).unwrap();
        let first = fs::read(ca.join(CA_CERTIFICATE)).unwrap();
        create(&ca, &Clock::system()).unwrap();
        assert_eq!(fs::read(ca.join(CA_CERTIFICATE)).unwrap(), first);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary folder is left");
    }

    #[test]
    fn issued_certificate_and_key_match() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let ca = DevCa::open_or_create(&folder.path().join("ca"), &clock).unwrap();
        let [certificate, key] =
            ca.issue(&["service-b".to_owned()], folder.path(), &clock).unwrap();
        let loaded = crate::tls::ServerCertificate::load(Some(&certificate), Some(&key)).unwrap();
        let end = loaded.expect("the key matches the certificate").end().unwrap();
        let days = (end.seconds - clock.seconds()) / 86_400;
        assert!((396..=397).contains(&days), "{end}: {days}");
        assert_eq!(file_mode(&key), 0o600);
    }

    #[test]
    fn publish_copies_only_the_certificate() {
        let (private, public) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let ca = DevCa::open_or_create(private.path(), &Clock::system()).unwrap();
        ca.publish(&public.path().join("ca.pem")).unwrap();
        let files: Vec<_> =
            fs::read_dir(public.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files, ["ca.pem"]);
        assert!(!fs::read_to_string(public.path().join("ca.pem")).unwrap().contains("PRIVATE"));
    }
}
