use crate::{
    harness::Harness, limit::Commits, plan::Plan, refreshing::against_one_commit,
    result::BenchResult,
};

/// Compares refreshes on SQLite to one commit each in another file: individual and shared commits.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<BenchResult>> {
    let comparison = |commits| {
        let (harness, beside) = (Harness::with_c()?, Harness::with_c()?);
        against_one_commit(plan, &harness, &beside.store, commits)
    };
    Ok(vec![
        BenchResult::at_least(
            "9. refreshes on SQLite",
            &comparison(Commits::Individual)?,
            "/s",
            0.70,
        ),
        BenchResult::without_target(
            "9. refreshes on SQLite, limit with group commits",
            &comparison(Commits::Shared)?,
            "/s",
        ),
    ])
}
