use std::{
    io::{Read, Write},
    process::{Command, Output, Stdio},
};

use test_support::{
    process::{Program, set_arguments},
    secrecy::{contains_jwt, contains_word},
};

use crate::{launcher::Launcher, suggested_commands::port_of};

const GATEPASS: Program = Program::at(env!("CARGO_BIN_EXE_gatepass"));

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
    assert!(!contains_word(&printed, "abc123") && !contains_jwt(&printed), "{printed}");
    assert!(!printed.contains('\u{1b}'), "no colours in a pipe");
}

#[test]
fn walk_ends_without_an_error_when_its_output_is_closed() {
    let mut walk = Command::new(env!("CARGO_BIN_EXE_gatepass"))
        .args(["walk", "legacy"])
        .args(NO_VIEWER)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(walk.stdout.take());
    let output = walk.wait_with_output().unwrap();
    let printed = text(&output.stderr);
    assert!(output.status.success() && !printed.contains("Broken pipe"), "{printed}");
}

#[test]
fn walk_waits_for_enter_after_each_step() {
    let mut walk = Command::new(env!("CARGO_BIN_EXE_gatepass"))
        .args(["walk", "legacy", "--step", "--lang", "en"])
        .args(NO_VIEWER)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, mut stdout) = (walk.stdin.take().unwrap(), walk.stdout.take().unwrap());
    let mut until_prompt = || {
        let mut printed = Vec::new();
        while !printed.ends_with(b"Enter: next step") {
            let mut byte = [0];
            stdout.read_exact(&mut byte).unwrap();
            printed.extend(byte);
        }
        text(&printed)
    };
    let first = until_prompt();
    assert!(first.contains("you -> A") && !first.contains("A -> B"), "{first}");
    stdin.write_all(b"\n").unwrap();
    let second = until_prompt();
    assert!(second.contains("A -> B"), "{second}");
    // Without input the rest follows at once.
    drop(stdin);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(walk.wait().unwrap().success() && rest.contains("as expected"), "{rest}");
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
    // Each with the response and the reason, and the check or the error behind it.
    for part in [
        "401 invalid_token: Its expiry (exp) has passed.",
        "B (verifies locally) checks expiry      FAILED  exp ",
        "400: Redirect URIs are compared byte by byte",
        "C rejects: unsupported_grant_type (grant_type)",
        "C rejects: invalid_grant (code_verifier)",
        "C rejects: invalid_grant (used code)",
    ] {
        assert!(printed.contains(part), "missing `{part}` in\n{printed}");
    }
}

#[test]
fn secret_at_b_is_played_in_a_demo_that_allows_it() {
    let output = walk(&[&NO_VIEWER[..], &["legacy", "--lang", "en"]].concat());
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}{}", text(&output.stderr));
    for part in [
        "A -> B  Sends its secret to B",
        "B  Logs may keep Basic •••",
        "GET /api?access_key=•••&secret=•••",
    ] {
        assert!(printed.contains(part), "missing `{part}` in\n{printed}");
    }
    assert!(!printed.contains("abc123"), "{printed}");
}

#[test]
fn refresh_is_played() {
    let output = walk(&[&NO_VIEWER[..], &["refresh", "--lang", "en"]].concat());
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}{}", text(&output.stderr));
    assert!(printed.contains("grant_type      refresh_token"), "{printed}");
    // What the app sends is not sent by you.
    for part in ["  App -> C  ", "  C -> App  ", "you -> C"] {
        assert!(printed.contains(part), "missing `{part}` in\n{printed}");
    }
}

#[test]
fn first_login_creates_the_account_that_the_second_one_finds() {
    let output = walk(&["first-login", "--lang", "en"]);
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}{}", text(&output.stderr));
    let at = |part: &str| printed.find(part).unwrap_or_else(|| panic!("no `{part}` in {printed}"));
    let (created, found) = (at("no account yet"), at("an account of this issuer and subject  "));
    assert!(created < found, "{printed}");
}

/// The page of the shop calls both Bs after a login.
#[test]
fn each_b_is_printed_under_its_own_name() {
    let output = walk(&[&NO_VIEWER[..], &["login", "--lang", "en"]].concat());
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}{}", text(&output.stderr));
    for part in [
        "A -> B (verifies locally)  Calls B with the access token",
        "B (verifies locally) -> A  status 200",
        "A -> B (asks C)  Calls B with the access token",
        "B (asks C) -> A  status 200",
    ] {
        assert!(printed.contains(part), "missing `{part}` in\n{printed}");
    }
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
        let printed = printed.to_string();
        assert!(!contains_jwt(&printed), "{printed}");
        for secret in ["abc123", "wonderland"] {
            assert!(!contains_word(&printed, secret), "{secret} in {printed}");
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
            let _ = Read::read(&mut stream, &mut [0; 4_096]);
            let _ = Write::write_all(&mut stream, response);
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
    let b = permissive_server();
    let settings = [
        ("listen", "127.0.0.1:0"),
        ("log.format", "json"),
        ("auth_server.url", &c),
        ("b_local.url", &b),
    ];
    let arguments = [vec!["flow-viewer".to_owned()], set_arguments(&settings)].concat();
    let viewer = GATEPASS.serve(&arguments, "server started");
    let viewer_url = format!("http://{}", viewer.started("address").unwrap());
    let output = walk(&["attack", "--viewer", &viewer_url, "--lang", "en"]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains("NOT BLOCKED")
            && printed.contains("expected 401 invalid_token, found 200"),
        "{printed}"
    );
    assert!(text(&output.stderr).contains("are NOT BLOCKED"), "{}", text(&output.stderr));
}
