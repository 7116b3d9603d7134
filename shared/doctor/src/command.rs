use std::io::IsTerminal;

use clap::Args;
use serde_json::json;
use service_kit::cli::print_line;

use crate::{
    checks::Verdict,
    report::{Report, text},
};

/// Arguments of every `doctor` command.
#[derive(Clone, Debug, Default, Args)]
pub struct DoctorArguments {
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// Runs the checks and prints their reports.
///
/// # Errors
/// Returns an error if a check failed or the output cannot be written.
pub fn run(
    arguments: &DoctorArguments,
    checks: impl Future<Output = Vec<Report>>,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let reports = runtime.block_on(checks);
    // A DNS lookup that is still running must not delay the end of the process.
    runtime.shutdown_background();
    let failed: usize = reports.iter().map(|report| report.count(Verdict::Fail)).sum();
    // An empty `NO_COLOR` counts as unset (https://no-color.org).
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colored = std::io::stdout().is_terminal() && !no_color;
    print_line(match arguments.json {
        true => json!({ "services": reports, "failed": failed }).to_string(),
        false => text(&reports, colored),
    })?;
    anyhow::ensure!(failed == 0, "the doctor found {failed} {}", plural(failed));
    Ok(())
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "problem" } else { "problems" }
}
