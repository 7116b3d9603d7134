use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::Context;
use serde_json::Value;

use crate::engine::run;

pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The static binary for the image: compiled now, or the one that `GATEPASS_IMAGE_BINARY` names.
pub fn binary() -> anyhow::Result<PathBuf> {
    env::var_os("GATEPASS_IMAGE_BINARY").map_or_else(compile, |path| Ok(path.into()))
}

/// As the build stage of the `Dockerfile` does it. Cargo has nothing to do where nothing has changed.
fn compile() -> anyhow::Result<PathBuf> {
    let target = host_target()?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo
        .current_dir(repository())
        .args(["build", "--locked", "--profile", "image", "-p", "gatepass", "--target", &target])
        .arg("--message-format=json-render-diagnostics")
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        // It would win over RUSTFLAGS.
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        // The first time takes minutes: whoever waits sees what is going on.
        .stderr(Stdio::inherit());
    executable(&run(&mut cargo)?).context("cargo did not say where the binary is")
}

fn host_target() -> anyhow::Result<String> {
    let version = run(Command::new("rustc").arg("-vV"))?;
    version.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned).context("rustc has no host")
}

fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.filter_map(|message| Some(message["executable"].as_str()?.into())).next_back()
}
