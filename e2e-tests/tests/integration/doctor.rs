//! The doctor of all servers, beside the demo as it really runs; and one real fault after the
//! other.

use clock::Clock;
use doctor::{Check, Diagnosis, Report, Verdict};
use e2e_tests::{
    fixed_ports::true_names,
    harness::{SECRET, Stage},
};
use gatepass::{
    StackSettings,
    doctor::{DoctorTargets, examine, targets},
};
use service_kit::SecretSetting;

/// The demo, and the settings with which it runs.
async fn running() -> (Stage, StackSettings) {
    let mut kept = None;
    let stage = Stage::start_with(|settings| {
        true_names(settings, "");
        kept = Some(settings.clone());
    })
    .await;
    let (mut settings, at) = (kept.unwrap(), stage.addresses);
    settings.auth_server.tls_listen = at.auth_server_tls.to_string();
    settings.b_local.listen = at.b_local.to_string();
    settings.b_introspection.listen = at.b_introspection.to_string();
    (stage, settings)
}

async fn look(settings: StackSettings, change: impl FnOnce(&mut StackSettings)) -> Vec<Report> {
    let DoctorTargets { mut stack, single_b } = targets(settings, &[]).unwrap();
    change(&mut stack);
    let reports = examine(&DoctorTargets { stack, single_b }, &Clock::system()).await;
    let all = format!("{reports:?}");
    assert!(!all.contains(SECRET) && !all.contains("eyJ"), "no secret and no token: {all}");
    reports
}

