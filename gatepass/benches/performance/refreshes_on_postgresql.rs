use test_support::postgres::{Cluster, is_installed};

use crate::{limit::Commits, plan::Plan, refreshing::against_one_commit, row::Row, stage::Stage};

const MEASURE: &str = "10. refreshes on PostgreSQL";

/// Refreshes on PostgreSQL, against one commit each in another database of the same cluster.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    if !is_installed() {
        return Ok(vec![Row::not_measured(MEASURE, "no PostgreSQL on this machine".to_owned())]);
    }
    let cluster = Cluster::start();
    let (stage, beside) = (
        Stage::with_c_on(&cluster.fresh_database())?,
        Stage::with_c_on(&cluster.fresh_database())?,
    );
    let duel = against_one_commit(plan, &stage, &beside.store, Commits::OfItsOwn)?;
    Ok(vec![Row::at_least(MEASURE, &duel, "/s", 0.70)])
}
