//! Measures speed and size against limits that are measured in the same run.
//! `docs/reference/performance.md` explains the rows.
//!
//! `cargo bench -p gatepass` measures all rows; `-- --short` runs a shortened version; `-- 1 3`
//! measures only some rows.

mod browser_login;
mod cached_token;
mod comparison;
mod connection;
mod first_token;
mod harness;
mod image_size;
mod limit;
mod live_refresh_tokens;
mod load;
mod logins_per_second;
mod machine;
mod memory;
mod plan;
mod process;
mod refreshes_on_postgresql;
mod refreshes_on_sqlite;
mod refreshing;
mod requests;
mod result;
mod seed;
mod timed;
mod token_factory;
mod tokens_per_second;
mod uncached_tokens;
mod verified_token;

use std::io::Write;

use crate::{plan::Plan, result::BenchResult};

type Measure = fn(&Plan) -> anyhow::Result<Vec<BenchResult>>;

/// The measurements, in the order of their rows.
const MEASURES: [Measure; 11] = [
    tokens_per_second::measure,
    verified_token::measure,
    uncached_tokens::measure,
    cached_token::measure,
    first_token::measure,
    memory::measure,
    image_size::measure,
    logins_per_second::measure,
    refreshes_on_sqlite::measure,
    refreshes_on_postgresql::measure,
    live_refresh_tokens::measure,
];

fn main() -> anyhow::Result<()> {
    let plan = Plan::from_arguments(std::env::args().skip(1))?;
    // The cost of the default log settings is part of the measurement.
    let _telemetry =
        service_kit::telemetry::init("benchmark", &service_kit::telemetry::LogSettings::default())?;
    let mut out = std::io::stdout();
    writeln!(out, "{}\n{plan}\n\n{}", machine::facts(), result::HEADINGS)?;
    for measure in plan.requested(&MEASURES) {
        for result in measure(&plan)? {
            writeln!(out, "{result}")?;
        }
    }
    Ok(())
}
