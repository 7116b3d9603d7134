use std::path::Path;

use crate::{connection::Connection, plan::Plan, process::Process, requests, result::BenchResult};

const IDLE: &str = "13. memory of C with the release binary, idle";
const AFTER: &str = "13. memory of C with the release binary, after 700 unknown clients";
const REQUESTS: usize = 700;
const CONNECTIONS: usize = 16;

/// Measures the resident memory of a cold C with the release binary, without any variable of the
/// environment: after the start, and after requests that name unknown clients. They compute a hash
/// each until the rate limit rejects them.
pub fn measure(_: &Plan) -> anyhow::Result<Vec<BenchResult>> {
    let folder = tempfile::tempdir()?;
    let process = Process::start(Path::new(env!("CARGO_BIN_EXE_gatepass")), folder.path())?;
    process.first_response(&requests::get("/.well-known/jwks.json"))?;
    let idle = process.settled_memory(IDLE, 30.0)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(request_with_unknown_clients(&process))?;
    let after = process.settled_memory(AFTER, 45.0)?;
    process.stop()?;
    Ok(vec![idle, after])
}

async fn request_with_unknown_clients(process: &Process) -> anyhow::Result<()> {
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CONNECTIONS {
        let mut connection = Connection::open(process.address).await?;
        callers.spawn(async move {
            for number in (caller..REQUESTS).step_by(CONNECTIONS) {
                let client = (&*format!("u{number}"), "guess");
                let grant = [("grant_type", "client_credentials")];
                // Status 401, and 429 beyond the rate limit.
                connection.call_any(&requests::token_of(client, &grant)).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(result) = callers.join_next().await {
        result??;
    }
    Ok(())
}
