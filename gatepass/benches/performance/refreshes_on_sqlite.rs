use crate::{plan::Plan, refreshing::against_one_commit, row::Row, stage::Stage};

/// Refreshes with SQLite in a file, against one commit each in another file.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let (stage, beside) = (Stage::with_c()?, Stage::with_c()?);
    let duel = against_one_commit(plan, &stage, &beside.store)?;
    Ok(vec![Row::at_least("9. refreshes on SQLite", &duel, "/s", 0.70)])
}
