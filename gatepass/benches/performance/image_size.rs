use std::{env, fs, path::PathBuf};

use crate::{plan::Plan, row::Row};

const MEASURE: &str = "7. the image's one binary";
const BINARY: &str = "GATEPASS_IMAGE_BINARY";

/// The image holds nothing but this binary, and is built with a profile of its own. Here it is only weighed.
#[expect(
    clippy::unnecessary_wraps,
    clippy::cast_precision_loss,
    reason = "a measure as the others; no binary has 2^52 bytes"
)]
pub fn measure(_plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let row = match candidates().find_map(|path| fs::metadata(path).ok()) {
        Some(binary) => Row::at_most(MEASURE, binary.len() as f64 / 1e6, "MB", 20.0, ""),
        None => Row::not_measured(MEASURE, format!("no binary of the profile `image`; build it, or set {BINARY}")),
    };
    Ok(vec![row])
}

fn candidates() -> impl Iterator<Item = PathBuf> {
    // target/release/gatepass stands beside target/image/gatepass.
    let target = PathBuf::from(env!("CARGO_BIN_EXE_gatepass")).ancestors().nth(2).map(PathBuf::from);
    let built = target
        .into_iter()
        .flat_map(|target| ["image/gatepass", "x86_64-unknown-linux-gnu/image/gatepass"].map(|name| target.join(name)));
    env::var_os(BINARY).map(PathBuf::from).into_iter().chain(built)
}
