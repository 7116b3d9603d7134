use clock::Clock;
use flow_events::EventSink;
use flow_viewer::{FlowViewer, FlowViewerSettings};
use reqwest::{Certificate, Client};
use service_kit::{Listeners, Profile, Settings, TlsFiles, tls::DevCa};
use test_support::{http::TestClient, management::assert_management};

use crate::viewer::Viewer;

const PUBLIC_PATH: &str = "/api/config";

#[tokio::test]
async fn health_and_metrics_are_on_the_management_listener_alone() {
    let viewer = Viewer::start_with(|_| ());
    let [public, manage] = [&viewer.base, &viewer.manage].map(TestClient::new);
    assert_eq!(public.get(PUBLIC_PATH).await.status, 200);
    assert_management(&manage, &[&public], PUBLIC_PATH).await;
}

#[test]
fn management_listener_is_off_by_default() {
    let settings =
        FlowViewerSettings { listen: "127.0.0.1:0".to_owned(), ..FlowViewerSettings::default() };
    assert!(Listeners::bind(&settings).unwrap().manage.is_none());
}

#[test]
fn listeners_that_share_an_address_are_named() {
    let settings = FlowViewerSettings {
        manage_listen: "127.0.0.1:9004".to_owned(),
        ..FlowViewerSettings::default()
    };
    let expected = "manage_listen: 127.0.0.1:9004 is already taken by `listen`";
    let at_start = Listeners::bind(&settings).unwrap_err().to_string();
    let in_check = settings.validate().unwrap_err().to_string();
    for error in [at_start, in_check] {
        assert!(error.starts_with(expected), "{error}");
    }
}

/// Production settings on all interfaces.
fn production(tls: TlsFiles) -> FlowViewerSettings {
    FlowViewerSettings {
        profile: Profile::Production,
        listen: "0.0.0.0:0".to_owned(),
        manage_listen: "0.0.0.0:0".to_owned(),
        scenarios: false,
        tls,
        ..FlowViewerSettings::default()
    }
}

fn prepare(settings: &FlowViewerSettings, listeners: Listeners) -> anyhow::Result<FlowViewer> {
    FlowViewer::prepare(settings, listeners, Clock::system(), EventSink::disabled())
}

#[tokio::test]
async fn production_serves_plain_http_beyond_loopback_on_the_management_listener_only() {
    let plain = production(TlsFiles::default());
    let error = prepare(&plain, Listeners::bind(&plain).unwrap()).err().unwrap().to_string();
    assert!(error.contains("listen: 0.0.0.0:0 accepts plain http"), "{error}");
    assert_eq!(error.matches("0.0.0.0").count(), 1, "{error}");

    let folder = tempfile::tempdir().unwrap();
    let ca = DevCa::open_or_create(folder.path(), &Clock::system()).unwrap();
    let files = ca.issue(&["localhost".to_owned()], folder.path(), &Clock::system()).unwrap();
    let [cert_file, key_file] = files.map(Some);
    let settings = production(TlsFiles { cert_file, key_file });
    let listeners = Listeners::bind(&settings).unwrap();
    let public = format!("https://localhost:{}", listeners.public.address().port());
    let manage = format!("http://{}", listeners.manage.as_ref().unwrap().address());
    let viewer = prepare(&settings, listeners).unwrap();
    let running = tokio::spawn(viewer.run(service_kit::CancellationToken::new()));
    let authority = Certificate::from_pem(&std::fs::read(ca.certificate()).unwrap()).unwrap();
    let http = Client::builder().no_proxy().tls_certs_only([authority]).build().unwrap();
    let public = TestClient { base: public, http };
    assert_eq!(public.get(PUBLIC_PATH).await.status, 200);
    assert_management(&TestClient::new(manage), &[&public], PUBLIC_PATH).await;
    running.abort();
}
