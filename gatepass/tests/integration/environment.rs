//! Settings of the environment, which the demo reads as each server does.

use reqwest::blocking::Client;
use serde_json::Value;

use crate::{launcher::Launcher, suggested_commands::port_of};

const LAST_LINE: &str = "curl -i ";

fn http() -> Client {
    Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

fn get(port: &str, path: &str) -> Value {
    http().get(format!("http://localhost:{port}{path}")).send().unwrap().json().unwrap()
}

#[test]
fn demo_reads_settings_of_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let environment = [
        ("GATEPASS__AUTH_SERVER__TOKENS__ACCESS_TOKEN_TTL_SECONDS", "77"),
        ("GATEPASS__AUTH_SERVER__REGISTRATION__ENABLED", "true"),
        ("GATEPASS__SERVICE_A__PUBLIC_URL", "http://a.localhost:9001"),
        ("GATEPASS__SERVICE_B__ALLOWED_HOSTS", "b.example"),
    ];
    let launcher = Launcher::start_in(&environment, folder.path(), &["--free-ports"]);
    let printed = launcher.until_printed(LAST_LINE);
    assert!(printed.contains("a.localhost"), "{printed}");
    let c = port_of(&printed, "C  authorization server");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "service-a"),
        ("client_secret", "abc123"),
    ];
    let url = format!("http://localhost:{c}/oauth/token");
    let response: Value = http().post(url).form(&form).send().unwrap().json().unwrap();
    assert_eq!(response["expires_in"], 77);
    let metadata = get(&c, "/.well-known/openid-configuration");
    assert!(metadata["registration_endpoint"].is_string(), "{metadata}");
    for b in ["B  local verification", "B  introspection at C"] {
        let url = format!("http://localhost:{}/api/resource", port_of(&printed, b));
        let response = http().get(url).header("Host", "b.example").send().unwrap();
        assert_eq!(response.status(), 401, "{b} accepts the host");
    }
}

#[test]
fn option_for_the_data_folder_comes_before_the_environment() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let other_folder = other.path().to_str().unwrap();
    let environment = [
        ("GATEPASS__AUTH_SERVER__DATA_DIR", other_folder),
        ("gatepass__service_a__data_dir", other_folder),
    ];
    let files = |folder: &tempfile::TempDir| folder.path().read_dir().unwrap().count();
    let exited =
        Launcher::start_in(&environment, folder.path(), &["--free-ports", "--once"]).wait();
    assert_eq!((exited.code, files(&other)), (Some(0), 0), "{exited:?}");
    assert!(folder.path().join("auth-server.db").exists());
    assert!(folder.path().join("service-a.db").exists());
}

#[test]
fn options_for_listeners_come_before_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let environment = [
        // No machine has these addresses (RFC 5737).
        ("GATEPASS__AUTH_SERVER__LISTEN", "192.0.2.1:9000"),
        ("GATEPASS__AUTH_SERVER__TLS_LISTEN", "192.0.2.1:9443"),
        ("gatepass__service_a__listen", "192.0.2.1:9001"),
        ("GATEPASS__FLOW_VIEWER__MANAGE_LISTEN", "192.0.2.1:9104"),
        ("GATEPASS__SERVICE_B__RESOURCE", "https://b.example/api"),
    ];
    let options = ["--free-ports", "--manage", "--once"];
    let exited = Launcher::start_in(&environment, folder.path(), &options).wait();
    assert_eq!(exited.code, Some(0), "{exited:?}");
    assert!(exited.out.contains("resource        https://b.example/api"), "{exited:?}");
}

#[test]
fn unknown_setting_of_the_environment_stops_the_demo() {
    let folder = tempfile::tempdir().unwrap();
    let environment = [("GATEPASS__SERVICE_A__ISUER", "x")];
    let exited = Launcher::start_in(&environment, folder.path(), &["--free-ports"]).wait();
    assert_eq!(exited.code, Some(1), "{exited:?}");
    assert!(exited.err.contains("did you mean `issuer`?"), "{exited:?}");
}

#[test]
fn servers_on_free_ports_call_themselves_by_these_ports() {
    let folder = tempfile::tempdir().unwrap();
    let launcher = Launcher::start(folder.path(), &["--free-ports"]);
    let printed = launcher.until_printed(LAST_LINE);
    let issuer = format!("http://localhost:{}", port_of(&printed, "C  authorization server"));
    for b in ["B  local verification", "B  introspection at C"] {
        let port = port_of(&printed, b);
        let metadata = get(&port, "/.well-known/oauth-protected-resource");
        assert_eq!(metadata["resource"], format!("http://localhost:{port}"));
        assert_eq!(metadata["authorization_servers"], serde_json::json!([issuer]));
    }
    assert!(!printed.contains(":900"), "{printed}");
}
