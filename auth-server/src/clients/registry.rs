use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use arc_swap::ArcSwap;
use oauth_types::AccessTokenClaims;

use super::{ClientRules, ClientsFile, FileError, unregistered::Unregistered};
use crate::{
    SecureRandom,
    domain::{Client, CustomClaims, Looseness, Registry, generation_of},
    storage::{Store, StoreError},
    watched_file::{Stamp, is_settled, stamp},
};

/// The current registry of clients and resources, replaced as a whole when the file or the database
/// changes.
pub struct ClientRegistry {
    current: ArcSwap<Registry>,
    file: Option<PathBuf>,
    rules: ClientRules,
    random: SecureRandom,
    seen: Mutex<LoadedFile>,
    /// Serializes reloads, so that an older read never replaces a newer one.
    reload_lock: tokio::sync::Mutex<()>,
    /// Revision of the database at the last reload.
    revision: AtomicI64,
}

struct LoadedFile {
    file: ClientsFile,
    claims: Arc<CustomClaims>,
    stamp: Option<Stamp>,
    /// The clients of the database.
    stored: Vec<Client>,
    unregistered: Unregistered,
}

/// The clients file as it was read at the start. Without a path, these are the demo clients.
pub struct LoadedClientsFile {
    pub contents: ClientsFile,
    /// What was parsed.
    pub text: String,
    path: Option<PathBuf>,
    /// When the file had been changed before it was read.
    stamp: Option<Stamp>,
}

impl LoadedClientsFile {
    /// Reads the clients file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be used.
    pub fn read(
        path: Option<PathBuf>,
        rules: impl Into<ClientRules>,
        random: &SecureRandom,
    ) -> Result<Self, FileError> {
        let rules = rules.into();
        let stamp = path.as_deref().and_then(stamp);
        let (name, text) = ClientsFile::text(path.as_deref(), &rules)?;
        let contents = ClientsFile::parse(&name, &text, &rules, random)?;
        Ok(Self { contents, text, path, stamp })
    }

    /// Returns the same contents, which a change of the file does not replace.
    #[must_use]
    pub fn without_reload(self) -> Self {
        Self { path: None, ..self }
    }

    /// Returns contents that did not come from a file.
    pub fn without_file(contents: ClientsFile) -> Self {
        Self { contents, text: String::new(), path: None, stamp: None }
    }
}

impl ClientRegistry {
    /// Takes the clients of the file, and loads those of the database.
    ///
    /// # Errors
    /// Returns an error if the database cannot be used. This is fatal at startup; later, the last
    /// valid state stays active.
    pub async fn open(
        loaded: LoadedClientsFile,
        rules: impl Into<ClientRules>,
        random: SecureRandom,
        claims: CustomClaims,
        store: &dyn Store,
    ) -> anyhow::Result<Self> {
        let rules = rules.into();
        let LoadedClientsFile { contents, text: _, path: file, stamp } = loaded;
        let seen = Mutex::new(LoadedFile {
            file: contents,
            claims: Arc::new(claims),
            stamp,
            stored: Vec::new(),
            unregistered: Unregistered::default(),
        });
        let registry = Self {
            current: ArcSwap::default(),
            file,
            rules,
            random,
            seen,
            reload_lock: tokio::sync::Mutex::default(),
            revision: AtomicI64::new(-1),
        };
        registry.reload(store).await?;
        if let Some(client_id) = registry.current().confusable_clients().first() {
            anyhow::bail!(confusable(client_id));
        }
        Ok(registry)
    }

    fn seen(&self) -> MutexGuard<'_, LoadedFile> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the rules that do not apply.
    pub fn looseness(&self) -> &Looseness {
        &self.rules.looseness
    }

    /// Returns the revision of the database whose clients are loaded.
    pub fn revision(&self) -> i64 {
        self.revision.load(Ordering::Acquire)
    }

    pub fn current(&self) -> Arc<Registry> {
        self.current.load_full()
    }

    /// Reads the clients file if it has changed and is no longer being written. Returns whether a
    /// new version was loaded; an invalid file leaves the last valid one active.
    pub async fn file_has_changed(&self) -> bool {
        let Some(file) = &self.file else { return false };
        let found = stamp(file);
        if found == self.seen().stamp {
            return false;
        }
        // The file may still be being written, and a prefix of it can be valid TOML.
        if !is_settled(file, found).await {
            return false;
        }
        let (file, rules, random) = (file.clone(), self.rules.clone(), self.random.clone());
        let read =
            tokio::task::spawn_blocking(move || ClientsFile::read(Some(&file), rules, &random))
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

    /// Replaces what the file and the settings define. [`ClientRegistry::reload`] activates it.
    pub fn replace(&self, file: ClientsFile, claims: CustomClaims) {
        let mut seen = self.seen();
        (seen.file, seen.claims) = (file, Arc::new(claims));
        seen.unregistered = Unregistered::default();
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
        let mut seen = self.seen();
        seen.stored = stored;
        self.activate(&seen);
        self.revision.store(revision, Ordering::Release);
        Ok(())
    }

    /// Accepts a client and resources that a request names and that are not registered, as far as
    /// the looseness says so.
    pub fn accept_unregistered(
        &self,
        client_id: Option<&str>,
        resources: impl IntoIterator<Item = String>,
    ) {
        let looseness = self.looseness();
        if !looseness.accepts_any_client() && !looseness.accepts_any_audience() {
            return;
        }
        let current = self.current();
        let client_id =
            client_id.filter(|id| looseness.accepts_any_client() && !current.has_client(id));
        let resources = resources
            .into_iter()
            .filter(|one| looseness.accepts_any_audience() && current.resource(one).is_none());
        let mut seen = self.seen();
        let mut is_changed = client_id.is_some_and(|id| seen.unregistered.add_client(id));
        for resource in resources {
            is_changed |= seen.unregistered.add_resource(&resource);
        }
        if is_changed {
            self.activate(&seen);
        }
    }

    fn activate(&self, seen: &LoadedFile) {
        let mut clients: Vec<Client> =
            seen.stored.iter().chain(&seen.file.clients).cloned().collect();
        let mut resources = seen.file.resources.clone();
        seen.unregistered.extend(&mut clients, &mut resources);
        let registry = Registry::new(clients, resources);
        for client_id in registry.confusable_clients() {
            tracing::error!(%client_id, "{}", confusable(client_id));
        }
        let (looseness, unregistered) =
            (Arc::clone(&self.rules.looseness), seen.unregistered.client_ids());
        let registry = registry.with_claims(Arc::clone(&seen.claims));
        self.current.store(Arc::new(registry.with_looseness(looseness, unregistered)));
    }

    /// Reports whether the client of a token exists and is the one that the token was issued to: a
    /// later client with the same id does not inherit the tokens of a removed one. Reloads the
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
        let generation = generation_of(&claims.jti);
        let is_same = |client: &Arc<Client>| Some(client.token_generation) == generation;
        let known = || self.current().client(&claims.client_id).is_some_and(is_same);
        if known() || store.revision().await? == self.revision() {
            return Ok(known());
        }
        self.reload(store).await?;
        Ok(known())
    }
}

