//! Measures speed and size against limits that are measured in the same run.
//! `docs/reference/performance.md` explains the rows.
//!
//! `cargo bench -p gatepass` measures all rows; `-- --short` runs a shortened version; `-- 1 3`
//! measures only some rows.

mod browser_login;
mod cached_token;
mod comparison;
mod connection;
mod control_calls;
mod first_token;
mod harness;
mod image_size;
mod limit;
mod live_refresh_tokens;
mod load;
mod logins_per_second;
mod machine;
mod memory;
mod memory_after_unknown_clients;
mod plan;
mod process;
mod refreshes_on_postgresql;
mod refreshes_on_sqlite;
mod refreshing;
mod requests;
mod result;
mod seed;
mod start_in_memory;
mod start_with_clients;
mod subprocess;
mod testkit_memory;
mod testkit_seed;
mod testkit_start;
mod timed;
mod token_factory;
mod tokens_per_second;
mod uncached_tokens;
mod verified_token;

use std::io::Write;

use crate::{plan::Plan, result::BenchResult};

type Measure = fn(&Plan) -> anyhow::Result<Vec<BenchResult>>;

/// The measurements, in the order of their rows.
const MEASURES: [Measure; 17] = [
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
    start_with_clients::measure,
    memory_after_unknown_clients::measure,
    testkit_start::measure,
    start_in_memory::measure,
    control_calls::measure,
    testkit_memory::measure,
];

fn main() -> anyhow::Result<()> {
    // The rows that need another process start this program again.
    match std::env::args().nth(1).as_deref() {
        Some(subprocess::BARE_AXUM) => return start_in_memory::serve_bare_axum(),
        Some(subprocess::TESTKITS) => return testkit_memory::print_memory_of_testkits(),
        Some(subprocess::ISSUERS) => return testkit_memory::print_memory_of_issuers(),
        _ => {}
    }
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
