//! The clock of C's control API, which A and both Bs share.

use std::time::Duration;

use e2e_tests::{
    harness::{Harness, ResourceServer},
    http::ResponseAssertions,
};
use gatepass_testkit::Control;

/// Longer than an access token lives, with the leeway of B.
const LIFETIME: Duration = Duration::from_secs(1_800 + 120);

#[tokio::test]
async fn token_expires_at_b_when_the_clock_of_c_is_advanced() {
    let harness = Harness::start_controlled().await;
    let control = Control::new(&format!("http://{}", harness.control_address.unwrap())).unwrap();
    for b in ResourceServer::BOTH {
        let token = harness.access_token("service-a", b).await;
        assert_eq!(harness.call_b(b, &token).await.status, 200);
        assert_eq!(harness.call_through_a(b).await.status, 200);
        control.clock().advance(LIFETIME).await.unwrap();
        let expired = harness.call_b(b, &token).await;
        expired.assert_rejected(401, "invalid_token", "");
        // A replaces its cached token before it expires, by the same clock.
        assert_eq!(harness.call_through_a(b).await.status, 200);
    }
}
