use std::net::TcpStream;

use crate::{
    launcher::Launcher,
    suggested::{port_of, suggested},
    wire::Begun,
};

const LAST_LINE: &str = "curl -i ";

#[test]
fn one_command_tells_the_first_call_and_what_to_try_and_hides_the_secret() {
    let folder = tempfile::tempdir().unwrap();
    let ended = Launcher::start(&folder.path().join("data"), &["--free-ports", "--once"]).ended();
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{}", ended.out);
    let parts = [
        "The first call, A -> C -> B, as it just happened",
        "Step 1  A -> C  POST https://localhost:",
        "client_secret   ••••••",
        "Step 2  C -> A  status 200 after",
        "Step 3  A -> B  GET http://localhost:",
        "Step 4  B looks at the pass by itself",
        "B checks signature",
        "B checks scope",
        "A's caller gets 200 OK",
        "C  authorization server      http://localhost:",
        "A  client                    http://localhost:",
        "B  checks passes by itself   http://localhost:",
        "B  asks C about each pass    http://localhost:",
    ];
    let places: Vec<_> = parts
        .map(|part| {
            ended.out.find(part).unwrap_or_else(|| panic!("`{part}` is not in\n{}", ended.out))
        })
        .to_vec();
    assert!(places.is_sorted(), "{}", ended.out);
    assert_eq!(suggested(&ended.out).len(), 3, "{}", ended.out);
    // The document's own secret stands in the line that suggests to send it, and nowhere else.
    let with_secret: Vec<_> = ended.out.lines().filter(|line| line.contains("abc123")).collect();
    assert!(matches!(with_secret[..], [line] if line.contains("curl")), "{with_secret:?}");
}

#[test]
fn it_starts_again_on_the_data_folder_of_the_last_time() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let ended = Launcher::start(folder.path(), &["--free-ports", "--once"]).ended();
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{}", ended.out);
    }
}

#[test]
fn it_stays_until_ctrl_c_or_sigterm_and_finishes_what_is_running() {
    for name in ["INT", "TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let launcher = Launcher::start(folder.path(), &["--free-ports"]);
        let printed = launcher.until_printed(LAST_LINE);
        let (a, local) =
            (port_of(&printed, "A  client"), port_of(&printed, "B  checks passes by itself"));
        let begun = Begun::at(&a);
        launcher.signal(name);
        while TcpStream::connect(format!("127.0.0.1:{local}")).is_ok() {
            std::thread::yield_now();
        }
        // B is gone, so A cannot serve it any more; it says so itself, and is not cut off.
        let answer = begun.finish();
        assert!(
            answer.starts_with("HTTP/1.1 502") && answer.contains("call_b"),
            "{name}: {answer}"
        );
        let ended = launcher.ended();
        assert_eq!(ended.code, Some(0), "{name}: {}", ended.err);
    }
}
