use std::io::IsTerminal;

use clap::Args;
use serde_json::json;
use service_kit::cli::print_line;

use crate::{
    checks::Verdict,
    report::{Report, text},
};

/// How the findings are told.
#[derive(Clone, Debug, Default, Args)]
pub struct DoctorArguments {
    /// One JSON object, for programs
    #[arg(long)]
    pub json: bool,
}

/// Look, tell what was found, and fail if anything cannot work.
///
/// # Errors
/// When a check failed.
pub fn run(
    arguments: &DoctorArguments,
    examine: impl Future<Output = Vec<Report>>,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let reports = runtime.block_on(examine);
    // A name that is still being looked up would hold the process for as long as the system's
    // resolver likes.
    runtime.shutdown_background();
    let failed: usize = reports.iter().map(|report| report.count(Verdict::Fail)).sum();
    let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    print_line(match arguments.json {
        true => json!({ "services": reports, "failed": failed }).to_string(),
        false => text(&reports, coloured),
    })?;
    anyhow::ensure!(failed == 0, "the doctor found {failed} {} that cannot work", plural(failed));
    Ok(())
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "thing" } else { "things" }
}
