use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::Context;
use serde_json::Value;

use crate::engine::{docker, run};

pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Returns the static binary for the image: compiled now, or the one named by
/// `GATEPASS_IMAGE_BINARY`.
pub fn binary() -> anyhow::Result<PathBuf> {
    env::var_os("GATEPASS_IMAGE_BINARY").map_or_else(compile, |path| Ok(path.into()))
}

/// Compiles like the build stage of the `Dockerfile`, from the same build context.
fn compile() -> anyhow::Result<PathBuf> {
    let target = host_target()?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo
        .current_dir(build_context()?)
        .env("CARGO_TARGET_DIR", target_folder())
        .args(["build", "--locked", "--profile", "image", "-p", "gatepass", "--target", &target])
        .arg("--message-format=json-render-diagnostics")
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        // It would override RUSTFLAGS.
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        // The first build takes minutes, so show its progress.
        .stderr(Stdio::inherit());
    executable(&run(&mut cargo)?).context("cargo did not report the path of the binary")
}

/// Exports the build context as the build stage receives it, without what `.dockerignore` excludes.
fn build_context() -> anyhow::Result<PathBuf> {
    const IMAGE: &str = "gatepass-test-context";
    let (scratch, folder) = (tempfile::tempdir()?, target_folder().join("image-context"));
    let dockerfile = scratch.path().join("Dockerfile");
    fs::write(&dockerfile, "FROM scratch\nCOPY . /src\n")?;
    let (dockerfile, repository) =
        (dockerfile.display().to_string(), repository().display().to_string());
    docker(&["build", "--quiet", "--tag", IMAGE, "--file", &dockerfile, &repository])?;
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let container = docker(&["create", IMAGE, "never-run"])?;
    let copied = docker(&["cp", &format!("{container}:/src"), &folder.display().to_string()]);
    docker(&["rm", &container])?;
    docker(&["rmi", IMAGE])?;
    copied.map(|_| folder)
}

/// Returns Cargo's target folder.
fn target_folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap_or(Path::new("target"))
}

fn host_target() -> anyhow::Result<String> {
    let version = run(Command::new("rustc").arg("-vV"))?;
    version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc has no host")
}

fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.filter_map(|message| Some(message["executable"].as_str()?.into())).next_back()
}
