//! Many servers in one process.

use std::{collections::HashSet, time::Duration};

use gatepass_testkit::{Gatepass, Mint, User};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn twenty_servers_run_at_once_and_share_nothing() {
    let mut starting = JoinSet::new();
    for number in 0..20_u64 {
        starting.spawn(async move {
            let name = format!("user-{number}");
            let gatepass = Gatepass::builder()
                .user(User::new(&name).password("a password"))
                .client(gatepass_testkit::Client::new("shop").secret("a secret of the shop"))
                .start()
                .await
                .unwrap();
            let hours = Duration::from_secs(3_600 * number);
            gatepass.clock().advance(hours).await.unwrap();
            let token = gatepass.mint(Mint::access("shop").user(&name)).await.unwrap();
            (number, gatepass, token)
        });
    }
    let servers = starting.join_all().await;
    let issuers: HashSet<&str> = servers.iter().map(|(_, gatepass, _)| gatepass.issuer()).collect();
    let kids: HashSet<String> = servers
        .iter()
        .map(|(_, _, token)| token.header.as_ref().unwrap()["kid"].to_string())
        .collect();
    assert_eq!((issuers.len(), kids.len()), (20, 20));
    for (number, gatepass, _) in &servers {
        let state = gatepass.state().await.unwrap();
        assert_eq!((state.users, state.offset), (1, 3_600 * i64::try_from(*number).unwrap()));
        assert!(gatepass.user(&format!("user-{number}")).await.is_ok());
    }
}