/// The one finding in all of them.
fn only(reports: &[Report]) -> (&str, &Diagnosis) {
    let wrong: Vec<&Check> = reports
        .iter()
        .flat_map(|report| &report.checks)
        .filter(|check| matches!(check.verdict, Verdict::Warn | Verdict::Fail))
        .collect();
    assert_eq!(wrong.len(), 1, "{wrong:#?}");
    (&wrong[0].check, wrong[0].diagnosis.as_ref().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_the_demo_nothing_is_found() {
    let (_stage, settings) = running().await;
    let reports = look(settings, |_| ()).await;
    let names: Vec<_> = reports.iter().map(|report| report.service.as_str()).collect();
    assert_eq!(
        names,
        [
            "auth-server",
            "service-a",
            "service-b, which checks by itself",
            "service-b, which asks C"
        ]
    );
    let other: Vec<_> = reports
        .iter()
        .flat_map(|report| &report.checks)
        .filter(|check| check.verdict != Verdict::Ok)
        .collect();
    assert!(other.is_empty(), "{other:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_of_b_is_found_at_the_real_c() {
    let (_stage, settings) = running().await;
    let reports = look(settings, |stack| {
        stack.b_introspection.introspection.client_secret =
            Some(SecretSetting::new("wrong-secret-of-b"));
    });
    let reports = reports.await;
    let (check, finding) = only(&reports);
    assert_eq!(check, "issuer: introspection");
    assert!(
        finding.found.starts_with("invalid_client")
            && !format!("{reports:?}").contains("wrong-secret-of-b"),
        "{finding:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_uri_that_the_real_c_does_not_know_is_found_on_both_sides_with_the_nearest_one()
{
    let (stage, settings) = running().await;
    let registered = format!("{}/callback/platform", service_a_at(&stage));
    let reports = look(settings, |stack| {
        stack.service_a.public_url = stack.service_a.public_url.replace("localhost", "127.0.0.1");
    });
    let reports = reports.await;
    let findings: Vec<_> = reports
        .iter()
        .flat_map(|report| &report.checks)
        .filter(|check| check.verdict == Verdict::Fail)
        .collect();
    let [of_c, of_a] = findings[..] else { panic!("{findings:#?}") };
    assert_eq!(
        (of_c.check.as_str(), of_a.check.as_str()),
        ("redirect URI", "login platform: redirect URI")
    );
    for check in [of_c, of_a] {
        let found = &check.diagnosis.as_ref().unwrap().found;
        assert!(
            found.starts_with(&registered) && found.contains("they differ in the host"),
            "{check:#?}"
        );
    }
}

fn service_a_at(stage: &Stage) -> String {
    format!("http://localhost:{}", stage.addresses.service_a.port())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_that_c_does_not_know_is_found_before_a_calls_b() {
    let (_stage, settings) = running().await;
    let reports = look(settings, |stack| stack.service_a.targets.local.resource.push('/')).await;
    let failed: Vec<_> = reports
        .iter()
        .flat_map(|report| &report.checks)
        .filter(|check| check.verdict == Verdict::Fail)
        .collect();
    let names: Vec<_> = failed.iter().map(|check| check.check.as_str()).collect();
    assert_eq!(
        names,
        ["issuer: token for B local", "B local: audience", "login platform: redirect URI"],
        "{failed:#?}"
    );
    assert!(
        failed[0].message.starts_with("invalid_target")
            && failed[1].message.contains("a trailing slash"),
        "{failed:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_runs_behind_is_a_warning_of_every_server() {
    let (_stage, settings) = running().await;
    let targets = targets(settings, &[]).unwrap();
    let late = Clock::manual(Clock::system().seconds() - 3_600);
    let reports = examine(&targets, &late).await;
    for report in &reports {
        let clock = report.checks.iter().find(|check| check.check == "issuer: clock").unwrap();
        assert!(clock.verdict == Verdict::Warn && clock.message.contains("ahead"), "{clock:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_c_is_gone_every_other_server_says_so() {
    let (_stage, settings) = running().await;
    let reports = look(settings, |stack| {
        let nobody = "127.0.0.1:1".to_owned();
        stack.auth_server.listen.clone_from(&nobody);
        stack.auth_server.tls_listen = String::new();
        for url in [
            &mut stack.service_a.internal_url,
            &mut stack.b_local.internal_url,
            &mut stack.b_introspection.internal_url,
        ] {
            *url = Some(format!("https://{nobody}"));
        }
    });
    for report in reports.await {
        let reached = report.checks.iter().find(|check| check.check == "issuer: reached").unwrap();
        assert_eq!(reached.verdict, Verdict::Fail, "{}: {reached:#?}", report.service);
    }
}

#[tokio::test]
async fn where_nothing_runs_it_says_what_to_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = StackSettings::demo(folder.path());
    let servers = [
        &mut settings.auth_server.listen,
        &mut settings.service_a.listen,
        &mut settings.b_local.listen,
        &mut settings.b_introspection.listen,
    ];
    for listen in servers {
        *listen = "127.0.0.1:1".to_owned();
    }
    let reports = examine(&targets(settings, &[]).unwrap(), &Clock::system()).await;
    let (check, finding) = only(&reports);
    assert_eq!(check, "demo");
    assert!(finding.change.advice.contains("`cargo run`"), "{finding:#?}");
}

#[tokio::test]
async fn the_environment_stands_above_the_demos_settings_and_describes_one_b() {
    let folder = tempfile::tempdir().unwrap();
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let environment = [
        variable("GATEPASS__AUTH_SERVER__TLS_LISTEN", "127.0.0.1:19443"),
        variable("GATEPASS__SERVICE_B__RESOURCE", "https://b.example"),
    ];
    let DoctorTargets { stack, single_b } =
        targets(StackSettings::demo(folder.path()), &environment).unwrap();
    assert_eq!(
        stack.service_a.internal_url.as_deref(),
        Some("https://localhost:19443"),
        "it follows C"
    );
    assert!(single_b && stack.b_local.resource == "https://b.example");
    assert_eq!(stack.auth_server.data_dir, folder.path());
    let wrong =
        targets(StackSettings::demo(folder.path()), &[variable("GATEPASS__SERVICE_A__ISUER", "x")]);
    assert!(format!("{:#}", wrong.unwrap_err()).contains("did you mean `issuer`?"));
}
