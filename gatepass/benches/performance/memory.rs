use std::time::Duration;

use crate::{
    image_size::{NO_IMAGE_BINARY, image_binary},
    load::{Supply, fire},
    plan::Plan,
    process::Process,
    requests,
    result::BenchResult,
};

const MEASURE: &str = "6. memory of C";
const TIMEOUT: Duration = Duration::from_secs(600);

/// Measures the resident memory of C with the image's binary: after the first token, and after a
/// million.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<BenchResult>> {
    let Some(binary) = image_binary() else {
        return Ok(vec![BenchResult::not_measured(MEASURE, NO_IMAGE_BINARY.to_owned())]);
    };
    let folder = tempfile::tempdir()?;
    let process = Process::start(&binary, folder.path())?;
    process.first_token()?;
    let idle = process.settled_memory("6. memory of C, idle", 25.0)?;
    fire(process.address, &Supply::times(requests::token(), plan.tokens), TIMEOUT)?;
    let after = process.settled_memory("6. memory of C, after the tokens", 40.0)?;
    process.stop()?;
    Ok(vec![idle, after])
}
