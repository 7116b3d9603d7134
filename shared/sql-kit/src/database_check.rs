use doctor::{Checks, Diagnosis, SettingNames};

use crate::SchemaVersions;

/// Checks that this program can use its database. `location` is its file or host for messages.
/// `inspected` is the result of a read-only inspection: an error if the database cannot be read,
/// `None` if it does not exist yet.
pub fn check_database(
    checks: &mut Checks,
    names: &SettingNames,
    setting: &str,
    location: &str,
    inspected: &Result<Option<SchemaVersions>, String>,
) {
    const CHECK: &str = "database";
    let change = |advice: &str| names.change(setting, advice);
    match inspected {
        Err(reason) => {
            let compared = format!("the setting `{}` and the database", names.name(setting));
            let advice = "start the database and grant this user access, or correct the setting";
            checks.fail(
                CHECK,
                "the database cannot be used",
                Diagnosis::new(
                    compared,
                    format!("{location}, readable and writable by this user"),
                    reason,
                    change(advice),
                ),
            );
        }
        Ok(None | Some(SchemaVersions { stored: None, .. })) => {
            checks.ok(CHECK, format!("{location}: not created yet; the first start creates it"));
        }
        Ok(Some(SchemaVersions { stored: Some(stored), known })) if stored > known => {
            let compared = format!(
                "the schema version of {location} and the newest one that this program knows"
            );
            let advice = "run the newer version that migrated the database, or use another database: migrations cannot be undone";
            let diagnosis = Diagnosis::new(
                compared,
                format!("version {known} or earlier"),
                format!("version {stored}"),
                change(advice),
            );
            checks.fail(CHECK, "the database belongs to a newer version", diagnosis);
        }
        Ok(Some(SchemaVersions { stored: Some(stored), known })) if stored < known => {
            checks.ok(
                CHECK,
                format!("{location}: version {stored}, the next start migrates it to {known}"),
            );
        }
        Ok(Some(SchemaVersions { known, .. })) => {
            checks.ok(CHECK, format!("{location}: version {known}"));
        }
    }
}