/// Returns why a stored client is not in force.
fn confusable(client_id: &str) -> String {
    format!(
        "the client `{client_id}` has the identifier of a resource with typ = \"JWT\", whose access tokens could be taken for its ID tokens; give the resource another identifier, or remove the client"
    )
}

#[cfg(test)]
mod tests {
    use futures_util::poll;
    use service_kit::Profile;

    use super::*;
    use crate::{
        domain::{Actor, new_jti, with_generation},
        storage::{AuditedChange, SqliteStore},
    };

    fn clients(names: &[&str]) -> String {
        let client =
            |name: &&str| format!("[[clients]]\nclient_id = \"{name}\"\nclient_secret = \"s\"\n");
        names.iter().map(client).collect()
    }

    async fn open(file: Option<PathBuf>, store: &dyn Store) -> ClientRegistry {
        let random = SecureRandom::seeded(1);
        let loaded = LoadedClientsFile::read(file, Profile::Test, &random).unwrap();
        ClientRegistry::open(loaded, Profile::Test, random, CustomClaims::default(), store)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn token_of_an_earlier_generation_is_inactive() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("c.db")).await.unwrap();
        let apply = async |change| store.apply(change).await.unwrap();
        let registry = open(Some("/dev/null".into()), &store).await;
        let claims = |generation: i64| AccessTokenClaims {
            iss: "c".to_owned(),
            sub: "robot".to_owned(),
            aud: oauth_types::Audience::new(["b"]),
            exp: 9_999,
            iat: 0,
            nbf: None,
            jti: with_generation(&new_jti(0, &[7; 10]), generation),
            client_id: "robot".to_owned(),
            scope: oauth_types::Scope::empty(),
            act: None,
            extra: oauth_types::Claims::default(),
        };
        let is_active = async |generation| {
            registry.is_token_client_active(&claims(generation), &store).await.unwrap()
        };
        let generation = || registry.current().client("robot").unwrap().token_generation;
        let robot = || Client::without_access("robot");

        // All at one time: the times of the changes do not count.
        apply(AuditedChange::add_client(robot(), Actor::Cli, 1_000)).await;
        assert!(is_active(1).await, "another server added it");
        let first = generation();
        assert!(!is_active(first + 1).await && !is_active(0).await);
        apply(AuditedChange::disable_client("robot", Actor::Cli, 1_000)).await;
        apply(AuditedChange::enable_client("robot", Actor::Cli, 1_000)).await;
        registry.reload(&store).await.unwrap();
        let second = generation();
        assert!(is_active(second).await && !is_active(first).await);
        apply(AuditedChange::enable_client("robot", Actor::Cli, 1_000)).await;
        registry.reload(&store).await.unwrap();
        assert_eq!(generation(), second, "an enabled client keeps its tokens");
        apply(AuditedChange::remove_client("robot", Actor::Cli, 1_000)).await;
        registry.reload(&store).await.unwrap();
        assert!(!is_active(second).await);
        apply(AuditedChange::add_client(robot(), Actor::Cli, 1_000)).await;
        registry.reload(&store).await.unwrap();
        assert!(!is_active(first).await && !is_active(second).await);
        assert!(is_active(generation()).await);
    }

    #[tokio::test]
    async fn clients_file_is_reloaded_only_once_it_is_stable() {
        let folder = tempfile::tempdir().unwrap();
        let (file, whole) = (folder.path().join("clients.toml"), clients(&["a", "b", "c"]));
        std::fs::write(&file, clients(&["a"])).unwrap();
        let store = SqliteStore::open(&folder.path().join("c.db")).await.unwrap();
        let registry = open(Some(file.clone()), &store).await;

        std::fs::write(&file, "").unwrap();
        {
            let mut check = std::pin::pin!(registry.file_has_changed());
            assert!(
                poll!(&mut check).is_pending(),
                "a file that is still being written must not remove clients"
            );
            std::fs::write(&file, &whole).unwrap();
            assert!(!check.await);
        }
        assert_eq!(registry.seen().file.clients.len(), 1);
        assert!(registry.file_has_changed().await);
        assert_eq!(registry.seen().file.clients.len(), 3);
        assert!(!registry.file_has_changed().await);
    }
}
