//! Several servers on one database are one server to everybody else.

use auth_server::{
    domain::{Actor, Client, SecretHash, StoredSecret, TokenFormat},
    storage::{AuditedChange, PostgresStore, Store},
};
use clap::Parser;
use e2e_tests::{
    forged_tokens::{claims, kid},
    http::until,
};
use oauth_types::ClientSecret;
use test_support::postgres::shared;

use crate::test_server::{Replica, WITH_JWT, WITH_OPAQUE};

/// Two servers that start at the same moment on an empty database: one of them makes the tables and
/// the keys.
async fn two(database_url: &str) -> (Replica, Replica) {
    tokio::join!(Replica::start(database_url), Replica::start(database_url))
}

/// Run a command of C on this database.
async fn command(database_url: &str, words: &'static [&'static str]) {
    let setting = format!("database_url={database_url}");
    let run = move || {
        let arguments = [&["auth-server"], words, &["--set", &setting]].concat();
        auth_server::cli::run(auth_server::cli::Arguments::parse_from(arguments))
    };
    tokio::task::spawn_blocking(run).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_of_one_server_is_known_to_the_other_and_revoked_for_both_at_once() {
    let (one, other) = two(&shared().fresh_database()).await;
    assert_eq!(one.kids().await, other.kids().await);
    for client in [WITH_JWT, WITH_OPAQUE] {
        let pass = one.pass(client).await;
        assert!(one.is_active(&pass).await && other.is_active(&pass).await);
        assert_eq!(one.revoke(client, &pass).await.status, 200);
        assert!(!other.is_active(&pass).await, "a revoked pass of {client} is in force");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_by_command_is_seen_by_all_servers() {
    let database = shared().fresh_database();
    let (one, other) = two(&database).await;
    let old = one.pass(WITH_JWT).await;
    command(&database, &["keys", "rotate"]).await;
    for server in [&one, &other] {
        // Keys of ID tokens may come at the same time, so it is the key that signs which tells.
        until("the new key signs", async || kid(&server.pass(WITH_JWT).await) != kid(&old)).await;
    }
    until("both publish the same", async || one.kids().await == other.kids().await).await;
    let (new, newer) = (one.pass(WITH_JWT).await, other.pass(WITH_JWT).await);
    assert!(kid(&new) == kid(&newer) && kid(&new) != kid(&old));
    assert!(
        other.is_active(&new).await && one.is_active(&newer).await && other.is_active(&old).await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_let_in_everywhere_and_refused_everywhere_within_moments() {
    let database = shared().fresh_database();
    let (one, other) = two(&database).await;
    let (store, login) = (
        PostgresStore::connect(&database).await.unwrap(),
        ("shop", "a secret that nobody guesses"),
    );
    store.apply(AuditedChange::add_client(client(login), Actor::Cli, 1_000)).await.unwrap();
    for server in [&one, &other] {
        until("the new client is let in", async || server.lets_in(login).await).await;
    }
    command(&database, &["client", "disable", "shop"]).await;
    for server in [&one, &other] {
        until("the disabled client is refused", async || !server.lets_in(login).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_registers_itself_at_one_server_is_everybodys_client_and_is_removed_once() {
    let database = shared().fresh_database();
    let (one, other) = two(&database).await;
    let told = one.register().await;
    assert_eq!(told.status, 201, "{told:?}");
    let (id, secret) = (told.member("client_id"), told.member("client_secret"));
    let login = (id.as_str(), secret.as_str());
    assert!(one.lets_in(login).await, "at once where it has registered");
    until("the other server knows it", async || other.lets_in(login).await).await;
    let (here, there) = tokio::join!(one.unregister(&told), other.unregister(&told));
    let mut statuses = [here.status, there.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401]);
    for server in [&one, &other] {
        until("nobody knows it", async || !server.lets_in(login).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_trail_is_one() {
    let database = shared().fresh_database();
    let (one, other) = two(&database).await;
    for server in [&one, &other] {
        let jti = claims(&server.pass(WITH_JWT).await)["jti"].as_str().unwrap().to_owned();
        let store = PostgresStore::connect(&database).await.unwrap();
        let query =
            auth_server::domain::AuditQuery { jti: Some(jti), limit: 10, ..Default::default() };
        assert_eq!(store.audit(&query).await.unwrap().len(), 1);
    }
}

fn client((client_id, secret): (&str, &str)) -> Client {
    Client {
        client_id: client_id.to_owned(),
        secrets: vec![StoredSecret {
            hash: SecretHash::sha256(&ClientSecret::new(secret)),
            not_after: None,
        }],
        scopes: "resource:read".parse().unwrap(),
        resources: Vec::new(),
        introspection_audiences: vec!["http://localhost:9003".to_owned()],
        token_format: TokenFormat::Jwt,
        login: None,
        dynamic: false,
        created_at: 0,
        enabled: true,
    }
}
