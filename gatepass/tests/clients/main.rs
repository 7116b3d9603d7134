//! Runs the examples of `clients/` against a server with the control API: Python from its wheel,
//! Node.js, Go and Java from their files.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use test_support::process::{Program, ServerProcess, set_arguments};

const GATEPASS: &str = env!("CARGO_BIN_EXE_gatepass");

/// A server with the control API and the clients of the demo.
struct Server {
    process: ServerProcess,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().display().to_string();
        let mut arguments = vec!["auth-server".to_owned()];
        arguments.extend(set_arguments(&[
            ("listen", "127.0.0.1:0"),
            ("issuer", "http://localhost:0"),
            ("tls_listen", ""),
            ("manage_listen", ""),
            ("control.listen", "127.0.0.1:0"),
            ("log.format", "json"),
            ("data_dir", &data_dir),
        ]));
        let process = Program::at(GATEPASS).serve(&arguments, "auth-server starts");
        Self { process, _folder: folder }
    }

    fn control(&self) -> String {
        format!("http://{}", self.process.started("control").unwrap())
    }
}

fn clients(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients").join(language).canonicalize().unwrap()
}

/// Runs a command and panics with its output if it fails.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{command:?}:\n{}", text.concat());
    text.concat()
}

#[test]
fn python_package_works_from_its_wheel() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients-python");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    run(Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")));
    let python = folder.join("venv/bin/python");
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "pytest==8.4.2", "wheel"]));
    // The script builds beside its source.
    let source = folder.join("source");
    run(Command::new("cp").arg("-r").arg(clients("python")).arg(&source));
    let path = format!("{}:{}", folder.join("venv/bin").display(), env!("PATH"));
    run(Command::new(source.join("build-wheel.sh")).arg(GATEPASS).arg(&folder).env("PATH", path));
    let wheel = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let wheel = wheel.into_iter().find(|path| path.extension().is_some_and(|end| end == "whl"));
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).arg(wheel.unwrap()));
    let printed = run(Command::new(&python)
        .args(["-m", "pytest", "-p", "no:cacheprovider"])
        .arg(clients("python").join("tests"))
        .current_dir(&folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env_remove("GATEPASS_BINARY"));
    assert!(printed.contains("16 passed"), "{printed}");
}

#[test]
fn node_client_works() {
    let server = Server::start();
    let printed = run(Command::new("node")
        .arg("--test")
        .current_dir(clients("node"))
        .env("GATEPASS_CONTROL", server.control()));
    assert!(printed.contains("# pass 6"), "{printed}");
}

#[test]
fn go_client_works() {
    let server = Server::start();
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients-go");
    let printed = run(Command::new("go")
        .args(["test", "-count=1", "-v", "./..."])
        .current_dir(clients("go"))
        .env("GOCACHE", cache)
        .env("GATEPASS_CONTROL", server.control()));
    assert_eq!(printed.matches("--- PASS").count(), 7, "{printed}");
}

#[test]
fn java_client_works() {
    let server = Server::start();
    let classes = tempfile::tempdir().unwrap();
    run(Command::new("javac")
        .arg("-d")
        .arg(classes.path())
        .args(["Gatepass.java", "Example.java"])
        .current_dir(clients("java")));
    let printed = run(Command::new("java")
        .arg("-cp")
        .arg(classes.path())
        .arg("Example")
        .env("GATEPASS_CONTROL", server.control()));
    assert_eq!(printed.trim(), "ok");
}
