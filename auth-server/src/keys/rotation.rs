//! Rotation of keys, by schedule and on demand, and their withdrawal.

use clock::Clock;

use super::{
    KeyManager,
    publication::{await_publication, generate_key},
};
use crate::{
    domain::{Actor, Algorithm, KeyState},
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

/// Rotates each key whose rotation is due. If several servers try, one succeeds.
///
/// # Errors
/// Returns an error if a running server does not load the keys, or the database cannot be used.
pub async fn rotate_due(
    manager: &KeyManager,
    store: &dyn Store,
    clock: &Clock,
) -> anyhow::Result<()> {
    let due = manager.due_for_rotation(clock.seconds());
    if due.is_empty() {
        return Ok(());
    }
    // The next keys begin to sign. They can be as young as the last rotation.
    await_publication(store).await?;
    for (kid, algorithm) in &due {
        if rotate(store, kid, *algorithm, Actor::System, clock).await? {
            tracing::info!(retired = %kid, "signing key rotated by schedule");
        }
    }
    manager.reload(store, clock.seconds()).await
}

/// Rotates the current key of each algorithm.
///
/// # Errors
/// Returns an error if there is none, if another process rotated one at the same time, if a running
/// server does not load the keys, or if the database or a key cannot be used.
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
    await_publication(store).await?;
    for key in current {
        if !rotate(store, &key.kid, key.algorithm, actor.clone(), clock).await? {
            return Err(RotationError::Concurrent(key.kid));
        }
    }
    Ok(())
}

/// Deletes a key, which invalidates the tokens that it signed. A current key is rotated first.
///
/// # Errors
/// Returns an error if there is no such key, if it has signed nothing yet, if a running server does
/// not load the keys, or if the database or a key cannot be used.
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
            await_publication(store).await?;
            // If another process rotated it first, the key is retired as well.
            rotate(store, kid, key.algorithm, actor.clone(), clock).await?;
        }
        KeyState::Retired { .. } => {}
    }
    // A server that has not reloaded yet still signs with it, and another one would no longer
    // publish it.
    await_publication(store).await?;
    match store.apply(AuditedChange::withdraw_key(kid, actor, clock.millis())).await {
        // Another process withdrew it first.
        Ok(()) | Err(StoreError::KeysChanged) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Rotates a key. Returns `false` if another process rotated it first.
async fn rotate(
    store: &dyn Store,
    kid: &str,
    algorithm: Algorithm,
    actor: Actor,
    clock: &Clock,
) -> anyhow::Result<bool> {
    let new_next = generate_key(algorithm).await?;
    match store.apply(AuditedChange::rotate_key(kid, new_next, actor, clock.millis())).await {
        Ok(()) => Ok(true),
        Err(StoreError::KeysChanged) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::keys::create_first_keys;
    use crate::{
        keys::KeyPolicy,
        storage::{ServerId, SqliteStore},
    };

    const ALGORITHM: Algorithm = Algorithm::ES256;
    const DAY: Duration = Duration::from_secs(86_400);

    struct Fixture {
        store: SqliteStore,
        clock: Clock,
        _folder: tempfile::TempDir,
    }

    impl Fixture {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = SqliteStore::open(&folder.path().join("c.db")).await.unwrap();
            Self { store, clock: Clock::manual(1_000), _folder: folder }
        }

        async fn manager(&self, rotation_interval_days: u32) -> KeyManager {
            let policy =
                KeyPolicy { algorithm: ALGORITHM, rotation_interval_days, hs256_secret: None };
            let server = ServerId([1; 16]);
            create_first_keys(ALGORITHM, &self.store, &self.clock).await.unwrap();
            KeyManager::open(policy, 3_600, server, &self.store, &self.clock).await.unwrap()
        }

        /// Lets a manager rotate its keys. Returns the id of the key that signs then.
        async fn kid_after_rotation(&self, manager: &KeyManager) -> String {
            rotate_due(manager, &self.store, &self.clock).await.unwrap();
            manager.reload(&self.store, self.clock.seconds()).await.unwrap();
            manager.ring().signing_key(ALGORITHM).unwrap().kid.clone()
        }
    }

    #[tokio::test]
    async fn key_rotates_when_its_interval_has_passed() {
        let fixture = Fixture::new().await;
        let manager = fixture.manager(7).await;
        let first = manager.ring().signing_key(ALGORITHM).unwrap().kid.clone();
        fixture.clock.advance(7 * DAY - Duration::from_secs(1));
        assert_eq!(fixture.kid_after_rotation(&manager).await, first);
        fixture.clock.advance(Duration::from_secs(1));
        assert_ne!(fixture.kid_after_rotation(&manager).await, first);
    }

    #[tokio::test]
    async fn rotation_interval_zero_disables_rotation() {
        let fixture = Fixture::new().await;
        let (never, weekly) = (fixture.manager(0).await, fixture.manager(7).await);
        let first = never.ring().signing_key(ALGORITHM).unwrap().kid.clone();
        fixture.clock.advance(3_650 * DAY);
        assert_eq!(fixture.kid_after_rotation(&never).await, first);
        assert_ne!(fixture.kid_after_rotation(&weekly).await, first, "the key was due");
    }
}
