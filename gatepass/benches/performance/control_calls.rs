use std::time::Instant;

use anyhow::Context;
use serde_json::json;

use crate::{
    comparison::{Comparison, median},
    connection::Connection,
    plan::Plan,
    requests::{self, CLIENT_ID},
    result::BenchResult,
    testkit_seed::testkit,
    timed::micros_since,
};

const RESET: &str = "16. `POST /control/reset`, median";
const MINT: &str = "16. `POST /control/tokens`, median";
/// A reset is slower than a token, and its median needs fewer calls.
const RESETS: usize = 10;

/// Compares a reset and a token to `GET /control`, one at a time on one connection.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<BenchResult>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let gatepass = testkit().start().await?;
        let address = gatepass.control_url().strip_prefix("http://").context("no http")?;
        let mut connection = Connection::open(address.parse()?).await?;
        let mint = json!({ "token": "access", "client_id": CLIENT_ID }).to_string();
        let mint = (requests::post_json("/control/tokens", &mint), 201);
        let reset = (requests::post_json("/control/reset", "{}"), 204);
        let mint = compare(&mut connection, &mint, plan.calls).await?;
        let reset = compare(&mut connection, &reset, plan.calls / RESETS).await?;
        Ok(vec![
            BenchResult::at_most_times(RESET, &reset, "µs", 5.0),
            BenchResult::at_most_times(MINT, &mint, "µs", 5.0),
        ])
    })
}

/// Alternates single calls, so that both run under the same conditions.
async fn compare(
    connection: &mut Connection,
    (request, status): &(Vec<u8>, u16),
    calls: usize,
) -> anyhow::Result<Comparison> {
    let state = requests::get("/control");
    let (mut ours, mut limit) = (Vec::new(), Vec::new());
    for _ in 0..calls {
        let started = Instant::now();
        connection.call_expecting(request, *status).await?;
        ours.push(micros_since(started));
        let started = Instant::now();
        connection.call(&state).await?;
        limit.push(micros_since(started));
    }
    let (ours, limit) = (median(ours.into_iter()), median(limit.into_iter()));
    Ok(Comparison { ours, limit, ratio: ours / limit })
}
