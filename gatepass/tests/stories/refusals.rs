use std::net::TcpListener;

use crate::launcher::{Ended, Launcher};

/// One line, which says which and what to do.
fn refused(ended: &Ended, parts: &[&str]) {
    assert_eq!(
        (ended.code, ended.out.as_str(), ended.err.lines().count()),
        (Some(1), "", 1),
        "{ended:?}"
    );
    for part in [&["error: "], parts].concat() {
        assert!(ended.err.contains(part), "`{part}` is not in: {}", ended.err);
    }
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    // Where somebody else has it, it is in use as well.
    let _taken = TcpListener::bind("127.0.0.1:9000");
    let folder = tempfile::tempdir().unwrap();
    let ended = Launcher::start(folder.path(), &["--once"]).ended();
    refused(
        &ended,
        &["cannot listen on 127.0.0.1:9", "in use by another process", "choose another"],
    );
}

#[test]
fn an_unusable_data_folder_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    let ended = Launcher::start(&file.join("data"), &["--free-ports", "--once"]).ended();
    refused(
        &ended,
        &["auth-server", file.to_str().unwrap(), "data_dir", "make it writable, or choose another"],
    );
}

#[test]
fn an_unknown_argument_is_refused_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let ended = Launcher::start(&data, &["--free-port"]).ended();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("--free-ports") && !data.exists(), "{ended:?}");
}
