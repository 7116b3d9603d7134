use std::{fs, sync::OnceLock};

use anyhow::{Context, anyhow};

use crate::{
    binary::{binary, repository},
    engine::{self, docker},
};

pub const NAME: &str = "gatepass";
pub const TAG: &str = "test";

static BUILT: OnceLock<Result<(), String>> = OnceLock::new();

/// Returns the name of the image under test, which is built once. Without an engine, every test
/// fails with the same error.
pub fn built() -> anyhow::Result<String> {
    BUILT
        .get_or_init(|| build().map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(|reason| anyhow!(reason))?;
    Ok(format!("{NAME}:{TAG}"))
}

fn build() -> anyhow::Result<()> {
    engine::require()?;
    let context = tempfile::tempdir()?;
    let binary = binary()?;
    fs::copy(&binary, context.path().join("gatepass"))
        .with_context(|| binary.display().to_string())?;
    fs::create_dir(context.path().join("empty"))?;
    fs::write(context.path().join("Dockerfile"), last_stage_around_the_binary()?)?;
    docker(&[
        "build",
        "--quiet",
        "--tag",
        &format!("{NAME}:{TAG}"),
        &context.path().display().to_string(),
    ])?;
    Ok(())
}

/// The last stage of the Dockerfile, unchanged, with the binary from the build context.
fn last_stage_around_the_binary() -> anyhow::Result<String> {
    let text = fs::read_to_string(repository().join("Dockerfile"))?;
    let last = text.rfind("\nFROM ").context("the Dockerfile has no stages")?;
    Ok(format!(
        "FROM scratch AS build\nCOPY gatepass /out/gatepass\nCOPY empty /out/empty\n{}",
        &text[last..]
    ))
}
