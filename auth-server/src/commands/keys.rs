use anyhow::{bail, ensure};
use clap::Subcommand;
use clock::Clock;

use service_kit::cli::say;

use crate::{
    AuthServerSettings,
    domain::{KeyState, SigningKey},
    server::open_existing_store,
    tokens::generate,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Let the next keys sign from now on, one for each algorithm; tokens of the old ones stay good until they expire
    Rotate,
    /// Show the keys and what they are used for
    List,
}

pub(super) async fn run(command: Command, settings: AuthServerSettings, clock: Clock) -> anyhow::Result<()> {
    let store = open_existing_store(&settings).await?;
    let keys = store.signing_keys().await?;
    match command {
        Command::List => keys.iter().try_for_each(|key| say(line(key))),
        Command::Rotate => {
            let current: Vec<_> = keys.iter().filter(|key| matches!(key.state, KeyState::Current { .. })).collect();
            ensure!(!current.is_empty(), "there is no key to rotate: start the server once, it makes the first");
            for SigningKey { kid, algorithm, .. } in current {
                if !store.rotate_keys(kid, &generate(*algorithm)?, clock.seconds()).await? {
                    bail!("another server has rotated the key at this moment; nothing is left to do");
                }
            }
            store.signing_keys().await?.iter().try_for_each(|key| say(line(key)))
        }
    }
}

fn line(key: &SigningKey) -> String {
    let state = match key.state {
        KeyState::Next => "next, signs after the next rotation".to_owned(),
        KeyState::Current { since } => format!("current, signs since {}", super::audit::rfc3339(since * 1_000)),
        KeyState::Retired { since } => {
            format!("retired, published since {} for its last tokens", super::audit::rfc3339(since * 1_000))
        }
    };
    format!("{}  {}  {state}", key.kid, key.algorithm.as_str())
}
