//! The resource server of the workshop (`docs/learn/workshop.md`). In each round its verification
//! of access tokens lacks one check. It is written with `jsonwebtoken` alone: `token-verifier` has
//! no check that can be left out.
//!
//! `cargo run --example workshop -- 1`

pub mod keys;
mod round_1;
mod round_2;
mod round_3;
mod round_4;
mod round_5;
mod round_6;
mod server;
mod solution;
mod token;

use std::io::Write;

use anyhow::{Context, bail, ensure};
use jsonwebtoken::Algorithm;
pub use keys::Key;
pub use server::{ResourceServer, routes};
use token::Verify;
pub use token::{Claims, Expected, Rejection};

/// Loopback, because the server accepts what it should reject.
pub const LISTEN: &str = "127.0.0.1:9012";
/// The issuer of the demo, and the resource identifier of its B that verifies locally: the tokens
/// that A has for B are valid here too.
const ISSUER: &str = "http://localhost:9000";
const RESOURCE: &str = "http://localhost:9002";

const ROUNDS: [Verify; 6] = [
    round_1::verify,
    round_2::verify,
    round_3::verify,
    round_4::verify,
    round_5::verify,
    round_6::verify,
];

/// Returns the verification of a round, `1` to `6`, or the complete one for `solution`.
pub fn verification(name: &str) -> anyhow::Result<Verify> {
    if name == "solution" {
        return Ok(solution::verify);
    }
    let round = name.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let found = round.and_then(|index| ROUNDS.get(index));
    found.copied().with_context(|| {
        format!(
            "`{name}` is not a round: expected a number from 1 to {}, or `solution`",
            ROUNDS.len()
        )
    })
}

/// Refuses to run where a server of Gatepass is configured for production.
pub fn refuse_production(
    environment: impl IntoIterator<Item = (String, String)>,
) -> anyhow::Result<()> {
    let production = environment.into_iter().find(|(name, value)| {
        name.starts_with("GATEPASS__") && name.ends_with("__PROFILE") && value == "production"
    });
    if let Some((name, _)) = production {
        bail!("{name} is `production`, and this server accepts what it should reject: unset it");
    }
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    ensure!(arguments.len() == 1, "name a round: `cargo run --example workshop -- 1`");
    let verify = verification(&arguments[0])?;
    refuse_production(
        std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }),
    )?;
    let expected = Expected {
        issuer: ISSUER.to_owned(),
        resource: RESOURCE.to_owned(),
        algorithm: Algorithm::ES256,
    };
    let listener = tokio::net::TcpListener::bind(LISTEN)
        .await
        .with_context(|| format!("cannot listen on {LISTEN}: stop the other round first"))?;
    writeln!(std::io::stdout(), "{}: http://{LISTEN}/orders. Ctrl-C ends it.", arguments[0])?;
    axum::serve(listener, routes(ResourceServer { expected, verify })).await?;
    Ok(())
}
