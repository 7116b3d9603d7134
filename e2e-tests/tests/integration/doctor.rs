//! Runs `gatepass doctor` against the running demo: without a fault, then with one fault at a time.

use clock::Clock;
use doctor::{Check, Diagnosis, Report, Verdict};
use e2e_tests::{
    fixed_ports::use_fixed_ports,
    harness::{Harness, SECRET},
};
use gatepass::{
    StackSettings,
    doctor::{DoctorTargets, examine, targets},
};
use service_kit::SecretSetting;
use test_support::secrecy::{contains_jwt, contains_word};

/// Starts the demo. Returns it with its settings.
async fn running() -> (Harness, StackSettings) {
    let mut kept = None;
    let harness = Harness::start_with(|settings| {
        use_fixed_ports(settings, "");
        kept = Some(settings.clone());
    })
    .await;
    let (mut settings, at) = (kept.unwrap(), harness.addresses);
    settings.auth_server.tls_listen = at.auth_server_tls.to_string();
    settings.b_local.listen = at.b_local.to_string();
    settings.b_introspection.listen = at.b_introspection.to_string();
    (harness, settings)
}

async fn run_doctor(
    settings: StackSettings,
    change: impl FnOnce(&mut StackSettings),
) -> Vec<Report> {
    let DoctorTargets { mut stack, single_b } = targets(settings, &[]).unwrap();
    change(&mut stack);
    let reports = examine(&DoctorTargets { stack, single_b }, &Clock::system()).await;
    let all = format!("{reports:?}");
    assert!(
        !contains_word(&all, SECRET) && !contains_jwt(&all),
        "the report contains a secret or token: {all}"
    );
    reports
}

/// Returns the only diagnosis of all reports.
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
async fn doctor_finds_nothing_wrong_with_the_demo() {
    let (_harness, settings) = running().await;
    let reports = run_doctor(settings, |_| ()).await;
    let names: Vec<_> = reports.iter().map(|report| report.service.as_str()).collect();
    assert_eq!(
        names,
        ["auth-server", "service-a", "service-b, local verification", "service-b, introspection"]
    );
    let other: Vec<_> = reports
        .iter()
        .flat_map(|report| &report.checks)
        .filter(|check| check.verdict != Verdict::Ok)
        .map(|check| (check.check.as_str(), check.verdict, check.message.as_str()))
        .collect();
    let wechat = ("login wechat", Verdict::Skip, "WeChat publishes no metadata to check");
    assert_eq!(other, [wechat]);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_wrong_introspection_secret() {
    let (_harness, settings) = running().await;
    let reports = run_doctor(settings, |stack| {
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
async fn doctor_finds_unregistered_redirect_uri_and_the_closest_one() {
    let (harness, settings) = running().await;
    let registered = format!("{}/callback/platform", service_a_at(&harness));
    let reports = run_doctor(settings, |stack| {
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
            found.contains(&registered) && found.contains("differ") && found.contains("the host"),
            "{check:#?}"
        );
    }
}

fn service_a_at(harness: &Harness) -> String {
    format!("http://localhost:{}", harness.addresses.service_a.port())
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_unknown_resource() {
    let (_harness, settings) = running().await;
    let reports =
        run_doctor(settings, |stack| stack.service_a.targets.local.resource.push_str("/v2")).await;
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
            && failed[1].message.contains("in the path"),
        "{failed:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_warns_about_clock_skew() {
    let (_harness, settings) = running().await;
    let targets = targets(settings, &[]).unwrap();
    let late = Clock::manual(Clock::system().seconds() - 3_600);
    let reports = examine(&targets, &late).await;
    for report in &reports {
        let clock = report.checks.iter().find(|check| check.check == "issuer: clock").unwrap();
        assert!(clock.verdict == Verdict::Warn && clock.message.contains("ahead"), "{clock:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_reports_unreachable_issuer_for_every_server() {
    let (_harness, settings) = running().await;
    let reports = run_doctor(settings, |stack| {
        let closed_port = "127.0.0.1:1".to_owned();
        stack.auth_server.listen.clone_from(&closed_port);
        stack.auth_server.tls_listen = String::new();
        for url in [
            &mut stack.service_a.internal_url,
            &mut stack.b_local.internal_url,
            &mut stack.b_introspection.internal_url,
        ] {
            *url = Some(format!("https://{closed_port}"));
        }
    });
    for report in reports.await {
        let reached = report.checks.iter().find(|check| check.check == "issuer: reached").unwrap();
        assert_eq!(reached.verdict, Verdict::Fail, "{}: {reached:#?}", report.service);
    }
}

#[tokio::test]
async fn doctor_suggests_starting_the_demo() {
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
async fn doctor_reads_the_environment_over_the_demo_settings() {
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
        "A uses the address of C"
    );
    assert!(single_b && stack.b_local.resource == "https://b.example");
    assert_eq!(stack.auth_server.data_dir, folder.path());
    let wrong =
        targets(StackSettings::demo(folder.path()), &[variable("GATEPASS__SERVICE_A__ISUER", "x")]);
    assert!(format!("{:#}", wrong.unwrap_err()).contains("did you mean `issuer`?"));
}
