use anyhow::{Context, bail, ensure};
use clap::Subcommand;
use clock::Clock;

use service_kit::cli::print_line;

use crate::{
    AuthServerSettings,
    domain::{Actor, KeyState, SigningKey, SigningStatus, signing_status},
    keys::{await_publication, generate},
    server::open_existing_store,
    storage::{AuditedChange, Store, StoreError},
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
    let keys = store.signing_keys().await?;
    match command {
        Command::List => {}
        Command::Rotate => {
            let current: Vec<_> =
                keys.iter().filter(|key| matches!(key.state, KeyState::Current { .. })).collect();
            ensure!(
                !current.is_empty(),
                "there is no key to rotate: start the server once, which creates the first keys"
            );
            // The next keys begin to sign. They can be as young as the last rotation.
            await_publication(&*store).await;
            for key in current {
                let rotated = rotate(&*store, key, &clock).await?;
                ensure!(
                    rotated,
                    "another process rotated the key `{}` at the same time; nothing was changed",
                    key.kid
                );
            }
        }
        Command::Withdraw { kid } => {
            let found = keys.iter().find(|key| key.kid == kid);
            let key = found.with_context(|| {
                format!("there is no key `{kid}`; `keys list` prints the existing ones")
            })?;
            match key.state {
                KeyState::Next => bail!(
                    "the key `{kid}` is a next key and has signed nothing: activate it with `keys rotate` first"
                ),
                KeyState::Current { .. } => {
                    await_publication(&*store).await;
                    // If another process rotated it first, the key is retired as well.
                    rotate(&*store, key, &clock).await?;
                }
                KeyState::Retired { .. } => {}
            }
            // A server that has not reloaded yet still signs with it, and another one would no
            // longer publish it.
            await_publication(&*store).await;
            let withdraw = AuditedChange::withdraw_key(&kid, Actor::Cli, clock.millis());
            match store.apply(withdraw).await {
                // Another process withdrew it first.
                Ok(()) | Err(StoreError::KeysChanged) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    let keys = store.signing_keys().await?;
    keys.iter().try_for_each(|key| print_line(line(key, &keys)))
}

/// Rotates a key. Returns `false` if another process rotated it first.
async fn rotate(store: &dyn Store, key: &SigningKey, clock: &Clock) -> anyhow::Result<bool> {
    let new_next = generate(key.algorithm)?;
    let rotate = AuditedChange::rotate_key(&key.kid, new_next, Actor::Cli, clock.millis());
    match store.apply(rotate).await {
        Ok(()) => Ok(true),
        Err(StoreError::KeysChanged) => Ok(false),
        Err(error) => Err(error.into()),
    }
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
    format!("{}  {}  {state}", key.kid, key.algorithm.as_str())
}
