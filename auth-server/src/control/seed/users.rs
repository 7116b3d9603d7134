use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use crate::{
    control::{context::ControlContext, error::ControlError},
    domain::{Actor, HashCost, User},
    seed::{Entries, SeedDocument},
    storage::AuditedChange,
    users::seed::UserToml,
};

impl ControlContext {
    /// Makes the users of the database those of `changed`, and stores their generated `sub` there.
    pub(super) async fn apply_users(
        &self,
        current: &SeedDocument,
        changed: &mut SeedDocument,
        users: Vec<UserToml>,
    ) -> Result<(), ControlError> {
        for username in current.missing_in(changed, Entries::Users) {
            if let Some(user) = self.store.user_by_username(&username).await? {
                self.apply(AuditedChange::remove_user(&user.sub, Actor::System, self.at())).await?;
            }
        }
        let mut subs = HashMap::new();
        let (before, after) = (current.by_id(Entries::Users), changed.by_id(Entries::Users));
        for entry in users {
            let username = entry.username.clone();
            let entries = (before.get(&*username).copied(), after.get(&*username).copied());
            if entries.0.is_none() || entries.0 != entries.1 {
                let sub = self.apply_user(entries, entry).await?;
                subs.insert(username, sub);
            }
        }
        changed.set_subs(&subs);
        Ok(())
    }

    /// Adds or changes a user, whose entry was the first one of `entries` and is the second one.
    /// Returns their `sub`.
    async fn apply_user(
        &self,
        (before, after): (Option<&Value>, Option<&Value>),
        entry: UserToml,
    ) -> Result<String, ControlError> {
        let username = entry.username.clone();
        let stored = self.store.user_by_username(&username).await?;
        let stored = match stored {
            // Another person, who has the name from now on.
            Some(stored) if entry.sub.as_ref().is_some_and(|sub| *sub != stored.sub) => {
                self.apply(AuditedChange::remove_user(&stored.sub, Actor::System, self.at()))
                    .await?;
                None
            }
            other => other,
        };
        let password = |entry: Option<&Value>| {
            entry.map(|entry| (entry["password"].clone(), entry["password_hash"].clone()))
        };
        let keeps_password = stored.is_some() && password(before) == password(after);
        let user = match (&stored, keeps_password) {
            (Some(stored), true) => {
                entry.with_password(stored.sub.clone(), stored.password.clone())
            }
            _ => self.hashed(entry).await?,
        };
        let Some(stored) = stored else {
            let sub = user.sub.clone();
            self.apply(AuditedChange::add_user(user, Actor::System, self.at())).await?;
            return Ok(sub);
        };
        if !keeps_password {
            let set = AuditedChange::set_password(
                &stored.sub,
                user.password.clone(),
                Actor::System,
                self.at(),
            );
            self.apply(set).await?;
        }
        let user = User { sub: stored.sub.clone(), ..user };
        self.apply(AuditedChange::update_user(&stored, user, Actor::System, self.at())).await?;
        Ok(stored.sub)
    }

    /// Hashes the password on a blocking thread, because that takes long.
    async fn hashed(&self, entry: UserToml) -> Result<User, ControlError> {
        let random = self.seed.rules.random.clone();
        let hashed =
            tokio::task::spawn_blocking(move || entry.into_user(&random, HashCost::Least)).await;
        hashed
            .map_err(|error| ControlError::internal(&error))?
            .map_err(|error| ControlError::internal(&error))
    }

    async fn apply(&self, change: AuditedChange) -> Result<(), ControlError> {
        Ok(Arc::clone(&self.store).apply(change).await?)
    }

    fn at(&self) -> i64 {
        self.clock.millis()
    }
}
