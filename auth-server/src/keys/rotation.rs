//! Rotation and withdrawal of keys on demand.

use clock::Clock;

use super::publication::{await_publication, generate_key};
use crate::{
    domain::{Actor, KeyState, SigningKey},
    storage::{AuditedChange, Store, StoreError},
};

/// Why keys were not rotated or withdrawn.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    #[error("there is no key to rotate: start the server once, which creates the first keys")]
    NoKey,
    #[error("another process rotated the key `{0}` at the same time; nothing was changed")]
    Concurrent(String),
    #[error("there is no key `{0}`; `keys list` prints the existing ones")]
    Unknown(String),
    #[error(
        "the key `{0}` is a next key and has signed nothing: activate it with `keys rotate` first"
    )]
    Next(String),
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl From<StoreError> for RotationError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// Rotates the current key of each algorithm.
///
/// # Errors
/// Returns an error if there is none, if another process rotated one at the same time, or if the
/// database or a key cannot be used.
pub async fn rotate_all(
    store: &dyn Store,
    actor: Actor,
    clock: &Clock,
) -> Result<(), RotationError> {
    let mut current = store.signing_keys().await?;
    current.retain(|key| matches!(key.state, KeyState::Current { .. }));
    if current.is_empty() {
        return Err(RotationError::NoKey);
    }
    // The next keys begin to sign. They can be as young as the last rotation.
    await_publication(store).await;
    for key in current {
        if !rotate(store, &key, actor.clone(), clock).await? {
            return Err(RotationError::Concurrent(key.kid));
        }
    }
    Ok(())
}

/// Deletes a key, which invalidates the tokens that it signed. A current key is rotated first.
///
/// # Errors
/// Returns an error if there is no such key, if it has signed nothing yet, or if the database or a
/// key cannot be used.
pub async fn withdraw(
    store: &dyn Store,
    kid: &str,
    actor: Actor,
    clock: &Clock,
) -> Result<(), RotationError> {
    let keys = store.signing_keys().await?;
    let found = keys.iter().find(|key| key.kid == kid);
    let key = found.ok_or_else(|| RotationError::Unknown(kid.to_owned()))?;
    match key.state {
        KeyState::Next => return Err(RotationError::Next(kid.to_owned())),
        KeyState::Current { .. } => {
            await_publication(store).await;
            // If another process rotated it first, the key is retired as well.
            rotate(store, key, actor.clone(), clock).await?;
        }
        KeyState::Retired { .. } => {}
    }
    // A server that has not reloaded yet still signs with it, and another one would no longer
    // publish it.
    await_publication(store).await;
    match store.apply(AuditedChange::withdraw_key(kid, actor, clock.millis())).await {
        // Another process withdrew it first.
        Ok(()) | Err(StoreError::KeysChanged) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Rotates a key. Returns `false` if another process rotated it first.
async fn rotate(
    store: &dyn Store,
    key: &SigningKey,
    actor: Actor,
    clock: &Clock,
) -> Result<bool, RotationError> {
    let new_next = generate_key(key.algorithm).await?;
    match store.apply(AuditedChange::rotate_key(&key.kid, new_next, actor, clock.millis())).await {
        Ok(()) => Ok(true),
        Err(StoreError::KeysChanged) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
