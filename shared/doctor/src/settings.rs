use std::path::PathBuf;

use service_kit::{Settings, UnsafeSetting, tls::ServerCertificate};

use crate::{
    checks::Checks,
    diagnosis::{Change, Diagnosis, SettingNames},
};

/// Checks that `serve` can start with these settings. `certificate` is the values of
/// `tls.cert_file` and `tls.key_file`.
pub fn check_settings<S: Settings>(
    checks: &mut Checks,
    settings: &S,
    certificate: [Option<&PathBuf>; 2],
) {
    let names = SettingNames::of(S::SERVICE);
    check_certificate(checks, certificate, &names);
    if let Err(error) = settings.validate() {
        let compared = "the effective settings, and what `serve` accepts";
        let change = Change::elsewhere(format!(
            "fix the named setting; `{} check-config` prints all effective settings",
            S::SERVICE
        ));
        let diagnosis = Diagnosis::new(compared, "valid settings", format!("{error:#}"), change);
        return checks.fail("settings", "invalid settings", diagnosis);
    }
    let unsafe_settings = settings.unsafe_settings();
    if !settings.profile().is_production() || unsafe_settings.is_empty() {
        return checks
            .ok("settings", format!("valid, profile {:?}", settings.profile()).to_lowercase());
    }
    for UnsafeSetting { setting, problem, remedy } in unsafe_settings {
        let compared =
            format!("the setting `{setting}` and the requirements of profile production");
        let diagnosis =
            Diagnosis::new(compared, "a safe value", problem, names.change(setting, remedy));
        checks.fail("settings", format!("`{setting}` is not safe in production"), diagnosis);
    }
}

fn check_certificate(
    checks: &mut Checks,
    [certificate, key]: [Option<&PathBuf>; 2],
    names: &SettingNames,
) {
    match ServerCertificate::load(certificate, key) {
        Ok(None) => (),
        Ok(Some(_)) => checks.ok("server certificate", "readable, and the key matches"),
        Err(error) => {
            let compared = format!(
                "the settings `{}` and `{}` and their files",
                names.name("tls.cert_file"),
                names.name("tls.key_file")
            );
            let change = names.change(
                "tls.cert_file",
                "set both to PEM files that this user can read: the certificate chain, the server's certificate first, and its key",
            );
            let diagnosis =
                Diagnosis::new(compared, "a certificate and its key", error.to_string(), change);
            checks.fail("server certificate", "the certificate cannot be used", diagnosis);
        }
    }
}
