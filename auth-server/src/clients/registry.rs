use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use oauth_types::AccessTokenClaims;
use service_kit::Profile;

use super::ClientsFile;
use crate::{
    SecureRandom,
    domain::{CLOCK_LEEWAY_SECONDS, Client, Registry, issued_at},
    storage::{Store, StoreError},
};

/// The current registry of clients and resources, replaced as a whole when the file or the database
/// changes.
pub struct ClientRegistry {
    current: ArcSwap<Registry>,
    file: Option<PathBuf>,
    profile: Profile,
    entropy: SecureRandom,
    seen: Mutex<Seen>,
    /// Serializes reloads, so that an older read never replaces a newer one.
    reload_lock: tokio::sync::Mutex<()>,
    /// Revision of the database at the last reload.
    revision: AtomicI64,
}

/// A file that has not changed for this long is complete.
const STILL: Duration = Duration::from_millis(50);

struct Seen {
    file: ClientsFile,
    stamp: Option<(SystemTime, u64)>,
}

impl ClientRegistry {
    /// Loads the file and the database.
    ///
    /// # Errors
    /// Returns an error if one of them cannot be used. This is fatal at startup; later, the last
    /// valid state stays active.
    pub async fn open(
        file: Option<PathBuf>,
        profile: Profile,
        entropy: SecureRandom,
        store: &dyn Store,
    ) -> anyhow::Result<Self> {
        let stamp = stamp(file.as_ref());
        let read = ClientsFile::read(file.as_deref(), profile, &entropy)?;
        let seen = Mutex::new(Seen { file: read, stamp });
        let live = Self {
            current: ArcSwap::default(),
            file,
            profile,
            entropy,
            seen,
            reload_lock: tokio::sync::Mutex::default(),
            revision: AtomicI64::new(-1),
        };
        live.reload(store).await?;
        Ok(live)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn current(&self) -> Arc<Registry> {
        self.current.load_full()
    }

    /// Reads the clients file if it has changed and is no longer being written. Returns whether a
    /// new version was loaded; an invalid file leaves the last valid one active.
    pub async fn file_has_changed(&self) -> bool {
        let Some(file) = &self.file else { return false };
        let found = stamp(Some(file));
        if found == self.seen().stamp {
            return false;
        }
        // The file may still be being written, and a prefix of it can be valid TOML.
        tokio::time::sleep(STILL).await;
        if found != stamp(Some(file)) {
            return false;
        }
        let (file, profile, entropy) = (file.clone(), self.profile, self.entropy.clone());
        let read =
            tokio::task::spawn_blocking(move || ClientsFile::read(Some(&file), profile, &entropy))
                .await;
        let mut seen = self.seen();
        seen.stamp = found;
        match read.map_err(anyhow::Error::from).and_then(|read| read.map_err(anyhow::Error::from)) {
            Ok(file) => {
                tracing::info!(clients = file.clients.len(), "clients file reloaded");
                seen.file = file;
                true
            }
            Err(error) => {
                tracing::error!(%error, "failed to reload the clients file; the last valid version stays active");
                false
            }
        }
    }

    /// Makes the next check read the file again, because its content could not be activated.
    pub fn mark_stale(&self) {
        self.seen().stamp = None;
    }

    /// Activates the clients of the database and of the file. A client in the file replaces the
    /// one in the database with the same id.
    ///
    /// # Errors
    /// Returns an error if the database cannot be read.
    pub async fn reload(&self, store: &dyn Store) -> Result<(), StoreError> {
        let _turn = self.reload_lock.lock().await;
        // Read first: a change made in between causes another reload.
        let revision = store.revision().await?;
        let stored = store.clients().await?;
        let seen = self.seen();
        let clients: Vec<Client> =
            stored.into_iter().chain(seen.file.clients.iter().cloned()).collect();
        self.current.store(Arc::new(Registry::new(clients, seen.file.resources.clone())));
        self.revision.store(revision, Ordering::Release);
        Ok(())
    }

    /// Reports whether the client of a token exists and already existed when the token was issued:
    /// a later client with the same id does not inherit the tokens of a removed one. Reloads the
    /// registry first if the database has changed, because another server may have added the
    /// client.
    ///
    /// # Errors
    /// Returns an error if the database cannot be read.
    pub async fn is_token_client_active(
        &self,
        claims: &AccessTokenClaims,
        store: &dyn Store,
    ) -> Result<bool, StoreError> {
        let issued_at = issued_at(&claims.jti).unwrap_or_default();
        let is_older = |client: &Arc<Client>| {
            (client.tokens_valid_from - CLOCK_LEEWAY_SECONDS).saturating_mul(1_000) <= issued_at
        };
        let known = || self.current().client(&claims.client_id).is_some_and(is_older);
        if known() || store.revision().await? == self.revision.load(Ordering::Acquire) {
            return Ok(known());
        }
        self.reload(store).await?;
        Ok(known())
    }
}

/// Returns the modification time and length of a file. The length detects most edits within the
/// resolution of the time.
fn stamp(file: Option<&PathBuf>) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(file?).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;
    use crate::{
        domain::{Actor, new_jti},
        storage::{AuditedChange, SqliteStore},
    };

