use std::{thread, time::Duration};

use crate::{
    image_size::{NO_IMAGE_BINARY, image_binary},
    load::{Supply, fire},
    plan::Plan,
    process::Process,
    requests,
    row::Row,
};

/// What the system needs to take back what the start has freed.
const CALM: Duration = Duration::from_secs(2);
const MEASURE: &str = "6. memory of C";
const LONGEST: Duration = Duration::from_secs(600);

/// The resident memory of C as it is in the image, in a process of its own: after the first token,
/// and after a million.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let Some(binary) = image_binary() else {
        return Ok(vec![Row::not_measured(MEASURE, NO_IMAGE_BINARY.to_owned())]);
    };
    let folder = tempfile::tempdir()?;
    let process = Process::start(&binary, folder.path())?;
    process.first_token()?;
    let idle = row(&process, "6. memory of C, idle", 25.0)?;
    fire(process.address, &Supply::times(requests::token(), plan.tokens), LONGEST)?;
    let after = row(&process, "6. memory of C, after the tokens", 40.0)?;
    process.stop()?;
    Ok(vec![idle, after])
}

fn row(process: &Process, measure: &'static str, must: f64) -> anyhow::Result<Row> {
    thread::sleep(CALM);
    let memory = process.memory()?;
    Ok(Row::at_most(measure, memory.resident, "MB", must, &format!(" (peak {:.1})", memory.peak)))
}
