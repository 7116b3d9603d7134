use std::process::{Command, Output};

use crate::{launcher::Launcher, suggested::port_of};

fn walk(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gatepass")).arg("walk").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Where nobody is.
const NOBODY: [&str; 2] = ["--viewer", "http://127.0.0.1:1"];

#[test]
fn a_walk_tells_what_really_happened_and_starts_what_it_needs() {
    let walked = walk(&[&NOBODY[..], &["server-to-server", "--lang", "en"]].concat());
    let told = text(&walked.stdout);
    assert!(walked.status.success(), "{told}{}", text(&walked.stderr));
    for part in
        ["Step 1  A -> C", "Step 3  A -> B", "Step 4  B -> C", "client_secret   ••••••", "as told"]
    {
        assert!(told.contains(part), "`{part}` is not in\n{told}");
    }
    assert!(!told.contains("abc123") && !told.contains("eyJ"), "{told}");
    assert!(!told.contains('\u{1b}'), "a pipe gets no colours");
}

#[test]
fn every_attack_on_the_running_stack_is_blocked_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let launcher = Launcher::start(folder.path(), &["--free-ports"]);
    let viewer = format!(
        "http://localhost:{}",
        port_of(&launcher.until_printed("curl -i "), "watch all of it")
    );
    let walked = walk(&["attack", "--viewer", &viewer, "--lang", "en"]);
    let told = text(&walked.stdout);
    assert!(walked.status.success() && !told.contains("NOT"), "{told}{}", text(&walked.stderr));
    assert!(told.lines().filter(|line| line.starts_with("blocked")).count() >= 14, "{told}");
}

#[test]
fn programs_get_json_with_the_events() {
    for story in ["login", "revoke"] {
        let walked = walk(&[&NOBODY[..], &[story, "--json"]].concat());
        assert!(walked.status.success(), "{}", text(&walked.stderr));
        let told: serde_json::Value = serde_json::from_slice(&walked.stdout).unwrap();
        let stories = told.as_array().unwrap();
        assert!(
            !stories.is_empty() && stories.iter().all(|story| story["as_expected"] == true),
            "{told}"
        );
        assert!(
            stories.iter().all(|story| story["events"].as_array().unwrap().len() > 5),
            "{told}"
        );
        for secret in ["abc123", "wonderland", "eyJ"] {
            assert!(!told.to_string().contains(secret), "{secret} in {told}");
        }
    }
}

/// A door that is always open.
fn an_open_door() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = stream;
            // Whatever is asked: the head of a request of these stories fits into one read.
            let _ = std::io::Read::read(&mut stream, &mut [0; 4_096]);
            let _ = std::io::Write::write_all(&mut stream, answer);
        }
    });
    format!("http://{address}")
}

#[test]
fn an_attack_that_goes_through_is_not_blocked_and_ends_with_1() {
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
        format!("b_local.url={}", an_open_door()),
    ];
    let set = settings.iter().flat_map(|setting| ["--set", setting.as_str()]);
    let mut viewer =
        Command::new(env!("CARGO_BIN_EXE_gatepass")).arg("flow-viewer").args(set).spawn().unwrap();
    while std::net::TcpStream::connect(own).is_err() {
        std::thread::yield_now();
    }
    let walked = walk(&["attack", "--viewer", &format!("http://{own}"), "--lang", "en"]);
    viewer.kill().unwrap();
    viewer.wait().unwrap();
    let told = text(&walked.stdout);
    assert_eq!(walked.status.code(), Some(1), "{told}");
    assert!(
        told.contains("NOT BLOCKED") && told.contains("expected 401 invalid_token, found 200"),
        "{told}"
    );
    assert!(text(&walked.stderr).contains("are NOT BLOCKED"), "{}", text(&walked.stderr));
}
