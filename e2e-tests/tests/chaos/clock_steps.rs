//! The clocks of all replicas step together, as on one machine whose time is set. libfaketime steps
//! the time of day of each process; its monotonic time goes on.

use crate::{deployment::Deployment, load::Load};

const HOUR: i64 = 3_600;

#[tokio::test(flavor = "multi_thread")]
async fn clock_steps_fail_no_request_and_revive_no_revoked_token() {
    let deployment = Deployment::start_with_clocks().await;
    let load = Load::start(&deployment.proxy.base).await;
    // Tokens that are revoked before the clock is ahead have expired then, and are unexpired again
    // at the end.
    for offset in [-HOUR, 2 * HOUR, 0] {
        deployment.set_clocks(offset);
        load.wait_for_more().await;
        if offset > 0 {
            deployment.wait_for_sweep().await;
        }
    }
    let mut acknowledged = load.stop().await;
    acknowledged.print("clock steps of -1 h, +3 h and -2 h");
    assert!(acknowledged.failures.is_empty(), "{:?}", acknowledged.failures);
    deployment.assert_nothing_is_lost(&acknowledged).await;
}
