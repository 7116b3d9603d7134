use std::{env, fs, path::PathBuf};

use crate::{plan::Plan, result::BenchResult};

const MEASURE: &str = "7. the binary of the image";
const BINARY: &str = "GATEPASS_IMAGE_BINARY";
pub const NO_IMAGE_BINARY: &str = "no binary of profile `image`; build it";

/// Measures the size of the image's binary, which the profile `image` builds. The image contains
/// nothing else.
#[expect(clippy::cast_precision_loss, reason = "no binary has 2^52 bytes")]
pub fn measure(_plan: &Plan) -> anyhow::Result<Vec<BenchResult>> {
    let row = match image_binary() {
        Some(binary) => {
            BenchResult::at_most(MEASURE, fs::metadata(binary)?.len() as f64 / 1e6, "MB", 20.0, "")
        }
        None => BenchResult::not_measured(MEASURE, format!("{NO_IMAGE_BINARY}, or set {BINARY}")),
    };
    Ok(vec![row])
}

/// Returns the image's binary, if it was built.
pub fn image_binary() -> Option<PathBuf> {
    // target/release/gatepass and target/image/gatepass are siblings.
    let target =
        PathBuf::from(env!("CARGO_BIN_EXE_gatepass")).ancestors().nth(2).map(PathBuf::from);
    let built = target.into_iter().flat_map(|target| {
        ["image/gatepass", "x86_64-unknown-linux-gnu/image/gatepass"].map(|name| target.join(name))
    });
    env::var_os(BINARY).map(PathBuf::from).into_iter().chain(built).find(|path| path.exists())
}
