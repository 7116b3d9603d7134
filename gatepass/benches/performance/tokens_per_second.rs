use std::sync::Arc;

use crate::{
    comparison::Comparison,
    harness::Harness,
    limit::one_signature,
    load::{Supply, fire},
    plan::Plan,
    requests,
    result::BenchResult,
};

/// Compares C's token endpoint, from the form to the stored audit record, to one signature.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<BenchResult>> {
    let harness = Harness::with_c()?;
    let limit = harness.add_bare(one_signature(Arc::clone(&harness.token_factory)))?;
    let load = Supply::forever(requests::token());
    let comparison = Comparison::run(
        plan,
        |_| fire(harness.c, &load, plan.round),
        |_| fire(limit, &load, plan.round),
    )?;
    Ok(vec![BenchResult::at_least(
        "1. access tokens at C's `/oauth/token`",
        &comparison,
        "/s",
        0.85,
    )])
}
