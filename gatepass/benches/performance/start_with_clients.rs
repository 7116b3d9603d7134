use std::{
    fmt::Write,
    path::Path,
    time::{Duration, Instant},
};

use crate::{comparison::Comparison, plan::Plan, process::Process, requests, result::BenchResult};

const MEASURE: &str = "12. start with 1,000 hashed clients over start with one";
const CLIENTS: usize = 1_000;
/// Of a random secret. C does not compute it at the start, and no client uses it.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$fKQji2gUt+lKTawGMTOgGg$ebDhPAIrnKvSZwPA5S/5jNq2F06UNGUcgU04lXQ/NFY";

/// Measures the time from the start of the process to the first response in production, on a data
/// folder that was used before, with many clients and with one.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<BenchResult>> {
    let folder = tempfile::tempdir()?;
    let settings = |clients: usize| -> anyhow::Result<[String; 5]> {
        let file = folder.path().join(format!("{clients}-clients.toml"));
        std::fs::write(&file, clients_file(clients)?)?;
        Ok([
            "profile=production".to_owned(),
            "issuer=https://login.example".to_owned(),
            "database_url=sqlite".to_owned(),
            "tls_listen=".to_owned(),
            format!("clients_file={}", file.display()),
        ])
    };
    let (many, one) = (settings(CLIENTS)?, settings(1)?);
    let mut pairs = Vec::new();
    for _ in 0..=plan.starts {
        pairs.push((start(folder.path(), &many)?, start(folder.path(), &one)?));
    }
    // The first start creates the database and the keys.
    let comparison = Comparison::from_pairs(&pairs[1..]);
    Ok(vec![BenchResult::at_most_times(MEASURE, &comparison, "ms", 1.1)])
}

/// Returns the duration in milliseconds.
fn start(folder: &Path, settings: &[String]) -> anyhow::Result<f64> {
    let started = Instant::now();
    let binary = Path::new(env!("CARGO_BIN_EXE_gatepass"));
    let process = Process::start_with(binary, folder, settings)?;
    process.first_response(&requests::get("/.well-known/jwks.json"))?;
    let elapsed: Duration = started.elapsed();
    process.stop()?;
    Ok(elapsed.as_secs_f64() * 1e3)
}

fn clients_file(clients: usize) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for number in 0..clients {
        writeln!(
            text,
            "[[clients]]\nclient_id = \"client-{number}\"\nclient_secret_hash = \"{HASH}\""
        )?;
    }
    Ok(text)
}
