//! Startup errors of the database, and its inspection by the doctor.

use auth_server::storage::PostgresStore;
use clap::Parser;
use test_support::postgres::{ACCOUNT, Cluster, HOST, PASSWORD, PASSWORD_IN_URL, shared};

use crate::{
    test_server::{Replica, WITH_JWT, prepare, settings},
    website::{self, Website},
};

/// Returns the startup error of C on this database, which must be one line without the password.
async fn startup_error(database_url: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let line = prepare(settings(database_url, &folder)).await.err().unwrap();
    assert!(line.lines().count() == 1 && line.contains("setting `database_url`"), "{line}");
    assert!(!line.contains(PASSWORD) && !line.contains("p%40ss"), "{line}");
    line
}

#[tokio::test]
async fn database_errors_are_one_line_without_the_password() {
    let url = shared().fresh_database();
    let wrong = startup_error(&url.replacen("p%40ss", "pass", 1)).await;
    assert!(wrong.contains("password authentication failed") && wrong.contains(ACCOUNT), "{wrong}");
    let missing = startup_error(&shared().url("nowhere")).await;
    assert!(missing.contains("database \"nowhere\" does not exist"), "{missing}");
    let unreachable =
        startup_error(&format!("postgres://{ACCOUNT}:{PASSWORD_IN_URL}@{HOST}:1/x")).await;
    assert!(
        unreachable.contains(&format!("{HOST}:1")) && unreachable.contains("refused"),
        "{unreachable}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_schema_is_rejected() {
    let url = shared().fresh_database();
    drop(Replica::start(&url).await);
    let name = url.rsplit('/').next().unwrap();
    shared().execute_in(
        name,
        "UPDATE _sqlx_migrations SET version = 9999 WHERE version = (SELECT max(version) FROM _sqlx_migrations)",
    );
    let line = startup_error(&url).await;
    assert!(line.contains("newer version") && line.contains("9999"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn inspection_does_not_change_the_database() {
    let url = shared().fresh_database();
    let name = url.rsplit('/').next().unwrap();
    let before = PostgresStore::inspect(&url).await.unwrap();
    assert!(before.versions.stored.is_none() && before.content.is_none(), "{before:?}");
    assert_eq!(
        shared().execute_in(name, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"),
        "0"
    );
    drop(Replica::start(&url).await);
    let after = PostgresStore::inspect(&url).await.unwrap();
    assert_eq!(after.versions.stored, Some(after.versions.known));
    assert!(!after.content.unwrap().signing.is_empty());
    let newer = "UPDATE _sqlx_migrations SET version = 9999 WHERE version = (SELECT max(version) FROM _sqlx_migrations)";
    shared().execute_in(name, newer);
    let newer = PostgresStore::inspect(&url).await.unwrap();
    assert!(newer.versions.stored == Some(9999) && newer.content.is_none(), "{newer:?}");
    let wrong =
        PostgresStore::inspect(&url.replacen("p%40ss", "pass", 1)).await.unwrap_err().to_string();
    assert!(
        wrong.contains("password authentication failed") && !wrong.contains(PASSWORD),
        "{wrong}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn database_of_another_server_is_rejected() {
    let (of_c, of_a) = (shared().fresh_database(), shared().fresh_database());
    drop((Replica::start(&of_c).await, Website::start(&of_a).await));
    let c_there = startup_error(&of_a).await;
    assert!(
        c_there.contains("another server") && c_there.contains("use a separate database"),
        "{c_there}"
    );
    let a_there = website::prepare(&of_c).await.err().unwrap();
    assert!(
        a_there.contains("setting `database_url`") && a_there.contains("another server"),
        "{a_there}"
    );
    assert!(a_there.lines().count() == 1 && !a_there.contains(PASSWORD), "{a_there}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unix_socket_connection_works() {
    let (url, folder) = (shared().fresh_database(), shared().folder().display());
    let (name, port) = (url.rsplit('/').next().unwrap(), shared().port());
    let socket = format!(
        "postgres:///{name}?host={folder}&port={port}&user={ACCOUNT}&password={PASSWORD_IN_URL}"
    );
    Replica::start(&socket).await;
    let local =
        "SELECT count(*) FROM pg_stat_activity WHERE client_addr IS NULL AND usename = 'gatepass'";
    assert_ne!(shared().execute(local), "0");
}

/// A role that may only read and change rows, and the statements that let it.
const DML_ROLE: &str = "serving";
const GRANTS: &str = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO serving; \
     GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO serving";

/// Returns the URLs of a fresh database for its owner and for the role that serves.
fn database_of_two_roles(cluster: &Cluster) -> (String, String) {
    cluster.execute(&format!("CREATE ROLE {DML_ROLE} LOGIN PASSWORD '{PASSWORD}'"));
    let owner = cluster.fresh_database();
    let serving = owner.replacen(ACCOUNT, DML_ROLE, 1);
    (owner, serving)
}

/// Runs `SERVICE migrate` in this process.
async fn migrate<A: Parser + Send + 'static>(
    service: &str,
    run: fn(A) -> anyhow::Result<()>,
    database_url: &str,
) {
    let set = format!("database_url={database_url}");
    let arguments = A::try_parse_from([service, "migrate", "--set", &set]).ok().unwrap();
    // The command has a runtime of its own.
    tokio::task::spawn_blocking(move || run(arguments)).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn c_serves_with_a_role_that_cannot_change_the_schema() {
    let cluster = Cluster::start();
    let (owner, serving) = database_of_two_roles(&cluster);
    let line = startup_error(&serving).await;
    assert!(line.contains("permission denied") && line.contains("`auth-server migrate`"), "{line}");

    migrate("auth-server", auth_server::cli::run, &owner).await;
    cluster.execute_in(owner.rsplit('/').next().unwrap(), GRANTS);
    let server = Replica::start(&serving).await;
    assert_eq!(server.get_managed("/readyz?deep").await.status, 200);
    let token = server.access_token(WITH_JWT).await;
    assert!(server.is_active(&token).await);
    assert_eq!(server.revoke(WITH_JWT, &token).await.status, 200);
    drop(server);

    // After a rollback, and after a migration that ended halfway: nothing that this role or another
    // one could run helps.
    let database = owner.rsplit('/').next().unwrap();
    for (change, words) in [
        (
            "INSERT INTO _sqlx_migrations SELECT 99, description, installed_on, success, checksum, \
             execution_time FROM _sqlx_migrations LIMIT 1",
            "belongs to a newer version",
        ),
        (
            "DELETE FROM _sqlx_migrations WHERE version = 99; \
             UPDATE _sqlx_migrations SET success = false",
            "partially applied",
        ),
    ] {
        cluster.execute_in(database, change);
        let line = startup_error(&serving).await;
        assert!(line.contains(words) && !line.contains("permission denied"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serves_with_a_role_that_cannot_change_the_schema() {
    let cluster = Cluster::start();
    let (owner, serving) = database_of_two_roles(&cluster);
    let line = website::prepare(&serving).await.err().unwrap();
    assert!(line.contains("permission denied") && line.contains("`service-a migrate`"), "{line}");

    migrate("service-a", |arguments| service_a::cli::run(&arguments), &owner).await;
    cluster.execute_in(owner.rsplit('/').next().unwrap(), GRANTS);
    let a = Website::start(&serving).await;
    assert_eq!(a.get_managed("/readyz?deep").await.status, 200);
    assert_eq!(a.get("/account").await.status, 401);
}
