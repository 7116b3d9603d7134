use std::path::PathBuf;

use clock::Clock;
use service_kit::tls::{DevCa, DevCertificate};

use crate::AuthServerSettings;

const CA_FOLDER: &str = "ca";

/// Opens or creates the development CA, and publishes its certificate if the settings ask for it.
///
/// # Errors
/// Returns an error if its folder cannot be used.
pub fn dev_ca(settings: &AuthServerSettings, clock: &Clock) -> anyhow::Result<DevCa> {
    let ca = DevCa::open_or_create(&settings.data_dir.join(CA_FOLDER), clock)?;
    if let Some(path) = &settings.tls.publish_ca_file {
        ca.publish(path)?;
    }
    Ok(ca)
}

/// Returns the path of the development CA's certificate, for services on the same machine.
pub fn dev_ca_certificate(settings: &AuthServerSettings) -> PathBuf {
    settings.data_dir.join(CA_FOLDER).join("ca.pem")
}

pub(super) fn dev_certificate(
    settings: &AuthServerSettings,
    clock: Clock,
) -> anyhow::Result<DevCertificate> {
    Ok(DevCertificate::issue(
        settings.data_dir.join(CA_FOLDER),
        settings.tls.publish_ca_file.clone(),
        settings.tls.dev_cert_names.clone(),
        certificate_clock(settings, clock),
    )?)
}

/// Clients judge a certificate by their own time, which the control API does not change.
fn certificate_clock(settings: &AuthServerSettings, clock: Clock) -> Clock {
    if settings.control.is_on() { Clock::system() } else { clock }
}
