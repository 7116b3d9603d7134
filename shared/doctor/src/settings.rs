use std::path::PathBuf;

use service_kit::{Settings, UnsafeSetting, tls::ServerCertificate};

use crate::{
    checks::Checks,
    diagnosis::{Change, Diagnosis, SettingNames},
};

/// Can `serve` begin with these settings? `certificates` are `tls.cert_file` and `tls.key_file`.
pub fn check_settings<S: Settings>(
    checks: &mut Checks,
    settings: &S,
    certificates: [Option<&PathBuf>; 2],
) {
    let names = SettingNames::of(S::SERVICE);
    check_certificates(checks, certificates, &names);
    if let Err(error) = settings.validate() {
        let compared = "the settings in force and what `serve` can begin with";
        let change = Change::elsewhere(format!(
            "mend what is named; `{} check-config` shows all that is in force",
            S::SERVICE
        ));
        let finding =
            Diagnosis::new(compared, "settings that can be used", format!("{error:#}"), change);
        return checks.fail("settings", "they cannot be used", finding);
    }
    let unsafe_ones = settings.unsafe_settings();
    if !settings.profile().is_production() || unsafe_ones.is_empty() {
        return checks.ok(
            "settings",
            format!("they can be used, profile {:?}", settings.profile()).to_lowercase(),
        );
    }
    for UnsafeSetting { setting, problem, remedy } in unsafe_ones {
        let compared = format!("the setting `{setting}` and what profile production takes");
        let finding =
            Diagnosis::new(compared, "a safe value", problem, names.change(setting, remedy));
        checks.fail("settings", format!("`{setting}` is refused in production"), finding);
    }
}

fn check_certificates(
    checks: &mut Checks,
    [certificate, key]: [Option<&PathBuf>; 2],
    names: &SettingNames,
) {
    match ServerCertificate::load(certificate, key) {
        Ok(None) => (),
        Ok(Some(_)) => checks.ok("own certificate", "it can be read, and its key fits"),
        Err(error) => {
            let compared = format!(
                "the settings `{}` and `{}`, and their files",
                names.name("tls.cert_file"),
                names.name("tls.key_file")
            );
            let change = names.change(
                "tls.cert_file",
                "name a chain in PEM, the server's own first, and its key, both readable for this user",
            );
            let finding =
                Diagnosis::new(compared, "a certificate and its key", error.to_string(), change);
            checks.fail("own certificate", "it cannot be served", finding);
        }
    }
}
