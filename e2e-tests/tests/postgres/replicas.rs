//! Several replicas of C on one database.

use auth_server::{
    domain::{Actor, Client, SecretHash, StoredSecret},
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

/// Starts two replicas at the same time on an empty database. One of them creates the schema and
/// the keys.
async fn two(database_url: &str) -> (Replica, Replica) {
    tokio::join!(Replica::start(database_url), Replica::start(database_url))
}

/// Runs a command of C on this database.
pub async fn command(database_url: &str, words: &'static [&'static str]) {
    let setting = format!("database_url={database_url}");
    let run = move || {
        let arguments = [&["auth-server"], words, &["--set", &setting]].concat();
        auth_server::cli::run(auth_server::cli::Arguments::parse_from(arguments))
    };
    tokio::task::spawn_blocking(run).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn revocation_is_visible_on_all_replicas_at_once() {
    let (one, other) = two(&shared().fresh_database()).await;
    // A replica publishes the first key of another algorithm later than the one that created it.
    until("both publish the same keys", async || one.kids().await == other.kids().await).await;
    for client in [WITH_JWT, WITH_OPAQUE] {
        let token = one.access_token(client).await;
        assert!(one.is_active(&token).await && other.is_active(&token).await);
        assert_eq!(one.revoke(client, &token).await.status, 200);
        assert!(!other.is_active(&token).await, "a revoked token of {client} is still active");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn key_rotation_reaches_all_replicas() {
    let database = shared().fresh_database();
    let (one, other) = two(&database).await;
    let old = one.access_token(WITH_JWT).await;
    command(&database, &["keys", "rotate"]).await;
    for server in [&one, &other] {
        // The published keys may change for ID tokens at the same time, so compare the signing key.
        until("the new key signs", async || kid(&server.access_token(WITH_JWT).await) != kid(&old))
            .await;
    }
    until("both publish the same keys", async || one.kids().await == other.kids().await).await;
    let (new, newer) = (one.access_token(WITH_JWT).await, other.access_token(WITH_JWT).await);
    assert!(kid(&new) == kid(&newer) && kid(&new) != kid(&old));
    assert!(
        other.is_active(&new).await && one.is_active(&newer).await && other.is_active(&old).await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn client_changes_reach_all_replicas() {
    let database = shared().fresh_database();
    let (one, other) = two(&database).await;
    let (store, login) =
        (PostgresStore::connect(&database).await.unwrap(), ("shop", "secret-of-the-shop-4f1c"));
    store.apply(AuditedChange::add_client(client(login), Actor::Cli, 1_000)).await.unwrap();
    for server in [&one, &other] {
        until("the new client is accepted", async || server.authenticates(login).await).await;
    }
    command(&database, &["client", "disable", "shop"]).await;
    for server in [&one, &other] {
        until("the disabled client is rejected", async || !server.authenticates(login).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn registered_client_reaches_all_replicas_and_is_deleted_once() {
    let database = shared().fresh_database();
    let (one, other) = two(&database).await;
    let registered = one.register().await;
    assert_eq!(registered.status, 201, "{registered:?}");
    let (id, secret) = (registered.member("client_id"), registered.member("client_secret"));
    let login = (id.as_str(), secret.as_str());
    assert!(
        one.authenticates(login).await,
        "the replica that registered the client knows it at once"
    );
    until("the other replica knows the client", async || other.authenticates(login).await).await;
    let (here, there) = tokio::join!(one.unregister(&registered), other.unregister(&registered));
    let mut statuses = [here.status, there.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401]);
    for server in [&one, &other] {
        until("no replica knows the client", async || !server.authenticates(login).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_the_audit_log() {
    let database = shared().fresh_database();
    let (one, other) = two(&database).await;
    for server in [&one, &other] {
        let jti = claims(&server.access_token(WITH_JWT).await)["jti"].as_str().unwrap().to_owned();
        let store = PostgresStore::connect(&database).await.unwrap();
        let query =
            auth_server::domain::AuditQuery { jti: Some(jti), limit: 10, ..Default::default() };
        assert_eq!(store.audit(&query).await.unwrap().len(), 1);
    }
}

fn client((client_id, secret): (&str, &str)) -> Client {
    Client {
        secrets: vec![StoredSecret {
            hash: SecretHash::sha256(&ClientSecret::new(secret)),
            not_after: None,
        }],
        scopes: "resource:read".parse().unwrap(),
        introspection_audiences: vec!["http://localhost:9003".to_owned()],
        ..Client::without_access(client_id)
    }
}
