use std::{path::Path, time::Instant};

use crate::{comparison::median, plan::Plan, process::Process, result::BenchResult};

/// Measures the time from the start of the process to the first token, on an existing data folder.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<BenchResult>> {
    let folder = tempfile::tempdir()?;
    let mut millis = Vec::new();
    for _ in 0..=plan.starts {
        let started = Instant::now();
        let process = Process::start(Path::new(env!("CARGO_BIN_EXE_gatepass")), folder.path())?;
        process.first_token()?;
        millis.push(started.elapsed().as_secs_f64() * 1e3);
        process.stop()?;
    }
    // The first start creates the database, the keys and the development CA.
    let warm = median(millis[1..].iter().copied());
    let cold = format!(" (on an empty folder {:.0})", millis[0]);
    Ok(vec![BenchResult::at_most("5. start to first token, median", warm, "ms", 150.0, &cold)])
}
