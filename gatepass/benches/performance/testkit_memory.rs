use std::{io::Write, thread, time::Duration};

use anyhow::{Context, ensure};
use gatepass_testkit::{Gatepass, Mint};
use tokio::task::JoinSet;

use crate::{
    plan::Plan,
    process::own_memory,
    requests::CLIENT_ID,
    result::BenchResult,
    subprocess::{self, ISSUERS, TESTKITS},
    testkit_seed::{testkit, testkit_with_issuers},
};

const EACH_TESTKIT: &str = "17. memory of each of 100 testkits";
const EACH_ISSUER: &str = "17. memory of each of 100 further issuers of a testkit";
const SERVERS: u32 = 100;
/// The time that the system needs to reclaim freed memory.
const SETTLE_TIME: Duration = Duration::from_secs(2);

/// Measures the memory that each of 100 testkits adds to a process that has nothing else, and the
/// memory that each of 100 further issuers adds to a testkit.
pub fn measure(_plan: &Plan) -> anyhow::Result<Vec<BenchResult>> {
    Ok(vec![
        BenchResult::at_most(EACH_TESTKIT, printed_by(TESTKITS)?, "MB", 3.0, ""),
        BenchResult::at_most(EACH_ISSUER, printed_by(ISSUERS)?, "MB", 1.0, ""),
    ])
}

fn printed_by(argument: &str) -> anyhow::Result<f64> {
    let output = subprocess::command(argument)?.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)?.trim().parse().context("no figure")
}

/// Starts 100 testkits at once, each with a token, and prints what each of them takes.
pub fn print_memory_of_testkits() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let before = own_memory()?;
    let servers = runtime.block_on(async {
        let mut starting = JoinSet::new();
        for _ in 0..SERVERS {
            starting.spawn(async {
                let gatepass = testkit().start().await?;
                gatepass.mint(Mint::access(CLIENT_ID)).await?;
                anyhow::Ok(gatepass)
            });
        }
        starting.join_all().await.into_iter().collect::<anyhow::Result<Vec<Gatepass>>>()
    })?;
    print_each(before, SERVERS)?;
    drop(servers);
    Ok(())
}

/// Starts a testkit without further issuers, and one with 100 that have a token each, and prints
/// what each issuer of the second takes.
pub fn print_memory_of_issuers() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let with_issuers = async |issuers: u32| {
        let gatepass = testkit_with_issuers(issuers).start().await?;
        gatepass.mint(Mint::access(CLIENT_ID)).await?;
        for issuer in 0..issuers {
            let issuer = gatepass.of_issuer(&format!("issuer-{issuer}"));
            issuer.mint(Mint::access(CLIENT_ID)).await?;
        }
        anyhow::Ok(gatepass)
    };
    let alone = runtime.block_on(with_issuers(0))?;
    let before = own_memory()?;
    let servers = runtime.block_on(with_issuers(SERVERS))?;
    // The issuer of the settings is one as well.
    print_each(before, SERVERS + 1)?;
    drop((alone, servers));
    Ok(())
}

/// Prints what each of `count` has added to the memory, once the system has reclaimed what was
/// freed.
fn print_each(before: f64, count: u32) -> anyhow::Result<()> {
    thread::sleep(SETTLE_TIME);
    let each = (own_memory()? - before) / f64::from(count);
    Ok(writeln!(std::io::stdout(), "{each}")?)
}
