use std::{net::SocketAddr, time::Duration};

use crate::{
    duel::Duel,
    limit::one_verification,
    load::{Round, Supply, fire},
    mint::Mint,
    plan::Plan,
    requests,
    row::Row,
    stage::Stage,
};

/// A round ends with its passes; this is for a server that stands still.
const LONGEST_ROUND: Duration = Duration::from_secs(60);

/// Local B, shown each pass once, against one verification.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let stage = Stage::with_c()?;
    let b = stage.add_b()?;
    let limit = stage.add_bare(one_verification(stage.mint.public_key(), &stage.mint.claims))?;
    let against = |server| {
        let (mint, passes) = (&stage.mint, plan.passes);
        move |round| show_each_once(server, mint, round, passes)
    };
    let duel = Duel::fight(plan, against(b), against(limit))?;
    Ok(vec![Row::at_least("3. calls at local B, every pass new", &duel, "/s", 0.85)])
}

fn show_each_once(
    server: SocketAddr,
    mint: &Mint,
    round: usize,
    passes: usize,
) -> anyhow::Result<Round> {
    let new =
        |number| mint.pass(&format!("{round}-{number}")).map(|pass| requests::resource(&pass));
    let load = Supply::each_once((0..passes).map(new).collect::<Result<_, _>>()?);
    fire(server, &load, LONGEST_ROUND)
}
