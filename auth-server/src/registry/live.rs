use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::SystemTime,
};

use arc_swap::ArcSwap;
use service_kit::Profile;

use super::ClientsFile;
use crate::{
    Entropy,
    domain::{Client, Registry},
    store::{Store, StoreError},
};

/// The registry that requests read, replaced as a whole when the file or the database has changed.
pub struct LiveRegistry {
    current: ArcSwap<Registry>,
    file: Option<PathBuf>,
    profile: Profile,
    entropy: Entropy,
    seen: Mutex<Seen>,
    /// One after the other: what was read earlier must not come into force later.
    taking_up: tokio::sync::Mutex<()>,
    /// Of the database, at the last taking up.
    revision: AtomicI64,
}

struct Seen {
    file: ClientsFile,
    stamp: Option<(SystemTime, u64)>,
}

impl LiveRegistry {
    /// Read file and database.
    ///
    /// # Errors
    /// When one of them cannot be used: at the start that is fatal, later the last good state stays in force.
    pub async fn open(
        file: Option<PathBuf>,
        profile: Profile,
        entropy: Entropy,
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
            taking_up: tokio::sync::Mutex::default(),
            revision: AtomicI64::new(-1),
        };
        live.take_up_clients(store).await?;
        Ok(live)
    }

    pub fn current(&self) -> Arc<Registry> {
        self.current.load_full()
    }

    /// Has the clients file changed? Then read it; one that cannot be used leaves the last good one in force.
    pub fn file_has_changed(&self) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let found = stamp(self.file.as_ref());
        if found == seen.stamp {
            return false;
        }
        seen.stamp = found;
        match ClientsFile::read(self.file.as_deref(), self.profile, &self.entropy) {
            Ok(file) => {
                tracing::info!(clients = file.clients.len(), "the clients file has changed and is in force");
                seen.file = file;
                true
            }
            Err(error) => {
                tracing::error!(%error, "the changed clients file cannot be used; the last good one stays in force");
                false
            }
        }
    }

    /// Put the clients of the database and of the file in force; where both know one, the file's.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn take_up_clients(&self, store: &dyn Store) -> Result<(), StoreError> {
        let _turn = self.taking_up.lock().await;
        // Read first: what changes in between is taken up once more.
        let revision = store.revision().await?;
        let stored = store.clients().await?;
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let clients: Vec<Client> = stored.into_iter().chain(seen.file.clients.iter().cloned()).collect();
        self.current.store(Arc::new(Registry::new(clients, seen.file.resources.clone())));
        self.revision.store(revision, Ordering::Release);
        Ok(())
    }

    /// Is this client served? One that another server has added a moment ago is looked for, not denied.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn knows(&self, client_id: &str, store: &dyn Store) -> Result<bool, StoreError> {
        let known = || self.current().client(client_id).is_some();
        if known() || store.revision().await? == self.revision.load(Ordering::Acquire) {
            return Ok(known());
        }
        self.take_up_clients(store).await?;
        Ok(known())
    }
}

/// Changes whenever the file does: an editor that keeps the second still changes the length, almost always.
fn stamp(file: Option<&PathBuf>) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(file?).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
