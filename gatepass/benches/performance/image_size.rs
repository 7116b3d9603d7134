use std::{env, fs, path::PathBuf};

use crate::{plan::Plan, row::Row};

const MEASURE: &str = "7. the image's one binary";
const BINARY: &str = "GATEPASS_IMAGE_BINARY";
pub const NO_IMAGE_BINARY: &str = "no binary of the profile `image`; build it";

/// The image holds nothing but this binary, and is built with a profile of its own. Here it is only
/// weighed.
#[expect(clippy::cast_precision_loss, reason = "no binary has 2^52 bytes")]
pub fn measure(_plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let row = match image_binary() {
        Some(binary) => {
            Row::at_most(MEASURE, fs::metadata(binary)?.len() as f64 / 1e6, "MB", 20.0, "")
        }
        None => Row::not_measured(MEASURE, format!("{NO_IMAGE_BINARY}, or set {BINARY}")),
    };
    Ok(vec![row])
}

/// The binary that is in the image, where it was built.
pub fn image_binary() -> Option<PathBuf> {
    // target/release/gatepass stands beside target/image/gatepass.
    let target =
        PathBuf::from(env!("CARGO_BIN_EXE_gatepass")).ancestors().nth(2).map(PathBuf::from);
    let built = target.into_iter().flat_map(|target| {
        ["image/gatepass", "x86_64-unknown-linux-gnu/image/gatepass"].map(|name| target.join(name))
    });
    env::var_os(BINARY).map(PathBuf::from).into_iter().chain(built).find(|path| path.exists())
}
