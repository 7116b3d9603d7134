//! `flow-viewer doctor` with a running viewer.

use clock::Clock;
use doctor::{Check, Report, Verdict};
use flow_viewer::{FlowViewerSettings, doctor::examine};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use crate::viewer::Viewer;

async fn report(settings: &FlowViewerSettings) -> Report {
    examine(settings, &Clock::system()).await
}

/// A viewer with a server to play scenarios against.
async fn viewer() -> (Viewer, MockServer) {
    let server = MockServer::start().await;
    let document = Mock::given(path("/openapi.json")).respond_with(ResponseTemplate::new(200));
    document.mount(&server).await;
    let mut viewer = Viewer::start_with(|_| ());
    let base = server.uri();
    for urls in [
        &mut viewer.settings.auth_server,
        &mut viewer.settings.service_a,
        &mut viewer.settings.b_local,
        &mut viewer.settings.b_introspection,
    ] {
        urls.url = format!("{base}/");
    }
    (viewer, server)
}

/// The only failed check.
fn failed(report: &Report) -> &Check {
    let mut failed = report.checks.iter().filter(|check| check.verdict == Verdict::Fail);
    let first = failed.next().unwrap();
    assert!(failed.next().is_none(), "{report:?}");
    first
}

#[tokio::test]
async fn healthy_viewer_passes_every_check() {
    let (viewer, _server) = viewer().await;
    let report = report(&viewer.settings).await;
    assert_eq!(report.count(Verdict::Ok), report.checks.len(), "{report:?}");
    assert!(
        report.checks.iter().any(|made| made.check == "listener `manage_listen`"),
        "{report:?}"
    );
    for setting in ["auth_server", "service_a", "b_local", "b_introspection"] {
        let check = format!("reach `{setting}.url`");
        assert!(report.checks.iter().any(|made| made.check == check), "{check}: {report:?}");
    }
}

#[tokio::test]
async fn unreachable_or_wrong_server_fails_its_check() {
    for (path, found) in [("http://127.0.0.1:1", "no response"), ("/elsewhere", "status 404")] {
        let (mut viewer, server) = viewer().await;
        let url =
            if path.starts_with('/') { format!("{}{path}", server.uri()) } else { path.to_owned() };
        viewer.settings.b_local.url.clone_from(&url);
        let report = report(&viewer.settings).await;
        let check = failed(&report);
        assert_eq!(check.check, "reach `b_local.url`");
        let finding = check.diagnosis.as_ref().unwrap();
        assert!(finding.compared.contains(&format!("{url}/openapi.json")), "{finding:?}");
        assert_eq!((finding.expected.as_str(), finding.found.as_str()), ("status 200", found));
        assert_eq!(
            finding.change.environment.as_deref(),
            Some("GATEPASS__FLOW_VIEWER__B_LOCAL__URL")
        );
    }
}

#[tokio::test]
async fn stopped_viewer_is_reported_with_the_command_to_start_it() {
    let (mut viewer, _server) = viewer().await;
    viewer.settings.listen = "127.0.0.1:1".to_owned();
    let report = report(&viewer.settings).await;
    let check = failed(&report);
    assert!(check.check.starts_with("listener"), "{check:?}");
    assert!(
        check.diagnosis.as_ref().unwrap().change.advice.contains("gatepass flow-viewer"),
        "{check:?}"
    );
}

#[tokio::test]
async fn unusable_settings_are_reported() {
    let (mut viewer, _server) = viewer().await;
    viewer.settings.service_a.public_url = "nowhere".to_owned();
    let report = report(&viewer.settings).await;
    let check = failed(&report);
    assert_eq!(check.check, "settings");
    assert!(
        check.diagnosis.as_ref().unwrap().found.contains("`service_a.public_url`"),
        "{check:?}"
    );
}
