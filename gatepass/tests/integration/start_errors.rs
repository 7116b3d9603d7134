use std::net::TcpListener;

use crate::launcher::{Exited, Launcher};

/// Asserts that the launcher printed a single error line with these parts.
fn assert_error(exited: &Exited, parts: &[&str]) {
    assert_eq!(
        (exited.code, exited.out.as_str(), exited.err.lines().count()),
        (Some(1), "", 1),
        "{exited:?}"
    );
    for part in [&["error: "], parts].concat() {
        assert!(exited.err.contains(part), "missing `{part}` in: {}", exited.err);
    }
}

#[test]
fn port_in_use_is_reported_with_advice() {
    // If another process has the port, it is in use as well.
    let _taken = TcpListener::bind("127.0.0.1:9000");
    let folder = tempfile::tempdir().unwrap();
    let exited = Launcher::start(folder.path(), &["--once"]).wait();
    assert_error(
        &exited,
        &["cannot listen on 127.0.0.1:9", "in use by another process", "choose another"],
    );
}

#[test]
fn unusable_data_folder_is_reported_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    let exited = Launcher::start(&file.join("data"), &["--free-ports", "--once"]).wait();
    assert_error(
        &exited,
        &[
            "auth-server",
            file.to_str().unwrap(),
            "data_dir",
            "make it writable, or choose another one",
        ],
    );
}

#[test]
fn unknown_argument_is_rejected_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let exited = Launcher::start(&data, &["--free-port"]).wait();
    assert_eq!(exited.code, Some(2), "{exited:?}");
    assert!(exited.err.contains("--free-ports") && !data.exists(), "{exited:?}");
}
