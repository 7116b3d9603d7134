use crate::{
    checks::Checks,
    diagnosis::{Diagnosis, SettingNames},
};

/// Which tables a database has, and which this program knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaVersions {
    /// Of the database; none before the first start.
    pub stored: Option<i64>,
    /// Of this program.
    pub known: i64,
}

/// Can this program work with its database? `found` is why it cannot be read, or none where there
/// is none yet.
pub fn check_database(
    checks: &mut Checks,
    names: &SettingNames,
    setting: &str,
    place: &str,
    found: &Result<Option<SchemaVersions>, String>,
) {
    const CHECK: &str = "database";
    let change = |advice: &str| names.change(setting, advice);
    match found {
        Err(reason) => {
            let compared = format!("the setting `{}` and the database", names.name(setting));
            let advice = "start it and let this user in, or name where it is";
            checks.fail(
                CHECK,
                "it cannot be used",
                Diagnosis::new(
                    compared,
                    format!("{place}, readable and writable for this user"),
                    reason,
                    change(advice),
                ),
            );
        }
        Ok(None | Some(SchemaVersions { stored: None, .. })) => {
            checks.ok(CHECK, format!("{place}: none yet, the first start makes it"));
        }
        Ok(Some(SchemaVersions { stored: Some(stored), known })) if stored > known => {
            let compared = format!("the tables of {place} and those that this program knows");
            let advice = "run the version that made it, or take a database of this one: there is no way back";
            let finding = Diagnosis::new(
                compared,
                format!("version {known} or before"),
                format!("version {stored}"),
                change(advice),
            );
            checks.fail(CHECK, "it is of a newer version", finding);
        }
        Ok(Some(SchemaVersions { stored: Some(stored), known })) if stored < known => {
            checks.ok(
                CHECK,
                format!("{place}: version {stored}, the next start brings it to {known}"),
            );
        }
        Ok(Some(SchemaVersions { known, .. })) => {
            checks.ok(CHECK, format!("{place}: version {known}"))
        }
    }
}
