use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, ensure};
use auth_server::storage::SqliteStore;
use clock::Clock;
use tempfile::TempDir;

use crate::{
    comparison::Comparison,
    harness::{DATABASE, Harness},
    load::ClientPool,
    plan::Plan,
    refreshing::RefreshingClient,
    requests::{CLIENT_ID, RESOURCE, SCOPE},
    result::BenchResult,
    seed,
    timed::Timed,
};

const MEASURE: &str =
    "11. a refresh with five million refresh tokens over one with a thousand, p99";
const FEW: usize = 1_000;
/// One in this many of the refresh tokens is used.
const USED: usize = 50;
/// Few enough that requests do not queue: the length of a queue would be measured otherwise.
const CONNECTIONS: usize = 8;
/// The program, and the name of its Debian package.
const SQLITE: &str = "sqlite3";

/// Compares C's token endpoint with millions of live refresh tokens to one with a thousand.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<BenchResult>> {
    if Command::new(SQLITE).arg("--version").stdout(Stdio::null()).status().is_err() {
        return Ok(vec![BenchResult::not_measured(
            MEASURE,
            format!("program `{SQLITE}` not found; it fills the database"),
        )]);
    }
    let many = Harness::with_c_in(filled(plan.refresh_tokens - plan.refresh_tokens / USED)?, None)?;
    let few = Harness::with_c()?;
    let (of_many, of_few) = (pool(&many, plan.refresh_tokens / USED)?, pool(&few, FEW)?);
    let mut pairs = Vec::new();
    for _ in 0..=plan.rounds {
        pairs.push((p99(&of_many, &many, plan.round)?, p99(&of_few, &few, plan.round)?));
    }
    Ok(vec![BenchResult::at_most_times(MEASURE, &Comparison::from_pairs(&pairs[1..]), "ms", 1.5)])
}

/// Creates C's tables with this many grants and refresh tokens, by one statement.
fn filled(count: usize) -> anyhow::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join(DATABASE);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    drop(runtime.block_on(SqliteStore::open(&file))?);
    drop(runtime);
    let now = Clock::system().seconds();
    let numbers = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
    );
    run(
        &file,
        &format!(
            "PRAGMA busy_timeout = 60000; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000; PRAGMA temp_store = MEMORY; BEGIN; \
             INSERT INTO grants (grant_id, client_id, sub, sid, scope, resources, auth_time, auth_time_requested, claims, custom_claims, \
             offline, exp, delete_after, refresh_token_hash, refresh_token_generation, refresh_token_exp, refresh_token_issued_at) {numbers} \
             SELECT printf('bulk-%012d', i), '{CLIENT_ID}', printf('user-%012d', i), printf('sid-%012d', i), \
             'offline_access {SCOPE}', '{{\"named\":[\"{RESOURCE}\"]}}', {now}, 0, '{{}}', '{{\"scopes\":{{}},\"resources\":{{}}}}', 1, {now} + 2592000, {now} + 2678400, \
             randomblob(32), 0, {now} + 2592000, {now} FROM n; \
             COMMIT; PRAGMA wal_checkpoint(TRUNCATE);"
        ),
    )?;
    Ok(folder)
}

fn run(file: &Path, statements: &str) -> anyhow::Result<()> {
    let mut command = Command::new(SQLITE);
    let mut child = command
        .args(["-batch", "-bail"])
        .arg(file)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    child.stdin.take().context("no input")?.write_all(statements.as_bytes())?;
    ensure!(child.wait()?.success(), "{SQLITE} failed to fill the database");
    Ok(())
}

fn pool(harness: &Harness, count: usize) -> anyhow::Result<ClientPool<Timed<RefreshingClient>>> {
    let tokens = harness.runtime.block_on(seed::refresh_tokens(&harness.store, count))?;
    Ok(ClientPool::new(
        RefreshingClient::many(tokens, CONNECTIONS).into_iter().map(Timed::new).collect(),
    ))
}

/// Returns the 99th percentile in milliseconds.
fn p99(
    pool: &ClientPool<Timed<RefreshingClient>>,
    harness: &Harness,
    time: Duration,
) -> anyhow::Result<f64> {
    pool.fire(harness.c, time)?;
    let mut millis: Vec<f64> = pool.clients().iter_mut().flat_map(Timed::take).collect();
    millis.sort_by(f64::total_cmp);
    millis.get(millis.len() * 99 / 100).copied().context("no responses")
}
