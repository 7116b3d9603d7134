use crate::{limit::Commits, plan::Plan, refreshing::against_one_commit, row::Row, stage::Stage};

/// Refreshes with SQLite in a file, against one commit each in another file: of its own, and
/// shared.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let duel = |commits| {
        let (stage, beside) = (Stage::with_c()?, Stage::with_c()?);
        against_one_commit(plan, &stage, &beside.store, commits)
    };
    Ok(vec![
        Row::at_least("9. refreshes on SQLite", &duel(Commits::OfItsOwn)?, "/s", 0.70),
        Row::beside("9. the same beside commits that are shared", &duel(Commits::Shared)?, "/s"),
    ])
}
