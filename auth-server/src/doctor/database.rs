use ::doctor::{Checks, SettingNames};
use sql_kit::check_database;

use crate::{
    AuthServerSettings,
    server::database_file,
    storage::{DatabaseInspection, PostgresStore, SqliteStore},
};

/// Checks the database, and returns its contents if they can be read.
pub(super) async fn check_store(
    checks: &mut Checks,
    settings: &AuthServerSettings,
    names: &SettingNames,
) -> Option<DatabaseInspection> {
    let (setting, place, found) = match settings.database_url() {
        // Reported by `check_settings`.
        Err(_) => return None,
        Ok(Some(url)) => (
            "database_url",
            PostgresStore::location(url),
            PostgresStore::inspect(url).await.map(Some),
        ),
        Ok(None) => {
            let file = database_file(settings);
            ("data_dir", file.display().to_string(), SqliteStore::inspect(&file).await)
        }
    };
    let versions = found.as_ref().map(|inspection| Some(inspection.as_ref()?.versions));
    check_database(checks, names, setting, &place, &versions.map_err(ToString::to_string));
    found.ok().flatten()
}
