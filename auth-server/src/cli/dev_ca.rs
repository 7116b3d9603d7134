use std::{io::Write, path::PathBuf};

use anyhow::ensure;
use clap::Args;
use clock::Clock;
use service_kit::{
    cli::{print_line, translated},
    tls::ServerCertificate,
};

use crate::{
    AuthServerSettings,
    server::{dev_ca, dev_ca_certificate},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A name of a server that needs a certificate; may be repeated, the first names the files. The
    /// certificate is valid for 397 days
    #[arg(long, value_name = "NAME")]
    issue: Vec<String>,
    /// Where the certificate and its key are written
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    out: PathBuf,
    /// Create the CA if there is none
    #[arg(long)]
    create: bool,
}

pub(super) fn run(
    arguments: &Arguments,
    settings: &AuthServerSettings,
    clock: &Clock,
) -> anyhow::Result<()> {
    let existing = dev_ca_certificate(settings);
    // A mistyped folder must not get a second CA, whose certificates no server trusts.
    ensure!(
        arguments.create || existing.exists(),
        "there is no development CA {} (setting `data_dir`): go to its folder, or create one with --create",
        std::path::absolute(&existing)?.display()
    );
    let ca = dev_ca(settings, clock)?;
    if arguments.issue.is_empty() {
        return print_line(ca.certificate().display());
    }
    let [certificate, key] = ca.issue(&arguments.issue, &arguments.out, clock)?;
    if let Some(issued) = ServerCertificate::load(Some(&certificate), Some(&key))? {
        // Programs read the paths from standard output.
        let end = issued.end()?;
        let note = format!("valid until {end}: issue it again before that day");
        writeln!(std::io::stderr(), "{}", translated(&note))?;
    }
    print_line(certificate.display())?;
    print_line(key.display())
}
