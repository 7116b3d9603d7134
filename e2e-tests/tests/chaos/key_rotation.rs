//! Keys rotate under load.

use test_support::wait::until;

use crate::{
    deployment::Deployment,
    load::{Load, kid_of_a_new_token},
};

const ROTATIONS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn key_rotation_fails_no_request_and_signs_with_published_keys_only() {
    let deployment = Deployment::start().await;
    let load = Load::start(&deployment.proxy.base).await;
    for _ in 0..ROTATIONS {
        let before = kid_of_a_new_token(&deployment.replicas[0].client).await;
        deployment.replicas[0].command(&["keys", "rotate"]).await;
        until("every replica signs with the new key", async || {
            let mut changed = true;
            for replica in &deployment.replicas {
                let kid = kid_of_a_new_token(&replica.client).await;
                // Every other replica has published it already.
                for other in &deployment.replicas {
                    let published = other.client.get("/.well-known/jwks.json").await.text;
                    assert!(published.contains(&kid), "{kid} is not published");
                }
                changed &= kid != before;
            }
            changed
        })
        .await;
        load.wait_for_more().await;
    }
    let mut acknowledged = load.stop().await;
    acknowledged.print("three key rotations");
    assert!(acknowledged.failures.is_empty(), "{:?}", acknowledged.failures);
    deployment.assert_nothing_is_lost(&acknowledged).await;
}
