use std::path::PathBuf;

use clock::Clock;
use service_kit::{Settings, UnsafeSetting, tls::ServerCertificate};

use crate::{
    checks::Checks,
    diagnosis::{Change, Diagnosis, SettingNames},
};

/// A certificate that expires within this many seconds is reported.
const SOON: i64 = 30 * 24 * 60 * 60;

/// Checks that `serve` can start with these settings. `certificate` is the values of
/// `tls.cert_file` and `tls.key_file`.
pub fn check_settings<S: Settings>(
    checks: &mut Checks,
    settings: &S,
    certificate: [Option<&PathBuf>; 2],
    clock: &Clock,
) {
    let names = SettingNames::of(S::SERVICE);
    check_certificate(checks, certificate, &names, clock.seconds());
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
        return checks.ok("settings", format!("valid, profile {}", settings.profile().as_str()));
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
    now: i64,
) {
    const CHECK: &str = "server certificate";
    let loaded = ServerCertificate::load(certificate, key);
    match loaded.and_then(|loaded| loaded.map(|loaded| loaded.end()).transpose()) {
        Ok(None) => (),
        Ok(Some(end)) if end.seconds - now < SOON => {
            let change = names.change("tls.cert_file", "renew the certificate");
            let compared = "the end of the certificate and the clock of this machine";
            let diagnosis = Diagnosis::new(
                compared,
                "an expiry more than 30 days away",
                end.to_string(),
                change,
            );
            if end.seconds <= now {
                checks.fail(CHECK, "the certificate has expired", diagnosis);
            } else {
                checks.warn(CHECK, "the certificate expires within 30 days", diagnosis);
            }
        }
        Ok(Some(end)) => {
            checks.ok(CHECK, format!("readable, the key matches, valid until {end}"));
        }
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
            checks.fail(CHECK, "the certificate cannot be used", diagnosis);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use service_kit::tls::DevCa;

    use super::*;
    use crate::Verdict;

    #[test]
    fn certificate_that_ends_within_thirty_days_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(1_767_268_800);
        let ca = DevCa::open_or_create(&folder.path().join("ca"), &clock).unwrap();
        let files = ca.issue(&["localhost".to_owned()], folder.path(), &clock).unwrap();
        let names = SettingNames::of("service-b");
        let verdict = || {
            let mut checks = Checks::default();
            let [certificate, key] = &files;
            check_certificate(&mut checks, [Some(certificate), Some(key)], &names, clock.seconds());
            checks.all().remove(0)
        };
        let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
        assert!(matches!(verdict().verdict, Verdict::Ok), "{:?}", verdict());
        clock.advance(days(367) + Duration::from_secs(1));
        assert!(matches!(verdict().verdict, Verdict::Warn), "{:?}", verdict());
        clock.advance(days(30));
        assert!(matches!(verdict().verdict, Verdict::Fail), "{:?}", verdict());
    }
}
