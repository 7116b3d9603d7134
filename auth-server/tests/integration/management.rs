use std::fs;

use auth_server::{AuthServerSettings, Listeners};
use serde_json::json;
use service_kit::tls::DevCa;
use test_support::{http::TestClient, management::assert_management};

use crate::{
    client::client_builder,
    process::{ServerProcess, run, server_settings, set, succeed},
    test_server::TestServer,
};

const KEYS: &str = "/.well-known/jwks.json";

#[tokio::test]
async fn health_and_metrics_are_on_the_management_listener_alone() {
    let server = TestServer::start_with(|settings| {
        settings.tls_listen = "127.0.0.1:0".to_owned();
        settings.test_controls = true;
        settings.registration.enabled = true;
        settings.compat.wechat = true;
    })
    .await;
    let ca = fs::read(auth_server::dev_ca_certificate(&server.settings)).unwrap();
    let ca = reqwest::Certificate::from_pem(&ca).unwrap();
    let tls = TestClient {
        base: server.tls.clone().unwrap(),
        http: client_builder().tls_certs_only([ca]).build().unwrap(),
    };
    assert_management(&server.manage, &[&server, &tls], KEYS).await;
    for listener in [&server.client.0, &tls] {
        assert_eq!(listener.get(KEYS).await.status, 200);
    }
}

#[test]
fn management_listener_is_off_by_default() {
    let settings = AuthServerSettings {
        listen: "127.0.0.1:0".to_owned(),
        tls_listen: String::new(),
        ..AuthServerSettings::default()
    };
    assert!(Listeners::bind(&settings).unwrap().manage.is_none());
}

/// Settings that production accepts, with listeners on all interfaces.
fn production(folder: &std::path::Path) -> Vec<String> {
    let clients = folder.join("none.toml");
    fs::write(&clients, "").unwrap();
    let clock = clock::Clock::system();
    let ca = DevCa::open_or_create(&folder.join("ca"), &clock).unwrap();
    let files = ca.issue(&["c.example".to_owned()], folder, &clock).unwrap();
    let [certificate, key] = files.map(|file| file.display().to_string());
    let production = set(&[
        ("profile", "production"),
        ("issuer", "https://c.example"),
        ("database_url", "sqlite"),
        ("tls_listen", "0.0.0.0:0"),
        ("tls.cert_file", &certificate),
        ("tls.key_file", &key),
        ("manage_listen", "0.0.0.0:0"),
    ]);
    [server_settings(&folder.join("data"), &clients), production].concat()
}

#[tokio::test]
async fn another_issuer_on_the_same_database_is_a_warning() {
    const WARNING: &str = "the database was last used with another issuer";
    let folder = tempfile::tempdir().unwrap();
    let settings = production(folder.path());
    let other = [settings.clone(), set(&[("issuer", "https://other.example")])].concat();
    for (settings, is_warned) in [(&settings, false), (&settings, false), (&other, true)] {
        let log = ServerProcess::start(settings).kill_and_read_log();
        assert_eq!(log.contains(WARNING), is_warned, "{log}");
    }
}

#[tokio::test]
async fn production_serves_plain_http_beyond_loopback_on_the_management_listener_only() {
    let folder = tempfile::tempdir().unwrap();
    let settings = production(folder.path());
    let server = ServerProcess::start(&settings);
    let public = client_builder().tls_danger_accept_invalid_certs(true).build().unwrap();
    let public = TestClient { base: server.tls.clone().unwrap(), http: public };
    let ready = server.manage.get("/readyz").await;
    assert_eq!((ready.status, ready.json()), (200, json!({ "status": "ready" })));
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(public.get(path).await.status, 404, "{path}");
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    drop(server);

    let plain = [settings, set(&[("listen", "0.0.0.0:0")])].concat();
    let output = run(&["serve"], &plain).await;
    let line = output.stderr.lines().find(|line| line.contains("plain http")).unwrap();
    assert!(output.code == Some(1) && line.contains("listen: 0.0.0.0:0"), "{output:?}");
    assert!(line.contains("tls_listen") && line.contains("manage_listen"), "{output:?}");
}

#[tokio::test]
async fn healthcheck_needs_the_management_listener() {
    let server = TestServer::start().await;
    let listen = server.manage.base.trim_start_matches("http://").to_owned();
    for host in ["127.0.0.1", "localhost"] {
        let listen = listen.replace("127.0.0.1", host);
        succeed(&["healthcheck"], &set(&[("manage_listen", &listen)])).await;
    }
    let off = run(&["healthcheck"], &[]).await;
    assert_eq!((off.code, off.stderr.lines().count()), (Some(1), 1));
    assert!(off.stderr.contains("`manage_listen` is off"), "{}", off.stderr);
}

#[tokio::test]
async fn listeners_that_share_an_address_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let base = server_settings(&folder.path().join("data"), &folder.path().join("none.toml"));
    for (setting, other) in
        [("manage_listen", "listen"), ("manage_listen", "tls_listen"), ("tls_listen", "listen")]
    {
        let shared = set(&[(setting, "127.0.0.1:19100"), (other, "0.0.0.0:19100")]);
        for command in ["serve", "check-config"] {
            let output = run(&[command], &[base.clone(), shared.clone()].concat()).await;
            let expected =
                format!("{setting}: 127.0.0.1:19100 is already taken by `{other}` (0.0.0.0:19100)");
            assert!(output.code == Some(1) && output.stderr.contains(&expected), "{output:?}");
        }
    }
}
