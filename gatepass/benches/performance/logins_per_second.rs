use std::sync::Arc;

use crate::{
    duel::Duel,
    limit::one_login,
    load::{CONNECTIONS, Crowd},
    login::LoggingIn,
    plan::Plan,
    row::Row,
    seed,
    stage::Stage,
};

/// A login of somebody who is signed in at C, from the authorization request to userinfo, against
/// the commits and signatures that it cannot do without.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let (stage, beside) = (Stage::with_c()?, Stage::with_c()?);
    let limit = stage.add_bare(one_login(Arc::clone(&beside.store), Arc::clone(&stage.mint))?)?;
    let cookie = stage.runtime.block_on(seed::signed_in(&*stage.store))?;
    let crowd = || Crowd::new((0..CONNECTIONS).map(|_| LoggingIn::new(&cookie)).collect());
    let (ours, limits) = (crowd(), crowd());
    let duel =
        Duel::fight(plan, |_| ours.fire(stage.c, plan.round), |_| limits.fire(limit, plan.round))?;
    Ok(vec![Row::beside("8. logins: code, tokens, userinfo", &duel, "/s")])
}
