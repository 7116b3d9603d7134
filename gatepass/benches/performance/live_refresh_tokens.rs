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
    duel::Duel,
    load::Crowd,
    plan::Plan,
    refreshing::Refreshing,
    requests::{CLIENT_ID, RESOURCE, SCOPE},
    row::Row,
    seed,
    stage::{DATABASE, Stage},
    timed::Timed,
};

const MEASURE: &str = "11. a refresh with many live tokens over one with a thousand, p99";
const FEW: usize = 1_000;
/// Of the many, one of so many is used; the others lie beside it.
const USED: usize = 50;
/// Few enough that nobody stands in a queue for long: a queue's length would be measured then.
const CONNECTIONS: usize = 8;
/// Debian's package has its name.
const SQLITE: &str = "sqlite3";

/// C's token endpoint with a thousand and with millions of refresh tokens in force, in turns.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    if Command::new(SQLITE).arg("--version").stdout(Stdio::null()).status().is_err() {
        return Ok(vec![Row::not_measured(
            MEASURE,
            format!("no program `{SQLITE}` to fill a database with"),
        )]);
    }
    let many = Stage::with_c_in(filled(plan.refresh_tokens - plan.refresh_tokens / USED)?, None)?;
    let few = Stage::with_c()?;
    let (of_many, of_few) = (crowd(&many, plan.refresh_tokens / USED)?, crowd(&few, FEW)?);
    let mut pairs = Vec::new();
    for _ in 0..=plan.rounds {
        pairs.push((p99(&of_many, &many, plan.round)?, p99(&of_few, &few, plan.round)?));
    }
    Ok(vec![Row::at_most_times(MEASURE, &Duel::of_pairs(&pairs[1..]), "ms", 1.5)])
}

/// C's own tables, with so many grants and their refresh tokens, by one statement.
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
             INSERT INTO grants (grant_id, client_id, sub, sid, scope, resources, auth_time, offline, exp, kept_until, \
             refresh_hash, refresh_number, refresh_exp, refresh_at) {numbers} \
             SELECT printf('bulk-%012d', i), '{CLIENT_ID}', printf('user-%012d', i), printf('sid-%012d', i), \
             'offline_access {SCOPE}', '[\"{RESOURCE}\"]', {now}, 1, {now} + 2592000, {now} + 2678400, \
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
    ensure!(child.wait()?.success(), "{SQLITE} could not fill the database");
    Ok(())
}

fn crowd(stage: &Stage, count: usize) -> anyhow::Result<Crowd<Timed<Refreshing>>> {
    let tokens = stage.runtime.block_on(seed::refresh_tokens(&stage.store, count))?;
    Ok(Crowd::new(Refreshing::many(tokens, CONNECTIONS).into_iter().map(Timed::new).collect()))
}

/// In milliseconds.
fn p99(crowd: &Crowd<Timed<Refreshing>>, stage: &Stage, time: Duration) -> anyhow::Result<f64> {
    crowd.fire(stage.c, time)?;
    let mut millis: Vec<f64> = crowd.callers().iter_mut().flat_map(Timed::take).collect();
    millis.sort_by(f64::total_cmp);
    millis.get(millis.len() * 99 / 100).copied().context("nobody was answered")
}
