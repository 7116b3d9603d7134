use anyhow::{Context, bail, ensure};
use clap::Subcommand;
use clock::Clock;

use service_kit::cli::print_line;

use crate::{
    AuthServerSettings,
    domain::{KeyState, SigningKey},
    keys::generate,
    server::open_existing_store,
    storage::Store,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Let the next keys sign from now on, one for each algorithm; tokens of the old ones stay good
    /// until they expire
    Rotate,
    /// Publish a key no more, because somebody else has it: its tokens are void. One that signs is
    /// rotated first
    Withdraw {
        /// The key's name, as `keys list` shows it
        kid: String,
    },
    /// Show the keys and what they are used for
    List,
}

pub(super) async fn run(
    command: Command,
    settings: AuthServerSettings,
    clock: Clock,
) -> anyhow::Result<()> {
    let store = open_existing_store(&settings).await?;
    let keys = store.signing_keys().await?;
    match command {
        Command::List => {}
        Command::Rotate => {
            let current: Vec<_> =
                keys.iter().filter(|key| matches!(key.state, KeyState::Current { .. })).collect();
            ensure!(
                !current.is_empty(),
                "there is no key to rotate: start the server once, it makes the first"
            );
            for key in current {
                let rotated = rotate(&*store, key, &clock).await?;
                ensure!(
                    rotated,
                    "another server has rotated the key at this moment; nothing is left to do"
                );
            }
        }
        Command::Withdraw { kid } => {
            let found = keys.iter().find(|key| key.kid == kid);
            let key = found.with_context(|| {
                format!("there is no key `{kid}`; `keys list` shows those there are")
            })?;
            match key.state {
                KeyState::Next => bail!(
                    "the key `{kid}` has signed nothing yet: `keys rotate` puts it in force, then it can be withdrawn"
                ),
                // Where another server was quicker, the key is retired too, and that is what is
                // needed.
                KeyState::Current { .. } => drop(rotate(&*store, key, &clock).await?),
                KeyState::Retired { .. } => {}
            }
            store.withdraw_key(&kid).await?;
        }
    }
    store.signing_keys().await?.iter().try_for_each(|key| print_line(line(key)))
}

/// Says whether it did, or another server was quicker.
async fn rotate(store: &dyn Store, key: &SigningKey, clock: &Clock) -> anyhow::Result<bool> {
    Ok(store.rotate_keys(&key.kid, &generate(key.algorithm)?, clock.seconds()).await?)
}

fn line(key: &SigningKey) -> String {
    let state = match key.state {
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
    format!("{}  {}  {state}", key.kid, key.algorithm.as_str())
}
