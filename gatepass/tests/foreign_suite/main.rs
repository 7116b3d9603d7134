//! A test suite of a foreign shape: an API and a website with Flask and Authlib, tested by pytest
//! with what `docs/testing.md` describes. It makes every call of the control API.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const GATEPASS: &str = env!("CARGO_BIN_EXE_gatepass");

/// Runs a command and panics with its output if it fails.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{command:?}:\n{}", text.concat());
    text.concat()
}

/// Returns a Python with the packages of the suite.
fn python(suite: &Path) -> PathBuf {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("foreign-suite-venv");
    let (python, installed) = (venv.join("bin/python"), venv.join("requirements.txt"));
    let required = fs::read_to_string(suite.join("requirements.txt")).unwrap();
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == required) {
        return python;
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv));
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--no-deps", "-r"]);
    run(install.arg(suite.join("requirements.txt")));
    fs::write(installed, required).unwrap();
    python
}

#[test]
fn suite_written_from_the_documentation_passes_and_makes_every_call() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let suite = package.join("tests/foreign_suite");
    let client = package.join("../clients/python").canonicalize().unwrap();
    let printed = run(Command::new(python(&suite))
        .args(["-m", "pytest", "-p", "no:cacheprovider", "-p", "gatepass.pytest_plugin", "-q"])
        .current_dir(&suite)
        .env("PYTHONPATH", client)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("GATEPASS_BINARY", GATEPASS));
    assert!(printed.contains(" passed") && !printed.contains("skipped"), "{printed}");
}
