//! `gatepass doctor`, with and without a running demo.

use std::{path::Path, process::Command};

use serde_json::Value;
use test_support::secrecy::{contains_jwt, contains_word};

use crate::{launcher::Launcher, suggested_commands::port_of};

struct CommandOutput {
    code: Option<i32>,
    out: String,
    err: String,
}

fn gatepass(arguments: &[&str], data_dir: &Path, environment: &[(&str, String)]) -> CommandOutput {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatepass"));
    command.args(arguments).arg("--data-dir").arg(data_dir);
    let output =
        command.envs(environment.iter().map(|(name, value)| (name, value))).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    CommandOutput { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Environment variables with the ports of a running demo.
pub fn environment(printed: &str) -> Vec<(&'static str, String)> {
    let issuer = format!("http://localhost:{}", port_of(printed, "C  authorization server"));
    let port = |server| port_of(printed, server);
    let tls = printed.split_once("https://localhost:").unwrap().1;
    let tls: String = tls.chars().take_while(char::is_ascii_digit).collect();
    let (local, introspection) = (port("B  local verification"), port("B  introspection at C"));
    let at = |port: &str| format!("127.0.0.1:{port}");
    vec![
        ("GATEPASS__AUTH_SERVER__LISTEN", at(&port("C  authorization server"))),
        ("GATEPASS__AUTH_SERVER__TLS_LISTEN", at(&tls)),
        ("GATEPASS__SERVICE_A__LISTEN", at(&port("A  client"))),
        ("GATEPASS__SERVICE_A__TARGETS__LOCAL__URL", format!("http://localhost:{local}")),
        (
            "GATEPASS__SERVICE_A__TARGETS__INTROSPECTION__URL",
            format!("http://localhost:{introspection}"),
        ),
        (
            "GATEPASS__SERVICE_A__TARGETS__INTROSPECTION__RESOURCE",
            format!("http://localhost:{introspection}"),
        ),
        ("GATEPASS__SERVICE_A__PUBLIC_URL", format!("http://localhost:{}", port("A  client"))),
        ("GATEPASS__AUTH_SERVER__ISSUER", issuer.clone()),
        ("GATEPASS__SERVICE_A__ISSUER", issuer.clone()),
        ("GATEPASS__SERVICE_B__ISSUER", issuer),
        ("GATEPASS__SERVICE_B__LISTEN", at(&local)),
    ]
}

#[test]
fn running_demo_passes_every_check_and_the_report_holds_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let launcher = Launcher::start(folder.path(), &["--free-ports"]);
    let environment = environment(&launcher.until_printed("curl -i "));
    let output = gatepass(&["doctor"], folder.path(), &environment);
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""), "{}", output.out);
    for server in ["auth-server\n", "\nservice-a\n", "\nservice-b\n"] {
        assert!(output.out.contains(server), "{}", output.out);
    }
    assert!(!contains_word(&output.out, "abc123") && !contains_jwt(&output.out), "{}", output.out);
}

#[test]
fn stopped_demo_is_reported_as_text_and_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let servers = ["AUTH_SERVER__LISTEN", "SERVICE_A__LISTEN", "SERVICE_B__LISTEN"];
    let stopped: Vec<_> = servers.map(|name| format!("GATEPASS__{name}")).to_vec();
    let stopped: Vec<_> =
        stopped.iter().map(|name| (name.as_str(), "127.0.0.1:1".to_owned())).collect();
    let output = gatepass(&["doctor"], folder.path(), &stopped);
    assert!(
        output.code == Some(1)
            && output.out.contains("no server is running")
            && output.out.contains("`cargo run`"),
        "{}",
        output.out
    );
    assert_eq!(output.err.lines().count(), 1, "{}", output.err);
    let output = gatepass(&["doctor", "--json"], folder.path(), &stopped);
    let report: Value = serde_json::from_str(&output.out).unwrap();
    assert!(output.code == Some(1) && report["failed"] == 1, "{report}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the doctor creates no files");
}

#[test]
fn other_data_folder_than_that_of_the_demo_is_one_problem() {
    let folder = tempfile::tempdir().unwrap();
    let launcher = Launcher::start(folder.path(), &["--free-ports"]);
    let environment = environment(&launcher.until_printed("curl -i "));
    // An empty folder, then that of another demo.
    let other = tempfile::tempdir().unwrap();
    for found in ["there is no such file", "another CA has issued the certificate of C"] {
        let output = gatepass(&["doctor"], other.path(), &environment);
        assert_eq!(output.code, Some(1), "{}", output.out);
        let ca_file = other.path().join("ca/ca.pem").display().to_string();
        for part in [found, &ca_file, "`--data-dir FOLDER`", "0 ok, 0 warn, 1 FAIL, 1 skipped"] {
            assert!(output.out.contains(part), "missing `{part}` in {}", output.out);
        }
        let second = Launcher::start(other.path(), &["--free-ports", "--once"]).wait();
        assert_eq!(second.code, Some(0), "{}", second.err);
    }
}
