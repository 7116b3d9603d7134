use sqlx::migrate::{MigrateError, Migrator};

/// The schema version of a database and the newest one that this program knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaVersions {
    /// The version of the database; `None` before the first migration.
    pub stored: Option<i64>,
    /// The newest version among the program's migrations.
    pub known: i64,
}

impl SchemaVersions {
    pub(crate) fn new(stored: Option<i64>, migrations: &Migrator) -> Self {
        let known = migrations.iter().map(|migration| migration.version).max();
        Self { stored, known: known.unwrap_or_default() }
    }

    /// Returns whether the database has exactly the tables that this program expects.
    #[must_use]
    pub fn match_exactly(self) -> bool {
        self.stored == Some(self.known)
    }
}

/// Returns why the migrations cannot be applied.
pub(crate) fn explain(error: &MigrateError) -> String {
    match error {
        MigrateError::VersionMissing(version) => format!(
            "the database has schema version {version}, which this program does not know: it belongs to a newer version, or to another server: use a separate database for each server"
        ),
        MigrateError::VersionMismatch(_) => {
            "the database belongs to another server: use a separate database for this one"
                .to_owned()
        }
        other => other.to_string(),
    }
}
