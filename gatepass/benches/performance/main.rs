//! How fast and how small Gatepass is, against limits that are measured in the same run.
//! `docs/reference/performance.md` explains the rows.
//!
//! `cargo bench -p gatepass` measures all; `-- --short` takes a quick look; `-- 1 3` measures some
//! rows only.

mod cached_pass;
mod connection;
mod duel;
mod every_pass_new;
mod first_token;
mod image_size;
mod known_pass;
mod limit;
mod live_refresh_tokens;
mod load;
mod login;
mod logins_per_second;
mod machine;
mod memory;
mod mint;
mod plan;
mod process;
mod refreshes_on_postgresql;
mod refreshes_on_sqlite;
mod refreshing;
mod requests;
mod row;
mod seed;
mod stage;
mod timed;
mod tokens_per_second;

use std::io::Write;

use crate::{plan::Plan, row::Row};

type Measure = fn(&Plan) -> anyhow::Result<Vec<Row>>;

/// The rows, in the order in which they are measured and printed.
const MEASURES: [Measure; 11] = [
    tokens_per_second::measure,
    known_pass::measure,
    every_pass_new::measure,
    cached_pass::measure,
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
    // As in a real process: what the default log settings cost is part of what is measured.
    let _telemetry =
        service_kit::telemetry::init("benchmark", &service_kit::telemetry::LogSettings::default())?;
    let mut out = std::io::stdout();
    writeln!(out, "{}\n{plan}\n\n{}", machine::facts(), row::HEADINGS)?;
    for measure in plan.wanted(&MEASURES) {
        for row in measure(&plan)? {
            writeln!(out, "{row}")?;
        }
    }
    Ok(())
}
