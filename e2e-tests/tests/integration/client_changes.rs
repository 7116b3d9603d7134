use auth_server::{
    domain::{Actor, Client, SecretHash, StoredSecret},
    storage::AuditedChange,
};
use e2e_tests::{
    harness::{Harness, ResourceServer},
    http::{ResponseAssertions, until},
};
use oauth_types::ClientSecret;
use service_kit::SecretSetting;

const ADDED: &str = "added-service";
const SECRET: &str = "secret of the added client 5e1c";

fn added_client() -> Client {
    let hash = SecretHash::sha256(&ClientSecret::new(SECRET));
    Client {
        secrets: vec![StoredSecret { hash, not_after: None }],
        scopes: "resource:read resource:write".parse().unwrap(),
        resources: ResourceServer::BOTH.map(|b| b.resource().to_owned()).to_vec(),
        ..Client::without_access(ADDED)
    }
}

#[tokio::test]
async fn added_and_disabled_clients_take_effect_without_restart() {
    let harness = Harness::start_with(|settings| {
        settings.service_a.client_id = ADDED.to_owned();
        settings.service_a.client_secret = Some(SecretSetting::new(SECRET));
    })
    .await;
    let store = harness.store().await;
    let unknown = harness.call_through_a(ResourceServer::Local).await;
    unknown.assert_failed_at("get_token", "invalid_client");
    assert!(!unknown.text.contains(SECRET), "{unknown:?}");

    store
        .apply(AuditedChange::add_client(added_client(), Actor::Cli, harness.clock.millis()))
        .await
        .unwrap();
    until("C accepts the client", async || {
        harness.call_through_a(ResourceServer::Local).await.status == 200
    })
    .await;

    store.apply(AuditedChange::disable_client(ADDED, Actor::Cli, 1_000)).await.unwrap();
    let login = [("client_id", ADDED), ("client_secret", SECRET), ("token", "any")];
    until("C rejects the client", async || {
        harness.post_to_c("/oauth/introspect", &login).await.status == 401
    })
    .await;
    assert_eq!(
        harness.call_through_a(ResourceServer::Local).await.status,
        200,
        "an issued token is valid until it expires"
    );
    harness
        .call_through_a(ResourceServer::Introspecting)
        .await
        .assert_failed_at("get_token", "invalid_client");
    harness.clock.advance(std::time::Duration::from_secs(1_800));
    harness
        .call_through_a(ResourceServer::Local)
        .await
        .assert_failed_at("get_token", "invalid_client");
}

#[tokio::test]
async fn client_removed_from_the_file_is_rejected_without_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clients.toml");
    let demo = include_str!("../../../auth-server/src/clients/demo-clients.toml");
    std::fs::write(&file, demo).unwrap();
    let harness =
        Harness::start_with(|settings| settings.auth_server.clients_file = Some(file.clone()))
            .await;
    assert_eq!(harness.call_through_a(ResourceServer::Local).await.status, 200);
    std::fs::write(
        &file,
        demo.replace("client_id = \"service-a\"", "client_id = \"another-client\""),
    )
    .unwrap();
    let login = [
        ("client_id", "service-a"),
        ("client_secret", e2e_tests::harness::SECRET),
        ("token", "any"),
    ];
    until("C rejects the client", async || {
        harness.post_to_c("/oauth/introspect", &login).await.status == 401
    })
    .await;
    harness
        .call_through_a(ResourceServer::Introspecting)
        .await
        .assert_failed_at("get_token", "invalid_client");
}
