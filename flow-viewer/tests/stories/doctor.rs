//! `flow-viewer doctor`, as it looks at a viewer that runs.

use clock::Clock;
use doctor::{Check, Report, Verdict};
use flow_viewer::{FlowViewerSettings, doctor::examine};

use crate::viewer::Viewer;

async fn report(settings: &FlowViewerSettings) -> Report {
    examine(settings, &Clock::system()).await
}

/// A viewer whose stories would be played against itself: it answers as any server that runs.
fn viewer() -> Viewer {
    let mut viewer = Viewer::start_with(|_| ());
    let own = &viewer.base;
    for place in [
        &mut viewer.settings.auth_server,
        &mut viewer.settings.service_a,
        &mut viewer.settings.b_local,
        &mut viewer.settings.b_introspection,
    ] {
        place.url = format!("{own}/");
    }
    viewer
}

/// The one check that failed.
fn failed(report: &Report) -> &Check {
    let mut failed = report.checks.iter().filter(|check| check.verdict == Verdict::Fail);
    let first = failed.next().unwrap();
    assert!(failed.next().is_none(), "{report:?}");
    first
}

#[tokio::test]
async fn beside_a_viewer_that_serves_nothing_is_found() {
    let viewer = viewer();
    let report = report(&viewer.settings).await;
    assert_eq!(report.count(Verdict::Ok), report.checks.len(), "{report:?}");
    for setting in ["auth_server", "service_a", "b_local", "b_introspection"] {
        let check = format!("reach `{setting}.url`");
        assert!(report.checks.iter().any(|made| made.check == check), "{check}: {report:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_away_or_is_another_one_is_found() {
    for (path, told) in [("http://127.0.0.1:1", "no answer"), ("/elsewhere", "status 404")] {
        let mut viewer = viewer();
        let url =
            if path.starts_with('/') { format!("{}{path}", viewer.base) } else { path.to_owned() };
        viewer.settings.b_local.url.clone_from(&url);
        let report = report(&viewer.settings).await;
        let check = failed(&report);
        assert_eq!(check.check, "reach `b_local.url`");
        let finding = check.diagnosis.as_ref().unwrap();
        assert!(finding.compared.contains(&format!("{url}/healthz")), "{finding:?}");
        assert_eq!((finding.expected.as_str(), finding.found.as_str()), ("status 200", told));
        assert_eq!(
            finding.change.environment.as_deref(),
            Some("GATEPASS__FLOW_VIEWER__B_LOCAL__URL")
        );
    }
}

#[tokio::test]
async fn where_no_viewer_runs_it_says_what_to_start() {
    let mut viewer = viewer();
    viewer.settings.listen = "127.0.0.1:1".to_owned();
    let report = report(&viewer.settings).await;
    let check = failed(&report);
    assert!(check.check.starts_with("own door"), "{check:?}");
    assert!(
        check.diagnosis.as_ref().unwrap().change.advice.contains("gatepass flow-viewer"),
        "{check:?}"
    );
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_found() {
    let mut viewer = viewer();
    viewer.settings.service_a.public_url = "nowhere".to_owned();
    let report = report(&viewer.settings).await;
    let check = failed(&report);
    assert_eq!(check.check, "settings");
    assert!(
        check.diagnosis.as_ref().unwrap().found.contains("`service_a.public_url`"),
        "{check:?}"
    );
}