    fn clients(names: &[&str]) -> String {
        let client =
            |name: &&str| format!("[[clients]]\nclient_id = \"{name}\"\nclient_secret = \"s\"\n");
        names.iter().map(client).collect()
    }

    #[tokio::test]
    async fn token_older_than_its_client_is_inactive() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("c.db")).await.unwrap();
        let robot = ClientsFile::read(None, Profile::Test, &SecureRandom::seeded(1))
            .unwrap()
            .clients
            .remove(0);
        let client_id = robot.client_id.clone();
        store
            .apply(AuditedChange::add_client(
                Client { secrets: Vec::new(), ..robot },
                Actor::Cli,
                1_000_000,
            ))
            .await
            .unwrap();
        let live = ClientRegistry::open(
            Some("/dev/null".into()),
            Profile::Test,
            SecureRandom::seeded(1),
            &store,
        )
        .await
        .unwrap();
        let claims = |millis: i64| AccessTokenClaims {
            iss: "c".to_owned(),
            sub: client_id.clone(),
            aud: oauth_types::Audience::new(["b"]),
            exp: 9_999,
            iat: 0,
            nbf: None,
            jti: new_jti(millis, &[7; 10]),
            client_id: client_id.clone(),
            scope: oauth_types::Scope::empty(),
            act: None,
            extra: oauth_types::Claims::default(),
        };
        for (millis, known) in [(1_000_000, true), (995_000, true), (994_999, false), (0, false)] {
            assert_eq!(
                live.is_token_client_active(&claims(millis), &store).await.unwrap(),
                known,
                "{millis}"
            );
        }
        store.apply(AuditedChange::remove_client(&client_id, Actor::Cli, 1_010_000)).await.unwrap();
        live.reload(&store).await.unwrap();
        assert!(!live.is_token_client_active(&claims(1_000_000), &store).await.unwrap());
    }

    #[tokio::test]
    async fn clients_file_is_reloaded_only_once_it_is_stable() {
        let folder = tempfile::tempdir().unwrap();
        let (file, whole) = (folder.path().join("clients.toml"), clients(&["a", "b", "c"]));
        std::fs::write(&file, clients(&["a"])).unwrap();
        let store = SqliteStore::open(&folder.path().join("c.db")).await.unwrap();
        let entropy = SecureRandom::seeded(1);
        let live =
            ClientRegistry::open(Some(file.clone()), Profile::Test, entropy, &store).await.unwrap();

        std::fs::write(&file, "").unwrap();
        {
            let mut check = std::pin::pin!(live.file_has_changed());
            assert!(
                poll!(&mut check).is_pending(),
                "a file that is still being written must not remove clients"
            );
            std::fs::write(&file, &whole).unwrap();
            assert!(!check.await);
        }
        assert_eq!(live.seen().file.clients.len(), 1);
        assert!(live.file_has_changed().await);
        assert_eq!(live.seen().file.clients.len(), 3);
        assert!(!live.file_has_changed().await);
    }
}
