//! The demo with `--https`.

use std::{path::Path, process::Command};

use reqwest::blocking::Client;
use serde_json::Value;

use crate::launcher::Launcher;

const LAST_LINE: &str = "-addstore Root";

/// Returns the URL of the server whose line starts with `server`.
fn url_of(printed: &str, server: &str) -> String {
    let line = printed.lines().find(|line| line.trim_start().starts_with(server)).unwrap();
    line.split_whitespace().find(|word| word.contains("://")).unwrap().to_owned()
}

fn shell(line: &str) -> (bool, String) {
    let output = Command::new("sh").args(["-c", line]).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// Returns the program that a command line runs, after its variables.
fn program_of(line: &str) -> &str {
    line.split_whitespace().find(|word| !word.contains('=')).unwrap_or_default()
}

fn client(ca_file: &Path) -> Client {
    let ca = reqwest::Certificate::from_pem(&std::fs::read(ca_file).unwrap()).unwrap();
    Client::builder().no_proxy().tls_certs_only([ca]).build().unwrap()
}

fn json(http: &Client, url: String) -> Value {
    http.get(url).send().unwrap().json().unwrap()
}

#[test]
fn https_demo_has_one_issuer_and_https_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let launcher = Launcher::start(folder.path(), &["--free-ports", "--https"]);
    let printed = launcher.until_printed(LAST_LINE);
    assert!(!printed.contains("http://"), "{printed}");
    assert!(printed.contains("A responds to its caller with 200 OK"), "{printed}");
    let http = client(&folder.path().join("ca/ca.pem"));
    let issuer = url_of(&printed, "C  authorization server");
    for path in ["oauth-authorization-server", "openid-configuration"] {
        let metadata = json(&http, format!("{issuer}/.well-known/{path}"));
        assert_eq!(metadata["issuer"], issuer);
        assert!(!metadata.to_string().contains("http://"), "{metadata}");
    }
    for b in ["B  local verification", "B  introspection at C"] {
        let resource = url_of(&printed, b);
        let path = "/.well-known/oauth-protected-resource";
        let metadata = json(&http, format!("{resource}{path}"));
        assert_eq!(metadata["resource"], resource);
        assert_eq!(metadata["authorization_servers"], serde_json::json!([issuer]));
    }
}

#[test]
fn https_demo_plays_a_login_and_every_attack() {
    let folder = tempfile::tempdir().unwrap();
    let launcher = Launcher::start(folder.path(), &["--free-ports", "--https"]);
    let printed = launcher.until_printed(LAST_LINE);
    for selection in ["server-to-server", "login", "revoke", "attack"] {
        let output = Command::new(env!("CARGO_BIN_EXE_gatepass"))
            .args(["walk", selection, "--viewer", &url_of(&printed, "flow viewer"), "--ca-file"])
            .arg(folder.path().join("ca/ca.pem"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && !text.contains("aborted"), "{selection}: {text}");
    }
}

/// Programs that are not installed are left out: the tests need none of them.
#[test]
fn printed_commands_trust_the_development_ca() {
    let folder = tempfile::tempdir().unwrap();
    // A folder whose name a shell would split.
    let data = folder.path().join("my data");
    let launcher = Launcher::start(&data, &["--free-ports", "--https"]);
    let printed = launcher.until_printed(LAST_LINE);
    let issuer = url_of(&printed, "C  authorization server");
    let lines: Vec<_> = printed.lines().map(str::trim).collect();
    let of = |start: &str| {
        let found: Vec<_> = lines.iter().copied().filter(|line| line.starts_with(start)).collect();
        assert!(!found.is_empty(), "no line starts with {start} in {printed}");
        found
    };
    let shows = [
        ("curl ", &["B's protected resource", "\"expires_in\":1800", "401", &*issuer][..]),
        ("NODE_EXTRA_CA_CERTS=", &[&*issuer]),
        ("SSL_CERT_FILE=", &[&*issuer]),
        ("keytool ", &["added"]),
    ];
    for (start, expected) in shows {
        let found = of(start);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (line, expected) in found.into_iter().zip(expected) {
            let program = match start {
                "NODE_EXTRA_CA_CERTS=" => "node",
                "SSL_CERT_FILE=" => "python3",
                _ => program_of(line),
            };
            if !shell(&format!("command -v {program}")).0 {
                continue;
            }
            let (success, text) = shell(line);
            assert!(success && text.contains(expected), "{line}: {text}");
        }
    }
}
