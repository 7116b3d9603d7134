use std::path::PathBuf;

use clap::Args;
use clock::Clock;
use service_kit::cli::print_line;

use crate::{AuthServerSettings, server::dev_ca};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A name of a server that needs a certificate; may be repeated, the first names the files
    #[arg(long, value_name = "NAME")]
    issue: Vec<String>,
    /// Where the certificate and its key are written
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    out: PathBuf,
}

pub(super) fn run(
    arguments: &Arguments,
    settings: &AuthServerSettings,
    clock: &Clock,
) -> anyhow::Result<()> {
    let ca = dev_ca(settings, clock)?;
    if arguments.issue.is_empty() {
        return print_line(ca.certificate().display());
    }
    ca.issue(&arguments.issue, &arguments.out, clock)?
        .iter()
        .try_for_each(|file| print_line(file.display()))
}
