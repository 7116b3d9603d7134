use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// Returns the Python interpreter of a virtual environment with the pinned packages. The
/// environment is created in `target/`, and again when `requirements.txt` changes.
pub fn python() -> Result<PathBuf, String> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    PYTHON.get_or_init(make).clone()
}

fn make() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("authlib-venv");
    let (python, made_for) = (folder.join("bin/python"), folder.join("made-for.txt"));
    if fs::read_to_string(&made_for).is_ok_and(|list| list == REQUIREMENTS) {
        return Ok(python);
    }
    let venv = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder).output();
    check_success(venv).map_err(|error| {
        format!("the Authlib tests need Debian's packages python3 and python3-venv: {error}")
    })?;
    let list = folder.join("requirements.txt");
    fs::write(&list, REQUIREMENTS).map_err(|error| error.to_string())?;
    let pip = Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--requirement"])
        .arg(&list)
        .output();
    check_success(pip).map_err(|error| {
        format!("the Authlib tests need PyPI, and pip could not install from it: {error}")
    })?;
    fs::write(&made_for, REQUIREMENTS).map_err(|error| error.to_string())?;
    Ok(python)
}

/// Checks that a command succeeded. The error is the last line of its output.
fn check_success(output: std::io::Result<Output>) -> Result<(), String> {
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let printed = [output.stdout, output.stderr].concat();
    let error =
        String::from_utf8_lossy(&printed).trim().lines().next_back().unwrap_or_default().to_owned();
    Err(error)
}
