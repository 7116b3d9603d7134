use auth_server::{
    domain::{Actor, Client, SecretHash, StoredSecret, TokenFormat},
    storage::AuditedChange,
};
use e2e_tests::{
    harness::{Door, Stage},
    http::until,
};
use oauth_types::ClientSecret;
use service_kit::SecretSetting;

const LATE: &str = "late-service";
const SECRET: &str = "a secret that C hears of later 5e1c";

fn late() -> Client {
    let hash = SecretHash::sha256(&ClientSecret::new(SECRET));
    Client {
        client_id: LATE.to_owned(),
        secrets: vec![StoredSecret { hash, not_after: None }],
        scopes: "resource:read resource:write".parse().unwrap(),
        resources: Door::BOTH.map(|door| door.resource().to_owned()).to_vec(),
        introspection_audiences: Vec::new(),
        token_format: TokenFormat::Jwt,
        login: None,
        dynamic: false,
        created_at: 0,
        enabled: true,
    }
}

#[tokio::test]
async fn a_client_is_added_and_disabled_while_everything_runs_and_a_says_that_the_pass_is_missing()
{
    let stage = Stage::start_with(|settings| {
        settings.service_a.client_id = LATE.to_owned();
        settings.service_a.client_secret = Some(SecretSetting::new(SECRET));
    })
    .await;
    let store = stage.store().await;
    let unknown = stage.call_a(Door::Local).await;
    unknown.failed_at("get_token", "invalid_client");
    assert!(!unknown.text.contains(SECRET), "{unknown:?}");

    store.apply(AuditedChange::add_client(late(), Actor::Cli, stage.clock.millis())).await.unwrap();
    until("A is let in", async || stage.call_a(Door::Local).await.status == 200).await;

    store.apply(AuditedChange::disable_client(LATE, Actor::Cli, 1_000)).await.unwrap();
    let login = [("client_id", LATE), ("client_secret", SECRET), ("token", "any")];
    until("C refuses it", async || stage.ask_c("/oauth/introspect", &login).await.status == 401)
        .await;
    assert_eq!(
        stage.call_a(Door::Local).await.status,
        200,
        "a pass that is out stays good until it expires"
    );
    stage.call_a(Door::Asking).await.failed_at("get_token", "invalid_client");
    stage.clock.advance(std::time::Duration::from_secs(1_800));
    stage.call_a(Door::Local).await.failed_at("get_token", "invalid_client");
}

#[tokio::test]
async fn a_client_of_the_file_that_is_taken_out_is_refused_while_everything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clients.toml");
    let demo = include_str!("../../../auth-server/src/clients/demo-clients.toml");
    std::fs::write(&file, demo).unwrap();
    let stage =
        Stage::start_with(|settings| settings.auth_server.clients_file = Some(file.clone())).await;
    assert_eq!(stage.call_a(Door::Local).await.status, 200);
    std::fs::write(
        &file,
        demo.replace("client_id = \"service-a\"", "client_id = \"somebody-else\""),
    )
    .unwrap();
    let login = [
        ("client_id", "service-a"),
        ("client_secret", e2e_tests::harness::SECRET),
        ("token", "any"),
    ];
    until("C refuses it", async || stage.ask_c("/oauth/introspect", &login).await.status == 401)
        .await;
    stage.call_a(Door::Asking).await.failed_at("get_token", "invalid_client");
}
