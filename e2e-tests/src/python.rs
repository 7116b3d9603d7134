//! Python scripts that tests run, with pinned packages from `PyPI`.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A Python interpreter with the packages of a test suite.
pub struct Python(PathBuf);

impl Python {
    /// Returns the interpreter of the virtual environment in `folder`. The environment is created
    /// if it is missing, and again when `requirements`, the text of a `requirements.txt`, changes.
    ///
    /// # Errors
    /// Returns the last line of the output of the command that failed.
    pub fn with_packages(folder: &Path, requirements: &str) -> Result<Self, String> {
        let (python, made_for) = (folder.join("bin/python"), folder.join("made-for.txt"));
        let text = |error: io::Error| error.to_string();
        // Test processes run in parallel. One creates the environment, the others wait for it.
        let lock = File::create(folder.with_extension("lock")).map_err(text)?;
        lock.lock().map_err(text)?;
        if fs::read_to_string(&made_for).is_ok_and(|list| list == requirements) {
            return Ok(Self(python));
        }
        let venv = Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder).output();
        check_success(venv).map_err(|error| {
            format!("this test needs Debian's packages python3 and python3-venv: {error}")
        })?;
        let list = folder.join("requirements.txt");
        fs::write(&list, requirements).map_err(text)?;
        let pip = Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--requirement"])
            .arg(&list)
            .output();
        check_success(pip).map_err(|error| {
            format!("this test needs PyPI, and pip could not install from it: {error}")
        })?;
        fs::write(&made_for, requirements).map_err(text)?;
        Ok(Self(python))
    }

    /// Reads a file of an installed package, by its path in `site-packages`.
    ///
    /// # Panics
    /// Panics if there is no such file.
    #[must_use]
    pub fn package_file(&self, path: &str) -> String {
        let folder = self.0.ancestors().nth(2).unwrap().join("lib");
        let mut versions = fs::read_dir(folder).unwrap();
        let version = versions.next().unwrap().unwrap().path();
        fs::read_to_string(version.join("site-packages").join(path)).unwrap()
    }

    /// Runs a script, which can import the modules of `e2e-tests/python`.
    ///
    /// # Panics
    /// Panics with the output of the script if it fails.
    pub fn run(&self, script: &Path, arguments: &[String]) {
        let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
        let output = Command::new(&self.0)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONPATH", modules)
            .arg(script)
            .args(arguments)
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {printed}", script.display());
    }
}

/// Checks that a command succeeded. The error is the last line of its output.
fn check_success(output: io::Result<Output>) -> Result<(), String> {
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let printed = [output.stdout, output.stderr].concat();
    let error =
        String::from_utf8_lossy(&printed).trim().lines().next_back().unwrap_or_default().to_owned();
    Err(error)
}
