//! The pool on a real PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test reports a failure by panicking")]

use std::time::Duration;

use sqlx::{
    Connection, PgPool, SqlStr,
    migrate::{Migration, MigrationType, Migrator},
};
use test_support::postgres::Cluster;
use tokio::time::timeout;

const INSERT: &str = "INSERT INTO numbers (number) VALUES (1)";
const COUNT: &str = "SELECT count(*) FROM numbers";

async fn pool(url: &str) -> PgPool {
    let none = Migrator { migrations: [].as_slice().into(), ..Migrator::DEFAULT };
    sql_kit::postgres::connect(url, &none, "migrate").await.unwrap()
}

async fn count(pool: &PgPool) -> i64 {
    sqlx::query_scalar(COUNT).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn change_after_a_begin_that_was_cut_off_is_committed() {
    let cluster = Cluster::start();
    let url = cluster.fresh_database();
    let (pool, other) = (pool(&url).await, pool(&url).await);
    sqlx::query("CREATE TABLE numbers (number BIGINT)").execute(&pool).await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let frozen = cluster.freeze();
    assert!(timeout(Duration::from_millis(50), connection.begin()).await.is_err());
    drop(frozen);
    // Back to the pool, with a `BEGIN` on the way.
    drop(connection);
    for expected in 1..=3 {
        sqlx::query(INSERT).execute(&pool).await.unwrap();
        assert_eq!(count(&other).await, expected, "the change is not committed");
    }
}

#[tokio::test]
async fn transaction_that_was_cut_off_is_rolled_back() {
    let cluster = Cluster::start();
    let url = cluster.fresh_database();
    let (pool, other) = (pool(&url).await, pool(&url).await);
    sqlx::query("CREATE TABLE numbers (number BIGINT)").execute(&pool).await.unwrap();
    let mut transaction = pool.begin().await.unwrap();
    sqlx::query(INSERT).execute(&mut *transaction).await.unwrap();
    let frozen = cluster.freeze();
    let cut_off = sqlx::query(INSERT).execute(&mut *transaction);
    assert!(timeout(Duration::from_millis(50), cut_off).await.is_err());
    drop(frozen);
    drop(transaction);
    sqlx::query(INSERT).execute(&pool).await.unwrap();
    assert_eq!(count(&other).await, 1, "the transaction is rolled back, the change committed");
}

#[tokio::test]
async fn missing_tables_are_reported_and_not_created() {
    let cluster = Cluster::start();
    let url = cluster.fresh_database();
    let none = Migrator { migrations: [].as_slice().into(), ..Migrator::DEFAULT };
    let connect = async || sql_kit::postgres::connect_migrated(&url, &none, "c migrate").await;
    let error = connect().await.err().unwrap().to_string();
    assert!(error.contains("not created yet: run `c migrate`"), "{error}");
    assert!(connect().await.is_err(), "the first attempt has created nothing");
    drop(pool(&url).await);
    connect().await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations \
         (version, description, success, checksum, execution_time) VALUES (9, '', true, '', 0)";
    sqlx::query(newer).execute(&pool(&url).await).await.unwrap();
    let error = connect().await.err().unwrap().to_string();
    assert!(error.contains("belongs to a newer version"), "{error}");
}

#[tokio::test]
async fn old_tables_are_reported_and_not_migrated() {
    let cluster = Cluster::start();
    let url = cluster.fresh_database();
    let known = [migration(1, "CREATE TABLE one ()"), migration(2, "CREATE TABLE two ()")];
    let migrator =
        |count: usize| Migrator { migrations: known[..count].to_vec().into(), ..Migrator::DEFAULT };
    let (old, new) = (migrator(1), migrator(2));
    drop(sql_kit::postgres::connect(&url, &old, "c migrate").await.unwrap());
    let connect = async || sql_kit::postgres::connect_migrated(&url, &new, "c migrate").await;
    for _ in 0..2 {
        let error = connect().await.err().unwrap().to_string();
        assert!(error.contains("schema version 1 is older than 2"), "{error}");
        assert!(error.contains("run `c migrate`"), "{error}");
    }
    drop(sql_kit::postgres::connect(&url, &new, "c migrate").await.unwrap());
    connect().await.unwrap();
}

fn migration(version: i64, sql: &'static str) -> Migration {
    let sql = SqlStr::from_static(sql);
    Migration::new(version, "".into(), MigrationType::Simple, sql, false)
}
