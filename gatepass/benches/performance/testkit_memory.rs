use std::{io::Write, thread, time::Duration};

use anyhow::{Context, ensure};
use gatepass_testkit::{Gatepass, Mint};
use tokio::task::JoinSet;

use crate::{
    plan::Plan,
    process::own_memory,
    requests::CLIENT_ID,
    result::BenchResult,
    subprocess::{self, TESTKITS},
    testkit_seed::testkit,
};

const MEASURE: &str = "17. memory of each of 100 testkits";
const SERVERS: u32 = 100;
/// The time that the system needs to reclaim freed memory.
const SETTLE_TIME: Duration = Duration::from_secs(2);

/// Measures the memory that each of 100 testkits adds to a process that has nothing else.
pub fn measure(_plan: &Plan) -> anyhow::Result<Vec<BenchResult>> {
    let output = subprocess::command(TESTKITS)?.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let each = String::from_utf8(output.stdout)?.trim().parse().context("no figure")?;
    Ok(vec![BenchResult::at_most(MEASURE, each, "MB", 3.0, "")])
}

/// Starts 100 testkits at once, each with a token, and prints what each of them takes.
pub fn print_memory() -> anyhow::Result<()> {
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
    thread::sleep(SETTLE_TIME);
    let each = (own_memory()? - before) / f64::from(SERVERS);
    drop(servers);
    Ok(writeln!(std::io::stdout(), "{each}")?)
}
