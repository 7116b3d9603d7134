//! The seed: resources, clients, users and claims, as the files and settings define them. Calls
//! change it while the server runs, and a reset restores it.

mod checks;
mod users;
mod watch;

use std::{iter, sync::Arc};

use axum::{Json, extract::State, response::IntoResponse};
use serde_json::{Map, Value, json};
use tokio::{sync::Mutex, task::spawn_blocking};

pub use checks::SeedRules;
pub use watch::watch_seed_file;

use self::checks::Checked;
use super::{context::ControlContext, error::ControlError};
use crate::{
    domain::{Actor, User},
    http::NO_STORE,
    seed::{Entries, SeedDocument},
    storage::{AuditedChange, GrantOwner},
    watched_file::WatchedFile,
};

/// The seed of the server, as it was at the start and as calls have changed it.
pub struct Seed {
    rules: Arc<SeedRules>,
    file: Option<WatchedFile>,
    state: Mutex<SeedState>,
}

struct SeedState {
    /// What a reset restores.
    initial: SeedDocument,
    /// Their entries are in `initial`. A reset need not hash their passwords again.
    initial_users: Vec<User>,
    current: SeedDocument,
}

impl Seed {
    /// Returns the seed of the settings. `users` are those that the server has created from it.
    pub fn new(
        rules: SeedRules,
        document: SeedDocument,
        users: Vec<User>,
        file: Option<WatchedFile>,
    ) -> Self {
        let state = Mutex::new(SeedState::new(document, users));
        Self { rules: Arc::new(rules), file, state }
    }

    /// Returns a copy of the seed as calls have changed it.
    pub async fn current(&self) -> SeedDocument {
        self.state.lock().await.current.clone()
    }

    /// Checks a seed on a blocking thread, because that takes long with many entries.
    async fn check(&self, document: &SeedDocument) -> Result<Checked, ControlError> {
        let (rules, document) = (Arc::clone(&self.rules), document.clone());
        let checked = spawn_blocking(move || rules.check(&document)).await;
        checked.map_err(|error| ControlError::internal(&error))?
    }
}

impl SeedState {
    fn new(mut document: SeedDocument, users: Vec<User>) -> Self {
        let subs = users.iter().map(|user| (user.username.clone(), user.sub.clone()));
        document.set_subs(&subs.collect());
        Self { current: document.clone(), initial: document, initial_users: users }
    }
}

impl ControlContext {
    /// Changes the seed, applies it and returns it. If the changed seed breaks a rule, nothing
    /// changes. `within` makes a pointer into the seed one into the body of the call.
    pub async fn change_seed(
        &self,
        within: impl FnOnce(ControlError) -> ControlError,
        change: impl FnOnce(&mut SeedDocument) -> Result<(), ControlError>,
    ) -> Result<SeedDocument, ControlError> {
        let mut state = self.seed.state.lock().await;
        let mut changed = state.current.clone();
        change(&mut changed)?;
        let checked = self.seed.check(&changed).await.map_err(within)?;
        state.current = self.apply_seed(&state.current, changed, checked).await?;
        Ok(state.current.clone())
    }

    /// Makes another seed the one of this server and of its further issuers, which a reset restores
    /// from now on. If one of them breaks a rule, nothing changes.
    async fn replace_seeds(&self, seed: SeedDocument) -> Result<(), ControlError> {
        if !seed.has_issuers_of(&self.seed.state.lock().await.initial) {
            let text = "a change of the names, URLs or listeners of issuers takes effect at the next start";
            return Err(ControlError::invalid(text).at("/issuers"));
        }
        let mut replacements = vec![self.check_replacement(seed.clone()).await?];
        for (index, (context, issuer)) in self.further().iter().zip(seed.issuers()).enumerate() {
            let checked = context.check_replacement(seed.of_issuer(issuer)).await;
            replacements.push(checked.map_err(|error| error.below(&format!("/issuers/{index}")))?);
        }
        let further = self.further().iter().map(|context| &**context);
        for (context, (seed, checked)) in iter::once(self).chain(further).zip(replacements) {
            context.replace_seed(seed, checked).await?;
        }
        Ok(())
    }

