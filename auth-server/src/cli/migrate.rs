use service_kit::cli::print_message;

use crate::{
    AuthServerSettings,
    server::{database_location, open_store, schema_versions},
};

pub(super) async fn run(settings: AuthServerSettings) -> anyhow::Result<()> {
    let location = database_location(&settings);
    // A database that cannot be read is reported by opening it.
    let before = schema_versions(&settings).await.ok().flatten().and_then(|found| found.stored);
    // Opening the database migrates it.
    open_store(&settings).await?;
    let after =
        schema_versions(&settings).await?.and_then(|found| found.stored).unwrap_or_default();
    print_message(match before {
        None => format!("{location}: created with schema version {after}"),
        Some(before) if before == after => format!("{location}: schema version {after} already"),
        Some(before) => format!("{location}: migrated from schema version {before} to {after}"),
    })
}
