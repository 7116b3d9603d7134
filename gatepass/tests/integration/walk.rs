use std::process::{Command, Output};

use crate::{launcher::Launcher, suggested_commands::port_of};

fn walk(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gatepass")).arg("walk").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A viewer URL at which nothing listens.
const NO_VIEWER: [&str; 2] = ["--viewer", "http://127.0.0.1:1"];

#[test]
fn walk_starts_a_demo_and_prints_the_steps() {
    let output = walk(&[&NO_VIEWER[..], &["server-to-server", "--lang", "en"]].concat());
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}{}", text(&output.stderr));
    for part in [
        "Step 1  A -> C",
        "Step 3  A -> B",
        "Step 4  B -> C",
        "client_secret   ••••••",
        "as expected",
    ] {
        assert!(printed.contains(part), "missing `{part}` in\n{printed}");
    }
    assert!(!printed.contains("abc123") && !printed.contains("eyJ"), "{printed}");
    assert!(!printed.contains('\u{1b}'), "no colours in a pipe");
}

#[test]
fn every_attack_on_the_running_demo_is_blocked() {
    let folder = tempfile::tempdir().unwrap();
    let launcher = Launcher::start(folder.path(), &["--free-ports"]);
    let viewer =
        format!("http://localhost:{}", port_of(&launcher.until_printed("curl -i "), "flow viewer"));
    let output = walk(&["attack", "--viewer", &viewer, "--lang", "en"]);
    let printed = text(&output.stdout);
    assert!(
        output.status.success() && !printed.contains("NOT"),
        "{printed}{}",
        text(&output.stderr)
    );
    assert!(printed.lines().filter(|line| line.starts_with("blocked")).count() >= 14, "{printed}");
}

#[test]
fn json_output_holds_the_events() {
    for selection in ["login", "revoke"] {
        let output = walk(&[&NO_VIEWER[..], &[selection, "--json"]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let scenarios = printed.as_array().unwrap();
        assert!(
            !scenarios.is_empty()
                && scenarios.iter().all(|scenario| scenario["as_expected"] == true),
            "{printed}"
        );
        assert!(
            scenarios.iter().all(|scenario| scenario["events"].as_array().unwrap().len() > 5),
            "{printed}"
        );
        for secret in ["abc123", "wonderland", "eyJ"] {
            assert!(!printed.to_string().contains(secret), "{secret} in {printed}");
        }
    }
}

/// A server that accepts every request.
fn permissive_server() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let response = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = stream;
            // The head of these requests fits into one read.
            let _ = std::io::Read::read(&mut stream, &mut [0; 4_096]);
            let _ = std::io::Write::write_all(&mut stream, response);
        }
    });
    format!("http://{address}")
}

#[test]
fn successful_attack_is_reported_and_exits_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let launcher = Launcher::start(folder.path(), &["--free-ports"]);
    let c = format!(
        "http://localhost:{}",
        port_of(&launcher.until_printed("curl -i "), "C  authorization server")
    );
    let own = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = [
        format!("listen={own}"),
        format!("auth_server.url={c}"),
        format!("b_local.url={}", permissive_server()),
    ];
    let set = settings.iter().flat_map(|setting| ["--set", setting.as_str()]);
    let mut viewer =
        Command::new(env!("CARGO_BIN_EXE_gatepass")).arg("flow-viewer").args(set).spawn().unwrap();
    while std::net::TcpStream::connect(own).is_err() {
        std::thread::yield_now();
    }
    let output = walk(&["attack", "--viewer", &format!("http://{own}"), "--lang", "en"]);
    viewer.kill().unwrap();
    viewer.wait().unwrap();
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains("NOT BLOCKED")
            && printed.contains("expected 401 invalid_token, found 200"),
        "{printed}"
    );
    assert!(text(&output.stderr).contains("are NOT BLOCKED"), "{}", text(&output.stderr));
}
