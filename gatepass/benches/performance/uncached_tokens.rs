use std::{net::SocketAddr, time::Duration};

use crate::{
    comparison::Comparison,
    harness::Harness,
    limit::one_verification,
    load::{Round, Supply, fire},
    plan::Plan,
    requests,
    result::BenchResult,
    token_factory::TokenFactory,
};

/// A round ends when its tokens are used up; this bounds one with a server that hangs.
const MAX_ROUND: Duration = Duration::from_secs(60);

/// Compares local B, with each access token used once, to one verification.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<BenchResult>> {
    let harness = Harness::with_c()?;
    let b = harness.add_b()?;
    let limit = harness.add_bare(one_verification(
        harness.token_factory.public_key(),
        &harness.token_factory.claims,
    ))?;
    let against = |server| {
        let (token_factory, count) = (&harness.token_factory, plan.new_tokens);
        move |round| use_each_once(server, token_factory, round, count)
    };
    let comparison = Comparison::run(plan, against(b), against(limit))?;
    Ok(vec![BenchResult::at_least(
        "3. requests at the local B, a new token each time",
        &comparison,
        "/s",
        0.85,
    )])
}

fn use_each_once(
    server: SocketAddr,
    token_factory: &TokenFactory,
    round: usize,
    count: usize,
) -> anyhow::Result<Round> {
    let new = |number| {
        token_factory.token(&format!("{round}-{number}")).map(|token| requests::resource(&token))
    };
    let load = Supply::each_once((0..count).map(new).collect::<Result<_, _>>()?);
    fire(server, &load, MAX_ROUND)
}
