use crate::{
    comparison::Comparison,
    harness::Harness,
    limit::unchecked,
    load::{Supply, fire},
    plan::Plan,
    requests,
    result::BenchResult,
};

/// Compares local B, with the same access token in every call, to the same handler without
/// verification.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<BenchResult>> {
    let harness = Harness::with_c()?;
    let b = harness.add_b()?;
    let limit = harness.add_in_our_layers(unchecked(harness.token_factory.claims.clone()))?;
    let load = Supply::forever(requests::resource(&harness.token_factory.token("known")?));
    let comparison =
        Comparison::run(plan, |_| fire(b, &load, plan.round), |_| fire(limit, &load, plan.round))?;
    Ok(vec![BenchResult::at_least(
        "2. requests at the local B, cached token",
        &comparison,
        "/s",
        0.90,
    )])
}
