//! Publishes keys before they sign, so that no server issues a token whose key another server does
//! not publish.

use std::time::Duration;

use anyhow::Context;
use clock::Clock;
use tokio::{
    task::spawn_blocking,
    time::{sleep, timeout},
};

use super::generate;
use crate::{
    domain::{Actor, Algorithm, NewKey, SigningKey, SigningStatus, signing_status},
    storage::{AuditedChange, RunningServers, Store, StoreError},
};

/// How often a running server reloads changed clients and keys.
pub const RELOAD_PERIOD: Duration = Duration::from_millis(500);

/// How often to look whether the running servers have loaded a revision.
const POLL_PERIOD: Duration = Duration::from_millis(50);

/// How long to wait for a running server that cannot load the keys.
const LOAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Waits until every running server publishes the keys that the caller has read from the database,
/// and for at least a reload period. A server with SQLite is the only one.
///
/// # Errors
/// Returns an error if a running server has not loaded the keys within 30 seconds, or the database
/// cannot be used.
pub(super) async fn await_publication(store: &dyn Store) -> anyhow::Result<()> {
    let Some(servers) = store.running_servers() else { return Ok(()) };
    // Read after the keys, so it is theirs or a later one.
    let revision = store.revision().await?;
    await_reload(&*servers, revision).await
}

async fn await_reload(servers: &dyn RunningServers, revision: i64) -> anyhow::Result<()> {
    let loaded = async {
        while !servers.have_loaded(revision).await? {
            sleep(POLL_PERIOD).await;
        }
        anyhow::Ok(())
    };
    let (loaded, ()) = tokio::join!(timeout(LOAD_TIMEOUT, loaded), sleep(RELOAD_PERIOD));
    loaded.context("a running server has not loaded the signing keys within 30 seconds")?
}

/// Creates the first keys of an empty database, and returns whether it was empty. They sign at
/// once, because no server publishes keys yet.
pub(super) async fn install_first_keys(
    algorithm: Algorithm,
    store: &dyn Store,
    clock: &Clock,
) -> anyhow::Result<bool> {
    if !signing_keys(store).await?.is_empty() {
        return Ok(false);
    }
    let (current, next) = tokio::try_join!(generate_key(algorithm), generate_key(algorithm))?;
    apply(AuditedChange::install_keys(current, next, Actor::System, clock.millis()), store).await
}

/// A published key of an algorithm without a current key, and the key that is next once it signs.
pub(super) struct FirstKey {
    kid: String,
    next: NewKey,
}

/// Publishes a key of an algorithm that has none. Returns the key to activate, if the algorithm has
/// no current key.
pub(super) async fn publish_first_key(
    algorithm: Algorithm,
    store: &dyn Store,
    clock: &Clock,
) -> anyhow::Result<Option<FirstKey>> {
    let mut next = None;
    loop {
        match signing_status(algorithm, &signing_keys(store).await?) {
            SigningStatus::Active => return Ok(None),
            SigningStatus::Published { kid } => {
                let next = match next {
                    Some(next) => next,
                    None => generate_key(algorithm).await?,
                };
                return Ok(Some(FirstKey { kid: kid.to_owned(), next }));
            }
            SigningStatus::NoKey => {
                // Both at once, because RSA keys take long.
                let keys = tokio::try_join!(generate_key(algorithm), generate_key(algorithm));
                let (first, second) = keys?;
                next = Some(second);
                let change = AuditedChange::publish_key(first, Actor::System, clock.millis());
                // If another server was faster, its key is published.
                apply(change, store).await?;
            }
        }
    }
}

/// Activates a published key once every server publishes it.
pub(super) async fn activate_published_key(
    FirstKey { kid, next }: FirstKey,
    store: &dyn Store,
    clock: &Clock,
) -> anyhow::Result<()> {
    await_publication(store).await?;
    let change = AuditedChange::activate_key(&kid, next, Actor::System, clock.millis());
    // If another server was faster, the key signs.
    apply(change, store).await?;
    Ok(())
}

async fn signing_keys(store: &dyn Store) -> anyhow::Result<Vec<SigningKey>> {
    store.signing_keys().await.context("failed to load the signing keys")
}

/// Applies a change, unless another server was faster. Returns whether it was applied.
async fn apply(change: AuditedChange, store: &dyn Store) -> anyhow::Result<bool> {
    match store.apply(change).await {
        Ok(()) => Ok(true),
        Err(StoreError::KeysChanged) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Generates a key: one of RSA on a blocking thread, because that takes a hundred milliseconds, and
/// any other at once.
pub(super) async fn generate_key(algorithm: Algorithm) -> anyhow::Result<NewKey> {
    Ok(match algorithm {
        Algorithm::RS256 => spawn_blocking(move || generate(algorithm)).await??,
        _ => generate(algorithm)?,
    })
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use tokio::time::Instant;

    use super::*;
    use crate::storage::{ServerId, SqliteStore};

    /// One server, which loads everything at some time or never.
    struct LoadsAt(Option<Instant>);

    #[async_trait]
    impl RunningServers for LoadsAt {
        async fn report(&self, _: ServerId, _: i64) -> Result<(), StoreError> {
            Ok(())
        }

        async fn have_loaded(&self, _: i64) -> Result<bool, StoreError> {
            Ok(self.0.is_some_and(|at| Instant::now() >= at))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn wait_ends_once_the_last_server_has_loaded_the_keys() {
        for (loads, waits) in [(0, 500), (4_000, 4_000)].map(|(loads, waits): (u64, u64)| {
            (Duration::from_millis(loads), Duration::from_millis(waits))
        }) {
            let begun = Instant::now();
            await_reload(&LoadsAt(Some(begun + loads)), 1).await.unwrap();
            let waited = begun.elapsed();
            assert!(waited >= waits && waited < waits + 2 * POLL_PERIOD, "{waited:?}");
        }
    }

    #[tokio::test]
    async fn first_key_on_sqlite_signs_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("c.db")).await.unwrap();
        tokio::time::pause();
        let begun = Instant::now();
        await_publication(&store).await.unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn server_that_cannot_load_the_keys_ends_the_wait_with_an_error() {
        let begun = Instant::now();
        let error = await_reload(&LoadsAt(None), 1).await.unwrap_err();
        assert_eq!(begun.elapsed(), LOAD_TIMEOUT);
        assert!(error.to_string().contains("has not loaded the signing keys"), "{error}");
    }
}
