//! A full disk: requests fail while it lasts, and succeed afterwards without a restart.

use std::fs;

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::{HttpClient, Response, wait_until},
    process::{ServerProcess, server_settings},
    test_server::{ALICE, OPAQUE_SHOP, SITE},
};

async fn readiness(server: &ServerProcess) -> u16 {
    server.manage.get("/readyz").await.status
}

async fn device_authorization(client: &HttpClient) -> Response {
    client
        .post_form(
            "/oauth/device_authorization",
            &[("client_id", "app"), ("scope", "openid profile")],
        )
        .await
}

#[tokio::test]
async fn c_recovers_from_a_full_disk_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clients = folder.path().join("clients.toml");
    fs::write(&clients, include_str!("clients.toml")).unwrap();
    let server = ServerProcess::start(&server_settings(&folder.path().join("data"), &clients));
    let (browser, request) = (Browser::with_client(&server.client), AuthorizationRequest::site());
    let sign_in = browser.authorize(&request).await;
    server.set_disk_full(true);
    // The group commit and the pool of the writer each hold a connection.
    for _ in 0..2 {
        assert_eq!(browser.sign_in(&sign_in, ALICE).await.status(), 503);
        let issued = server.client_credentials(OPAQUE_SHOP, &[]).await;
        assert_eq!(issued.status, 503, "{issued:?}");
        assert_eq!(device_authorization(&server).await.status, 503);
    }
    wait_until("C is not ready", async || readiness(&server).await == 503).await;

    server.set_disk_full(false);
    wait_until("C is ready", async || readiness(&server).await == 200).await;
    assert_eq!(device_authorization(&server).await.status, 200);
    assert_eq!(server.client_credentials(OPAQUE_SHOP, &[]).await.status, 200);
    browser.tokens(&request, ALICE, SITE).await;
}
