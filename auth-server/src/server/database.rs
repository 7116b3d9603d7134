use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, ensure};
use sql_kit::{SchemaVersions, sqlite};

use super::compose::Storage;
use crate::{
    AuthServerSettings, SecureRandom,
    clients::LoadedClientsFile,
    control::{Seed, SeedRules},
    domain::HashCost,
    seed::SeedDocument,
    settings::{ConfiguredFiles, ConfiguredSeed},
    storage::{MemoryStore, PostgresStore, SqliteStore, Store},
    users::seed::{UsersFile, create_users, seed_users},
};

const DATABASE: &str = "auth-server.db";
const CHECK_DATABASE: &str =
    "check the setting `database_url`, and that PostgreSQL is running there";

/// Returns the path of the SQLite database.
pub(crate) fn database_file(settings: &AuthServerSettings) -> PathBuf {
    settings.data_dir.join(DATABASE)
}

/// Returns where the database is, for messages. Contains no password.
pub(crate) fn database_location(settings: &AuthServerSettings) -> String {
    if settings.control.is_on() {
        return "in memory".to_owned();
    }
    if let Ok(Some(url)) = settings.database_url() {
        return PostgresStore::location(url);
    }
    sqlite::location(&database_file(settings))
}

/// Opens the storage and creates the users that are missing. Returns it with the clients file.
pub(super) async fn open_storage(
    settings: &AuthServerSettings,
    files: ConfiguredFiles,
    random: &SecureRandom,
    now: i64,
) -> anyhow::Result<(LoadedClientsFile, Storage)> {
    let (users, clients) = (files.users?, files.clients?);
    let configured = files.seed.map_err(anyhow::Error::msg)?;
    if !settings.control.is_on() {
        let store = open_store(settings).await?;
        seed_users(users, &*store, random, now).await?;
        return Ok((clients, Storage { store, control: None }));
    }
    let seed = match configured {
        Some(seed) => seed,
        None => ConfiguredSeed::of_files(seed_document(settings, &clients, &users)?),
    };
    let storage = storage_in_memory(settings, seed, users, random, now).await?;
    // The seed changes by calls, and with its own file.
    Ok((clients.without_reload(), storage))
}

/// Creates a database in memory with the users of the seed.
async fn storage_in_memory(
    settings: &AuthServerSettings,
    seed: ConfiguredSeed,
    users: UsersFile,
    random: &SecureRandom,
    now: i64,
) -> anyhow::Result<Storage> {
    let memory = MemoryStore::create().await?;
    let store = memory.store();
    // The seed has the passwords in plain text, and the database ends with the server.
    let users = create_users(users.users, &*store, random, HashCost::Least, now).await?;
    let ConfiguredSeed { document, file, is_of_further_issuer, .. } = seed;
    let rules =
        SeedRules { settings: settings.clone(), random: random.clone(), is_of_further_issuer };
    let seed = Seed::new(rules, document, users, file);
    Ok(Storage { store, control: Some((memory, seed)) })
}

/// Returns what the files and the settings define, for the control API.
fn seed_document(
    settings: &AuthServerSettings,
    clients: &LoadedClientsFile,
    users: &UsersFile,
) -> anyhow::Result<SeedDocument> {
    let claims = settings.claims.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
    Ok(SeedDocument::parse(&clients.text, &users.text, claims)?)
}

/// Opens the database of the settings, or creates it.
///
/// # Errors
/// Returns an error if the database cannot be opened, or only the running server has it.
pub async fn open_store(settings: &AuthServerSettings) -> anyhow::Result<Arc<dyn Store>> {
    ensure_outside_memory(settings)?;
    match settings.database_url().map_err(anyhow::Error::msg)? {
        Some(url) => Ok(Arc::new(PostgresStore::connect(url).await.context(CHECK_DATABASE)?)),
        None => Ok(Arc::new(open_file(&settings.data_dir).await?)),
    }
}

/// A command would change a database that the running server does not use.
fn ensure_outside_memory(settings: &AuthServerSettings) -> anyhow::Result<()> {
    ensure!(
        !settings.control.is_on(),
        "the setting `control.listen` keeps the database in the memory of the server: call the control API at {}, or leave the setting empty",
        settings.control.listen
    );
    Ok(())
}

async fn open_file(folder: &Path) -> anyhow::Result<SqliteStore> {
    let database = folder.join(DATABASE);
    let advice = || {
        format!(
            "the data folder {} cannot be used (setting `data_dir`): make it writable, or choose another",
            folder.display()
        )
    };
    SqliteStore::open(&database).await.with_context(advice)
}

/// Opens the database for a command that needs an existing one, so that a mistyped path creates
/// none, and a command of a newer version does not migrate the database of running servers.
///
/// # Errors
/// Returns an error if the database does not exist or cannot be opened.
pub async fn open_existing_store(settings: &AuthServerSettings) -> anyhow::Result<Arc<dyn Store>> {
    ensure_outside_memory(settings)?;
    let database = database_file(settings);
    if let Some(url) = settings.database_url().map_err(anyhow::Error::msg)? {
        return Ok(Arc::new(PostgresStore::connect_migrated(url).await.context(CHECK_DATABASE)?));
    }
    ensure!(
        database.exists(),
        "there is no database {} (setting `data_dir`): go to its folder, or create one with `migrate` (`client add` and `user add`: with --create)",
        std::path::absolute(&database)?.display()
    );
    open_store(settings).await
}

/// Returns the schema version of the database, and the one of this program.
///
/// # Errors
/// Returns an error if the database cannot be read.
pub(crate) async fn schema_versions(
    settings: &AuthServerSettings,
) -> anyhow::Result<Option<SchemaVersions>> {
    let inspected = match settings.database_url().map_err(anyhow::Error::msg)? {
        Some(url) => PostgresStore::inspect(url).await.map(Some).context(CHECK_DATABASE)?,
        None => SqliteStore::inspect(&database_file(settings)).await?,
    };
    Ok(inspected.map(|inspected| inspected.versions))
}

#[cfg(test)]
mod tests {
    use service_kit::Profile;

    use super::*;

    #[tokio::test]
    async fn passwords_cost_little_only_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let users_file = folder.path().join("users.toml");
        std::fs::write(&users_file, "[[users]]\nusername = \"u\"\npassword = \"p\"\n").unwrap();
        for (control, params) in [("", "m=19456,t=2,p=1"), ("127.0.0.1:0", "m=8,t=1,p=1")] {
            let mut settings = AuthServerSettings {
                profile: Profile::Test,
                data_dir: folder.path().to_owned(),
                users_file: Some(users_file.clone()),
                ..AuthServerSettings::default()
            };
            settings.control.listen = control.to_owned();
            let random = SecureRandom::seeded(1);
            let files = ConfiguredFiles::read(&settings, &random);
            let (_, storage) = open_storage(&settings, files, &random, 1).await.unwrap();
            let user = storage.store.user_by_username("u").await.unwrap().unwrap();
            let phc = String::from_utf8(user.password.cache_key().to_owned()).unwrap();
            assert!(phc.contains(params), "{phc}");
        }
    }
}
