use doctor::SchemaVersions;

use crate::domain::{Algorithm, Client, KeyState, SigningKey};

/// A look at a database that changes nothing: no table is made, no version brought up to date.
#[derive(Debug)]
pub struct DatabaseInspection {
    pub versions: SchemaVersions,
    /// What is in it; `None` where its tables are not those of this program.
    pub content: Option<DatabaseContents>,
}

/// What a doctor has to know. The private halves of the keys are not in it.
#[derive(Debug)]
pub struct DatabaseContents {
    pub clients: Vec<Client>,
    /// The names of the keys that sign, each with its algorithm.
    pub signing: Vec<(Algorithm, String)>,
}

impl DatabaseInspection {
    pub(super) fn without_content(versions: SchemaVersions) -> Self {
        Self { versions, content: None }
    }
}

/// Of all keys those that sign.
pub(super) fn signing(keys: Vec<SigningKey>) -> Vec<(Algorithm, String)> {
    let signs = |key: &SigningKey| matches!(key.state, KeyState::Current { .. });
    keys.into_iter().filter(signs).map(|key| (key.algorithm, key.kid)).collect()
}

pub(super) fn newest(migrations: &sqlx::migrate::Migrator) -> i64 {
    migrations.iter().map(|migration| migration.version).max().unwrap_or_default()
}
