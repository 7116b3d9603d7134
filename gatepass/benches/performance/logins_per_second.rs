use std::sync::Arc;

use crate::{
    browser_login::LoggingInClient,
    comparison::Comparison,
    harness::Harness,
    limit::one_login,
    load::{CONNECTIONS, ClientPool},
    plan::Plan,
    result::BenchResult,
    seed,
};

/// Compares a login of a signed-in user, from the authorization request to userinfo, to the commits
/// and signatures that it requires.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<BenchResult>> {
    let (harness, beside) = (Harness::with_c()?, Harness::with_c()?);
    let limit = harness
        .add_bare(one_login(Arc::clone(&beside.store), Arc::clone(&harness.token_factory))?)?;
    let cookie = harness.runtime.block_on(seed::signed_in_at(harness.issuer(), &*harness.store))?;
    let pool =
        || ClientPool::new((0..CONNECTIONS).map(|_| LoggingInClient::new(&cookie)).collect());
    let (ours, limits) = (pool(), pool());
    let comparison = Comparison::run(
        plan,
        |_| ours.fire(harness.c, plan.round),
        |_| limits.fire(limit, plan.round),
    )?;
    Ok(vec![BenchResult::without_target("8. logins: code, tokens, userinfo", &comparison, "/s")])
}
