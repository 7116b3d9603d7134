//! A full disk: requests fail while it lasts, and succeed afterwards without a restart.

use test_support::wait::until;

use crate::{
    process::{Process, settings_arguments},
    test_servers::TestServers,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_recovers_from_a_full_disk_without_a_restart() {
    let servers = TestServers::start().await;
    let a = Process::serve(&settings_arguments(&servers.settings(), &[]));
    let readiness = async || a.manage.get("/readyz").await.status;
    assert_eq!(readiness().await, 200);
    a.set_disk_full(true);
    // The check of the readiness is a transaction on the connection on which logins write.
    until("A is not ready", async || readiness().await == 503).await;
    a.set_disk_full(false);
    until("A is ready", async || readiness().await == 200).await;
}
