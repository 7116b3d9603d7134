use test_support::postgres::{Cluster, is_installed};

use crate::{
    harness::Harness, limit::Commits, plan::Plan, refreshing::against_one_commit,
    result::BenchResult,
};

const MEASURE: &str = "10. refreshes on PostgreSQL";

/// Compares refreshes on PostgreSQL to one commit each in another database of the same cluster.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<BenchResult>> {
    if !is_installed() {
        return Ok(vec![BenchResult::not_measured(
            MEASURE,
            "PostgreSQL is not installed".to_owned(),
        )]);
    }
    let cluster = Cluster::start();
    let (harness, beside) = (
        Harness::with_c_on(&cluster.fresh_database())?,
        Harness::with_c_on(&cluster.fresh_database())?,
    );
    let comparison = against_one_commit(plan, &harness, &beside.store, Commits::Individual)?;
    Ok(vec![BenchResult::at_least(MEASURE, &comparison, "/s", 0.70)])
}
