use std::{path::Path, time::Instant};

use axum::{Router, routing::get};
use tokio::net::TcpListener;

use crate::{
    comparison::Comparison,
    plan::Plan,
    process::Process,
    requests,
    result::BenchResult,
    subprocess::{self, BARE_AXUM},
};

const FIRST_TOKEN: &str = "15. start with the control API, to the first token";
const KEY_SET: &str = "15. start with the control API, to the key set with an RSA key";
const PATH: &str = "/.well-known/jwks.json";

/// Compares C with the control API, which has nothing on disk, to a bare axum: from the start of
/// the process to its first response. C's first response has a token, or it has the key set, which
/// waits until the RSA key for ID tokens is generated.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<BenchResult>> {
    let folder = tempfile::tempdir()?;
    let binary = Path::new(env!("CARGO_BIN_EXE_gatepass"));
    let settings = ["control.listen=127.0.0.1:0", "tls_listen="].map(str::to_owned);
    let ours = || Process::start_with(binary, &folder.path().join("none"), &settings);
    let limit = || Process::spawn(&mut subprocess::command(BARE_AXUM)?);
    let compare = |request: &[u8]| -> anyhow::Result<Comparison> {
        let mut pairs = Vec::new();
        for _ in 0..=plan.starts {
            let limit = first_response(limit, &requests::get(PATH))?;
            pairs.push((first_response(ours, request)?, limit));
        }
        Ok(Comparison::from_pairs(&pairs[1..]))
    };
    let (first_token, key_set) = (compare(&requests::token())?, compare(&requests::get(PATH))?);
    Ok(vec![
        BenchResult::at_most_times(FIRST_TOKEN, &first_token, "ms", 3.0),
        BenchResult::without_target(KEY_SET, &key_set, "ms"),
    ])
}

/// Returns the duration in milliseconds.
fn first_response(
    start: impl FnOnce() -> anyhow::Result<Process>,
    request: &[u8],
) -> anyhow::Result<f64> {
    let started = Instant::now();
    let process = start()?;
    process.first_response(request)?;
    Ok(started.elapsed().as_secs_f64() * 1e3)
}

/// Serves one response, and logs the address as C does.
#[expect(clippy::print_stderr, reason = "the limit has no log")]
pub fn serve_bare_axum() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        eprintln!(r#"{{"message":"starts to serve","http":"{address}"}}"#);
        let app = Router::new().route(PATH, get(|| async { "{}" }));
        Ok(axum::serve(listener, app).await?)
    })
}
