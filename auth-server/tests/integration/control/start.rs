//! When C starts with the control API, and what it keeps on disk.

use auth_server::{AuthServer, AuthServerSettings, Listeners, SecureRandom};
use clock::Clock;
use flow_events::EventSink;
use serde_json::json;
use service_kit::Profile;

use super::seed_sources::process_settings;
use crate::{
    process::{ServerProcess, run, server_settings, set},
    test_server::{SHOP, TestServer},
};

#[tokio::test]
async fn server_with_the_control_api_writes_nothing() {
    let mut server = TestServer::start_with(|settings| {
        settings.control.listen = "127.0.0.1:0".to_owned();
    })
    .await;
    server.access_token(SHOP, &[]).await;
    let keys = server.published_keys().await;
    assert!(!server.settings.data_dir.exists());
    server.stop().await;
    assert!(!server.settings.data_dir.exists());
    let server = server.restart_with(|_| ()).await;
    assert_ne!(server.published_keys().await, keys, "the keys end with the server");
}

/// Programs under test fetch the key set once, at their start.
#[tokio::test]
async fn first_key_set_has_the_keys_of_id_tokens() {
    let controlled = super::Controlled::start().await;
    let keys = controlled.server.published_keys().await;
    for algorithm in ["ES256", "RS256"] {
        assert!(keys.iter().any(|key| key["alg"] == algorithm), "{algorithm}: {keys:?}");
    }
}

#[tokio::test]
async fn clock_of_the_process_can_be_adjusted() {
    let folder = tempfile::tempdir().unwrap();
    let clients = folder.path().join("none.toml");
    std::fs::write(&clients, "").unwrap();
    let more = set(&[("control.listen", "127.0.0.1:0"), ("tls_listen", ""), ("profile", "test")]);
    let settings = [server_settings(&folder.path().join("data"), &clients), more].concat();
    let server = ServerProcess::start(&settings);
    let control = server.control.as_ref().unwrap();
    let advance = control.post("/control/clock/advance").json(&json!({ "seconds": 86_400 }));
    let response = crate::client::send(advance).await;
    assert_eq!((response.status, &response.json()["offset"]), (200, &json!(86_400)));
}

/// The system closes the pipe of a program that is killed.
#[tokio::test]
async fn server_of_a_test_stops_with_its_standard_input() {
    let stop = [("control.stop_at_end_of_input", "true")];
    let output = run(&[], &process_settings(&stop)).await;
    assert_eq!(output.code, Some(0), "{output:?}");
}

#[tokio::test]
async fn start_is_refused_with_a_clock_that_nothing_can_adjust() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = AuthServerSettings {
        profile: Profile::Test,
        listen: "127.0.0.1:0".to_owned(),
        tls_listen: String::new(),
        data_dir: folder.path().join("data"),
        ..AuthServerSettings::default()
    };
    settings.control.listen = "127.0.0.1:0".to_owned();
    let listeners = Listeners::bind(&settings).unwrap();
    let (clock, random) = (Clock::system(), SecureRandom::system());
    let server =
        AuthServer::prepare(settings, listeners, clock, random, EventSink::disabled()).await;
    let error = server.err().unwrap().to_string();
    assert!(error.contains("needs an adjustable clock"), "{error}");
}

#[tokio::test]
async fn start_is_refused_with_settings_that_contradict_the_control_api() {
    let folder = tempfile::tempdir().unwrap();
    let clients = folder.path().join("none.toml");
    std::fs::write(&clients, "").unwrap();
    let base = server_settings(&folder.path().join("data"), &clients);
    let on = ("control.listen", "127.0.0.1:0");
    let database = ("database_url", "postgres://gatepass@127.0.0.1/gatepass");
    for (settings, named) in [
        (&[on, database][..], "database_url"),
        (&[("control.listen", "0.0.0.0:0")], "control.token: is not set"),
        (&[on, ("profile", "production")], "control.listen"),
        (&[on, ("control.token", "t"), ("control.allow_unauthenticated", "true")], "control.token"),
        (&[("control.listen", "127.0.0.1:19105"), ("listen", "0.0.0.0:19105")], "control.listen"),
        (&[("control.stop_at_end_of_input", "true")], "control.stop_at_end_of_input"),
    ] {
        let settings = [base.clone(), set(settings)].concat();
        for command in ["serve", "check-config"] {
            let output = run(&[command], &settings).await;
            assert_eq!(output.code, Some(1), "{output:?}");
            assert!(output.stderr.contains(named), "{named}: {output:?}");
        }
    }
}

#[tokio::test]
async fn commands_do_not_open_a_database_that_the_server_does_not_use() {
    let folder = tempfile::tempdir().unwrap();
    let clients = folder.path().join("none.toml");
    std::fs::write(&clients, "").unwrap();
    let on = set(&[("control.listen", "127.0.0.1:9005")]);
    let settings = [server_settings(&folder.path().join("data"), &clients), on].concat();
    for command in [&["migrate"][..], &["keys", "list"], &["client", "add", "--create", "shop"]] {
        let output = run(command, &settings).await;
        let named = "the setting `control.listen` keeps the database in the memory of the server";
        assert!(output.code == Some(1) && output.stderr.contains(named), "{output:?}");
    }
    assert!(!folder.path().join("data").exists());
}
