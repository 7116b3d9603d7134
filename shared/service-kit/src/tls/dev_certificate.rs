use std::{path::PathBuf, sync::Arc};

use clock::Clock;
use time::Duration;

use super::{DevCa, DevCaError, RustlsConfig, cert_reload::date, dev_ca::SERVER_VALIDITY};
use crate::{CancellationToken, run_periodically};

/// How often the certificates are checked. A laptop may sleep in between.
const CHECK_INTERVAL: std::time::Duration = std::time::Duration::from_secs(60);
/// A server's certificate is renewed when less than this is left.
const RENEWAL: Duration = Duration::days(30);

/// A server's certificate from the development CA. It is in memory, and renewed while the server
/// runs, as is the CA.
pub struct DevCertificate {
    folder: PathBuf,
    /// Where the CA's certificate is published, for others.
    publish: Option<PathBuf>,
    names: Vec<String>,
    clock: Clock,
    tls: RustlsConfig,
    issued_at: i64,
}

impl DevCertificate {
    /// Opens or creates the CA in `folder`, publishes its certificate to `publish`, and issues a
    /// certificate for `names`.
    ///
    /// # Errors
    /// Returns an error if a file cannot be used, or one of `names` is not a DNS name or IP
    /// address.
    pub fn issue(
        folder: PathBuf,
        publish: Option<PathBuf>,
        names: Vec<String>,
        clock: Clock,
    ) -> Result<Self, DevCaError> {
        let ca = open(&folder, publish.as_ref(), &clock)?;
        let (tls, issued_at) = (ca.server_tls(&names, &clock)?, clock.seconds());
        tracing::info!(
            ca = %ca.certificate().display(),
            ca_valid_until = %date(ca.not_after()),
            certificate_valid_until = %date(issued_at + SERVER_VALIDITY.whole_seconds()),
            "TLS certificate issued by the development CA"
        );
        Ok(Self { folder, publish, names, clock, tls, issued_at })
    }

    /// Returns the TLS configuration, which changes when the certificate is renewed.
    #[must_use]
    pub fn tls(&self) -> RustlsConfig {
        self.tls.clone()
    }

    /// Renews the certificate in time until `shutdown` is cancelled.
    pub async fn keep_renewed(mut self, shutdown: CancellationToken) {
        run_periodically(CHECK_INTERVAL, shutdown, || {
            if let Err(error) = self.renew_if_due() {
                tracing::error!(%error, "failed to renew the certificate of the development CA");
            }
            std::future::ready(())
        })
        .await;
    }

    /// Renews the certificate if it expires within 30 days, or was issued by a clock that was
    /// ahead. The CA is renewed first if that is due.
    fn renew_if_due(&mut self) -> Result<(), DevCaError> {
        let age = self.clock.seconds() - self.issued_at;
        if (0..(SERVER_VALIDITY - RENEWAL).whole_seconds()).contains(&age) {
            return Ok(());
        }
        let ca = open(&self.folder, self.publish.as_ref(), &self.clock)?;
        self.tls.reload_from_config(Arc::new(ca.server_config(&self.names, &self.clock)?));
        self.issued_at = self.clock.seconds();
        tracing::info!(ca_valid_until = %date(ca.not_after()), "development TLS certificate renewed");
        Ok(())
    }
}

fn open(
    folder: &std::path::Path,
    publish: Option<&PathBuf>,
    clock: &Clock,
) -> Result<DevCa, DevCaError> {
    let ca = DevCa::open_or_create(folder, clock)?;
    if let Some(path) = publish {
        ca.publish(path)?;
    }
    Ok(ca)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    #[test]
    fn certificate_is_renewed_in_time_and_the_ca_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let (ca, published) = (folder.path().join("ca"), folder.path().join("out/ca.pem"));
        let clock = Clock::manual(1_800_000_000);
        let names = vec!["localhost".to_owned()];
        let mut certificate =
            DevCertificate::issue(ca, Some(published.clone()), names, clock).unwrap();
        let tls = certificate.tls();
        let config = || Arc::as_ptr(&tls.get_inner());
        let (first_config, first_ca) = (config(), std::fs::read(&published).unwrap());
        for (days, renewed) in [(366, false), (1, true), (366, false), (1, true), (-1, true)] {
            let before = tls.get_inner();
            certificate.clock = Clock::manual(certificate.clock.seconds() + days * DAY);
            certificate.renew_if_due().unwrap();
            assert_eq!(!Arc::ptr_eq(&before, &tls.get_inner()), renewed, "{days} days later");
        }
        assert_ne!(config(), first_config);
        assert_eq!(std::fs::read(&published).unwrap(), first_ca, "the CA lasts longer");
        certificate.clock = Clock::manual(certificate.clock.seconds() + 3_000 * DAY);
        certificate.renew_if_due().unwrap();
        assert_ne!(std::fs::read(&published).unwrap(), first_ca);
    }
}
