use ::doctor::{Checks, SettingNames};
use sql_kit::check_database;

use crate::{
    AuthServerSettings,
    server::database_file,
    storage::{DatabaseContents, PostgresStore, SqliteStore},
};

/// Checks the database. Returns its contents if they can be read, and whether that is all: a new
/// database has none.
pub(super) async fn check_store(
    checks: &mut Checks,
    settings: &AuthServerSettings,
    names: &SettingNames,
) -> (Option<DatabaseContents>, bool) {
    if settings.control.is_on() {
        checks
            .skip("database", "with `control.listen`, the database is in the memory of the server");
        return (None, true);
    }
    let (setting, place, found) = match settings.database_url() {
        // Reported by `check_settings`.
        Err(_) => return (None, false),
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
    let Ok(found) = found else { return (None, false) };
    let is_new = found.as_ref().is_none_or(|found| found.versions.stored.is_none());
    let content = found.and_then(|found| found.content);
    let is_complete = is_new || content.is_some();
    (content, is_complete)
}