    /// Checks a seed that is to replace the one of this issuer.
    async fn check_replacement(
        &self,
        seed: SeedDocument,
    ) -> Result<(SeedDocument, Checked), ControlError> {
        let checked = self.seed.check(&seed).await?;
        let state = self.seed.state.lock().await;
        if checked.looseness != *self.clients.registry.looseness()
            || seed.looseness() != state.initial.looseness()
        {
            let text = "a change of the looseness takes effect at the next start";
            return Err(ControlError::invalid(text).at("/looseness"));
        }
        Ok((seed, checked))
    }

    async fn replace_seed(&self, seed: SeedDocument, checked: Checked) -> Result<(), ControlError> {
        let mut state = self.seed.state.lock().await;
        let applied = self.apply_seed(&state.current, seed, checked).await?;
        *state = SeedState::new(applied, self.store.users().await?);
        Ok(())
    }

    /// Applies a seed, and returns it with the generated `sub` of its users.
    async fn apply_seed(
        &self,
        current: &SeedDocument,
        mut changed: SeedDocument,
        Checked { clients, users, claims, .. }: Checked,
    ) -> Result<SeedDocument, ControlError> {
        self.apply_users(current, &mut changed, users.users).await?;
        for client_id in current.missing_in(&changed, Entries::Clients) {
            // As `client remove` does.
            let owner = GrantOwner::Client { client_id };
            let at = self.clock.millis();
            self.store.apply(AuditedChange::revoke_grants(owner, Actor::System, at)).await?;
        }
        self.clients.registry.replace(clients, claims);
        self.clients.registry.reload(&*self.store).await?;
        Ok(changed)
    }

    /// Makes the seed what it was at the start, or when its file was last applied. `restore` does
    /// the same with the database.
    pub async fn restore_seed(
        &self,
        restore: impl AsyncFnOnce(&[User]) -> Result<(), ControlError>,
    ) -> Result<(), ControlError> {
        let mut state = self.seed.state.lock().await;
        let Checked { clients, claims, .. } = self.seed.check(&state.initial).await?;
        restore(&state.initial_users).await?;
        self.clients.registry.replace(clients, claims);
        self.clients.registry.reload(&*self.store).await?;
        state.current = state.initial.clone();
        Ok(())
    }
}

/// `GET /control/seed`: returns the seed as it is now. Entries have the members of the files, and
/// both are sorted. That of the issuer of the settings has the seeds of the others.
pub async fn seed(State(context): State<Arc<ControlContext>>) -> impl IntoResponse {
    let mut export = context.export_seed().await;
    let mut issuers = Vec::new();
    for further in context.further() {
        let mut seed = further.export_seed().await;
        seed.insert("name".to_owned(), json!(further.name));
        if let Some(listen) = &further.listen {
            seed.insert("listen".to_owned(), json!(listen));
        }
        issuers.push(Value::Object(seed));
    }
    if !issuers.is_empty() {
        export.insert("issuers".to_owned(), issuers.into());
    }
    let mut export = Value::Object(export);
    // A program that runs this server in process may have JSON objects keep the order of members.
    export.sort_all_objects();
    (NO_STORE, Json(export))
}

impl ControlContext {
    async fn export_seed(&self) -> Map<String, Value> {
        let document = self.seed.current().await;
        let sorted = |entries| json!(document.sorted(entries));
        [
            ("issuer", json!(self.issuer)),
            ("resources", sorted(Entries::Resources)),
            ("clients", sorted(Entries::Clients)),
            ("users", sorted(Entries::Users)),
            ("claims", json!(document.claims())),
            ("looseness", json!(self.clients.registry.looseness().names())),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }
}
