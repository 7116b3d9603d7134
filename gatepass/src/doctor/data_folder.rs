//! Whether the data folder is that of the running demo. A and both Bs trust the development CA in
//! it, so with another folder each of their checks would fail for this one reason.

use ::doctor::{Change, Checks, Diagnosis, HttpProbe, Report};
use auth_server::dev_ca_certificate;
use clock::Clock;
use service_kit::HttpClientSettings;

use super::{DoctorTargets, address};
use crate::settings::StackSettings;

/// Returns the report of the wrong folder. Returns `None` if the environment gives a server another
/// CA, or if the CA in the folder has issued the certificate of the running C.
pub(super) async fn examine_data_folder(targets: &DoctorTargets, clock: &Clock) -> Option<Report> {
    let DoctorTargets { stack, single_b } = targets;
    let ca_file = dev_ca_certificate(&stack.auth_server);
    let mut trusted = vec![&stack.service_a.ca_file, &stack.b_local.ca_file];
    trusted.extend((!single_b).then_some(&stack.b_introspection.ca_file));
    if trusted.into_iter().any(|trusted| trusted.as_ref() != Some(&ca_file)) {
        return None;
    }
    if !ca_file.exists() {
        return Some(wrong_folder(stack, "there is no such file"));
    }
    let mut settings = HttpClientSettings::default();
    settings.ca_file = Some(ca_file);
    // A file that cannot be read is a problem of its own, which the servers' checks name.
    let probe = HttpProbe::new(&settings, clock).ok()?;
    let port = address(&stack.auth_server.tls_listen).ok()?.port();
    let url = format!("https://localhost:{port}/.well-known/jwks.json");
    probe
        .rejects_certificate(&url)
        .await
        .then(|| wrong_folder(stack, "another CA has issued the certificate of C"))
}

fn wrong_folder(stack: &StackSettings, found: &str) -> Report {
    let ca_file = dev_ca_certificate(&stack.auth_server);
    let ca_file = std::path::absolute(&ca_file).unwrap_or(ca_file);
    let change = Change::elsewhere(
        "run the doctor in the folder in which the demo was started, or name the demo's data folder with `--data-dir FOLDER`",
    );
    let expected = format!("{}, the development CA of the running C", ca_file.display());
    let mut checks = Checks::default();
    checks.fail(
        "data folder",
        "the running servers use another data folder",
        Diagnosis::new("the data folder and the running servers", expected, found, change),
    );
    checks.skip("servers", "their checks need the development CA");
    Report::of("gatepass", [checks])
}
