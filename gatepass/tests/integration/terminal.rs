//! The first call as a terminal shows it.

use std::{
    io::Read,
    process::{Command, Stdio},
};

use test_support::platform::terminal;

use crate::launcher::Launcher;

/// What begins a colour.
const ESCAPE: char = '\u{1b}';
/// A part of the body of A's response.
const BODY: &str = "this is B's protected resource";

/// Returns what a demo that ends after the first call writes to a terminal.
fn first_call_on_a_terminal(environment: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (output, mut display) = terminal();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatepass"));
    command.args(["--free-ports", "--once", "--data-dir"]).arg(folder.path());
    command.env_remove("NO_COLOR").envs(environment.iter().copied());
    let mut demo = command.stdin(Stdio::null()).stdout(output).spawn().unwrap();
    // The command holds the other side of the terminal, which must be closed.
    drop(command);
    let mut printed = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = display.read(&mut buffer) {
        printed.extend_from_slice(&buffer[..length]);
    }
    assert!(demo.wait().unwrap().success());
    String::from_utf8(printed).unwrap()
}

/// Returns the output without the escape sequences of colours and without the terminal's CRs.
fn plain(printed: &str) -> String {
    let mut parts = printed.split(ESCAPE);
    let mut text = parts.next().unwrap_or_default().to_owned();
    text.extend(parts.map(|part| part.split_once('m').map_or(part, |(_, text)| text)));
    text.replace('\r', "")
}

#[test]
fn first_call_has_colors_only_on_a_terminal_without_no_color() {
    let colored = first_call_on_a_terminal(&[]);
    assert!(colored.contains("\u{1b}[32m200 OK\u{1b}[0m"), "{colored}");
    assert!(plain(&colored).contains("A responds to its caller with 200 OK"), "{colored}");
    // An empty value counts as unset (https://no-color.org).
    assert!(first_call_on_a_terminal(&[("NO_COLOR", "")]).contains(ESCAPE));
    let without = first_call_on_a_terminal(&[("NO_COLOR", "1")]);
    assert!(without.contains("Step 1  A -> C") && !without.contains(ESCAPE), "{without}");
    let folder = tempfile::tempdir().unwrap();
    let piped = Launcher::start(folder.path(), &["--free-ports", "--once"]).wait().out;
    assert!(piped.contains("Step 1  A -> C") && !piped.contains(ESCAPE), "{piped}");
}

#[test]
fn first_call_prints_the_body_of_the_response_once() {
    let printed = plain(&first_call_on_a_terminal(&[]));
    assert_eq!(printed.matches(BODY).count(), 1, "{printed}");
}
