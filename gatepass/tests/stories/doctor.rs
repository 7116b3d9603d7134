//! `gatepass doctor`, the real binary, beside a demo that runs and where none does.

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::{launcher::Launcher, suggested::port_of};

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn gatepass(arguments: &[&str], data_dir: &Path, environment: &[(&str, String)]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatepass"));
    command.args(arguments).arg("--data-dir").arg(data_dir);
    let output =
        command.envs(environment.iter().map(|(name, value)| (name, value))).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// The ports of a demo on free ports, as its doctor has to be told them.
fn environment(printed: &str, data_dir: &Path) -> Vec<(&'static str, String)> {
    let issuer = format!("http://localhost:{}", port_of(printed, "C  authorization server"));
    let port = |server| port_of(printed, server);
    let tls = printed.split_once("https://localhost:").unwrap().1;
    let tls: String = tls.chars().take_while(char::is_ascii_digit).collect();
    let (local, asking) = (port("B  checks passes by itself"), port("B  asks C about each pass"));
    let at = |port: &str| format!("127.0.0.1:{port}");
    vec![
        ("GATEPASS__AUTH_SERVER__LISTEN", at(&port("C  authorization server"))),
        ("GATEPASS__AUTH_SERVER__TLS_LISTEN", at(&tls)),
        ("GATEPASS__SERVICE_A__LISTEN", at(&port("A  client"))),
        ("GATEPASS__SERVICE_A__TARGETS__LOCAL__URL", format!("http://localhost:{local}")),
        ("GATEPASS__SERVICE_A__TARGETS__INTROSPECTION__URL", format!("http://localhost:{asking}")),
        ("GATEPASS__SERVICE_A__PUBLIC_URL", format!("http://localhost:{}", port("A  client"))),
        (
            "GATEPASS__AUTH_SERVER__CLIENTS_FILE",
            data_dir.join("clients.toml").display().to_string(),
        ),
        ("GATEPASS__AUTH_SERVER__ISSUER", issuer.clone()),
        ("GATEPASS__SERVICE_A__ISSUER", issuer.clone()),
        ("GATEPASS__SERVICE_B__ISSUER", issuer),
        ("GATEPASS__SERVICE_B__LISTEN", at(&local)),
    ]
}

#[test]
fn beside_a_demo_that_runs_it_finds_nothing_and_shows_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let launcher = Launcher::start(folder.path(), &["--free-ports"]);
    let environment = environment(&launcher.until_printed("curl -i "), folder.path());
    let said = gatepass(&["doctor"], folder.path(), &environment);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
    for server in ["auth-server\n", "\nservice-a\n", "\nservice-b\n"] {
        assert!(said.out.contains(server), "{}", said.out);
    }
    assert!(!said.out.contains("abc123") && !said.out.contains("eyJ"), "{}", said.out);
}

#[test]
fn where_nothing_runs_it_says_what_to_start_to_people_and_to_programs() {
    let folder = tempfile::tempdir().unwrap();
    let servers = ["AUTH_SERVER__LISTEN", "SERVICE_A__LISTEN", "SERVICE_B__LISTEN"];
    let nobody: Vec<_> = servers.map(|name| format!("GATEPASS__{name}")).to_vec();
    let nobody: Vec<_> =
        nobody.iter().map(|name| (name.as_str(), "127.0.0.1:1".to_owned())).collect();
    let said = gatepass(&["doctor"], folder.path(), &nobody);
    assert!(
        said.code == Some(1)
            && said.out.contains("nothing of it runs")
            && said.out.contains("`cargo run`"),
        "{}",
        said.out
    );
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    let said = gatepass(&["doctor", "--json"], folder.path(), &nobody);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert!(said.code == Some(1) && told["failed"] == 1, "{told}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is made by looking");
}
