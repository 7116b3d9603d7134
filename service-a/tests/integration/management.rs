use service_kit::Listeners;
use test_support::{management::assert_management, process::set_arguments};

use crate::{process::SERVICE_A, test_servers::TestServers};

#[tokio::test]
async fn health_and_metrics_are_on_the_management_listener_alone() {
    let servers = TestServers::start().await;
    let a = servers.start_a_with(|settings| settings.legacy_secret_demo = true).await;
    assert_eq!(a.get("/openapi.json").await.status, 200);
    assert_management(&a.manage, &[&a.client], "/openapi.json").await;
}

#[tokio::test]
async fn management_listener_is_off_by_default() {
    let servers = TestServers::start().await;
    let mut settings = servers.settings();
    settings.listen = "127.0.0.1:0".to_owned();
    assert!(Listeners::bind(&settings).unwrap().manage.is_none());
}

#[tokio::test]
async fn listeners_that_share_an_address_are_named() {
    let shared =
        set_arguments(&[("listen", "0.0.0.0:19101"), ("manage_listen", "localhost:19101")]);
    for command in ["serve", "check-config"] {
        let output = SERVICE_A.run(&[command], &shared).await;
        let expected = "manage_listen: localhost:19101 is already taken by `listen`";
        assert!(output.code == Some(1) && output.stderr.contains(expected), "{output:?}");
    }
}
