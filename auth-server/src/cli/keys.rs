use clap::Subcommand;
use clock::Clock;
use service_kit::cli::{print_line, translated};

use crate::{
    AuthServerSettings,
    domain::{Actor, KeyState, SigningKey, SigningStatus, signing_status},
    keys::{rotate_all, withdraw},
    server::open_existing_store,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Activate the next key of each algorithm; tokens of the old keys stay valid until they expire
    Rotate,
    /// Delete a compromised key, which invalidates every token that it signed; a current key is
    /// rotated first
    Withdraw {
        /// The key id, as printed by `keys list`
        kid: String,
    },
    /// List the keys and their states
    List,
}

pub(super) async fn run(
    command: Command,
    settings: AuthServerSettings,
    clock: Clock,
) -> anyhow::Result<()> {
    let store = open_existing_store(&settings).await?;
    match command {
        Command::List => {}
        Command::Rotate => rotate_all(&*store, Actor::Cli, &clock).await?,
        Command::Withdraw { kid } => withdraw(&*store, &kid, Actor::Cli, &clock).await?,
    }
    let keys = store.signing_keys().await?;
    keys.iter().try_for_each(|key| print_line(line(key, &keys)))
}

fn line(key: &SigningKey, keys: &[SigningKey]) -> String {
    let state = match key.state {
        KeyState::Next if signing_status(key.algorithm, keys) != SigningStatus::Active => {
            "next, signs once every server publishes it".to_owned()
        }
        KeyState::Next => "next, signs after the next rotation".to_owned(),
        KeyState::Current { since } => {
            format!("current, signs since {}", super::audit::rfc3339(since * 1_000))
        }
        KeyState::Retired { since } => {
            format!(
                "retired, published since {} for its last tokens",
                super::audit::rfc3339(since * 1_000)
            )
        }
    };
    format!("{}  {}  {}", key.kid, key.algorithm.as_str(), translated(&state))
}
