use crate::{
    duel::Duel,
    limit::unchecked,
    load::{Supply, fire},
    plan::Plan,
    requests,
    row::Row,
    stage::Stage,
};

/// Local B, shown the same pass again and again, against the same handler that checks nothing.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let stage = Stage::with_c()?;
    let b = stage.add_b()?;
    let limit = stage.add_in_our_layers(unchecked(stage.mint.claims.clone()))?;
    let load = Supply::forever(requests::resource(&stage.mint.pass("known")?));
    let duel =
        Duel::fight(plan, |_| fire(b, &load, plan.round), |_| fire(limit, &load, plan.round))?;
    Ok(vec![Row::at_least("2. calls at local B, known pass", &duel, "/s", 0.90)])
}
