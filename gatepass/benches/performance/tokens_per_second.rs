use std::sync::Arc;

use crate::{
    duel::Duel,
    limit::one_signature,
    load::{Supply, fire},
    plan::Plan,
    requests,
    row::Row,
    stage::Stage,
};

/// C's token endpoint, from the form to the stored audit record, against one signature.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let stage = Stage::with_c()?;
    let limit = stage.add_bare(one_signature(Arc::clone(&stage.mint)))?;
    let load = Supply::forever(requests::token());
    let duel = Duel::fight(
        plan,
        |_| fire(stage.c, &load, plan.round),
        |_| fire(limit, &load, plan.round),
    )?;
    Ok(vec![Row::at_least("1. tokens at C's /oauth/token", &duel, "/s", 0.85)])
}
