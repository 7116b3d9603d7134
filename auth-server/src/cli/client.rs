mod options;
mod secret;
mod show;

use anyhow::{bail, ensure};
use clap::{Args, Subcommand};
use clock::Clock;
use serde_json::{Map, Value, json};
use service_kit::cli::{print_line, print_message};

use self::{
    options::ClientOptions,
    secret::{NewSecret, SecretOptions},
    show::ClientView,
};
use super::{CreateDatabase, attribute::attribute, grant_count::counted, retry::retry_if_changed};
use crate::{
    AuthServerSettings, SecureRandom,
    clients::{ClientsFile, client_members},
    domain::{Actor, Client, StoredSecret},
    server::open_existing_store,
    settings::PATH_AND_PAGES,
    storage::{AuditedChange, GrantOwner, Store, StoreError},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a client and print its secret (shown only once)
    Add(Box<Add>),
    /// List the clients of the database and the clients file
    List {
        /// Print one JSON object per line, with every member
        #[arg(long)]
        json: bool,
    },
    /// Print every member of a client, in the format of the clients file
    Show {
        /// The client's id
        client_id: String,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Generate a new client secret and print it (shown only once)
    RotateSecret(RotateSecret),
    /// Approve a client that registered itself
    Approve {
        /// The client's id
        client_id: String,
    },
    /// Change a client. Options that are not given keep their values; an empty value removes a
    /// member, or empties a list
    Update(Box<Update>),
    /// Disable a client and revoke its grants
    Disable {
        /// The client's id
        client_id: String,
    },
    /// Enable a disabled client; its grants stay revoked
    Enable {
        /// The client's id
        client_id: String,
    },
    /// Delete a client and revoke its grants
    Remove {
        /// The client's id
        client_id: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// The client's id
    client_id: String,
    #[command(flatten)]
    options: ClientOptions,
    /// Attribute for custom claims, as NAME=JSON; repeatable
    #[arg(long, value_name = "NAME=JSON", value_parser = attribute)]
    attribute: Vec<(String, Value)>,
    #[command(flatten)]
    secret: SecretOptions,
    #[command(flatten)]
    create: CreateDatabase,
}

#[derive(Clone, Debug, Args)]
pub(super) struct Update {
    /// The client's id
    client_id: String,
    #[command(flatten)]
    options: ClientOptions,
    /// Attribute for custom claims, as NAME=JSON; an empty value removes it; repeatable
    #[arg(long, value_name = "NAME=JSON", value_parser = attribute)]
    attribute: Vec<(String, Value)>,
}

#[derive(Debug, Args)]
pub(super) struct RotateSecret {
    /// The client's id
    client_id: String,
    /// Keep the old secrets valid for this many seconds
    #[arg(long, value_name = "SECONDS")]
    keep_old_for: Option<u32>,
    #[command(flatten)]
    secret: SecretOptions,
}

pub(super) async fn run(
    command: Command,
    settings: AuthServerSettings,
    clock: Clock,
    random: SecureRandom,
) -> anyhow::Result<()> {
    let store = match &command {
        Command::Add(add) => add.create.open_store(&settings).await?,
        _ => open_existing_store(&settings).await?,
    };
    let file =
        ClientsFile::read(settings.clients_file.as_deref(), settings.client_rules(), &random)?;
    let (now, at_millis) = (clock.seconds(), clock.millis());
    match command {
        Command::Add(add) => {
            reject_file_client(&file, &add.client_id)?;
            let Add { client_id, options, attribute, secret, .. } = *add;
            let mut client = new_client(&client_id, options, &settings, &file)?;
            client.attributes = client.attributes.changed(attribute)?;
            let generated = if client.is_public() {
                ensure!(!secret.is_given(), "a public client has no secret");
                None
            } else {
                let NewSecret { hash, generated } = secret.secret(settings.profile, &random)?;
                client.secrets = vec![StoredSecret { hash, not_after: None }];
                generated
            };
            store.apply(AuditedChange::add_client(client, Actor::Cli, at_millis)).await?;
            match generated {
                Some(generated) => print_line(generated.expose()),
                None => print_message(format!("added the client {client_id}")),
            }
        }
        Command::List { json } => {
            let stored = store.clients().await?;
            let all = stored.iter().map(ClientView::of_database);
            all.chain(file.clients.iter().map(ClientView::of_file)).try_for_each(|client| {
                print_line(if json { client.json()? } else { client.line() })
            })
        }
        Command::Show { client_id, json } => {
            let is_named = |client: &&Client| client.client_id == client_id;
            let stored = store.clients().await?;
            // A client of the file takes precedence over one of the database.
            let in_file = file.clients.iter().find(is_named).map(ClientView::of_file);
            let in_database = || stored.iter().find(is_named).map(ClientView::of_database);
            let found = in_file.or_else(in_database);
            let client = found.ok_or_else(|| StoreError::ClientNotFound(client_id.clone()))?;
            print_line(if json { client.json()? } else { client.toml()? })
        }
        Command::RotateSecret(RotateSecret { client_id, keep_old_for, secret }) => {
            reject_file_client(&file, &client_id)?;
            ensure!(
                !stored_client(&*store, &client_id).await?.is_public(),
                "the client `{client_id}` is public and has no secret"
            );
            let NewSecret { hash, generated } = secret.secret(settings.profile, &random)?;
            let old_until = keep_old_for.map(|seconds| now + i64::from(seconds));
            let rotate = AuditedChange::rotate_client_secret(
                &client_id,
                hash,
                old_until,
                Actor::Cli,
                at_millis,
            );
            store.apply(rotate).await?;
            match generated {
                Some(generated) => print_line(generated.expose()),
                None => print_message(format!("replaced the secret of the client {client_id}")),
            }
        }
        Command::Approve { client_id } => {
            reject_file_client(&file, &client_id)?;
            let approve = AuditedChange::approve_client(&client_id, Actor::Cli, at_millis);
            store.apply(approve).await?;
            print_message(format!("approved the client {client_id}"))
        }
        Command::Disable { client_id } => {
            reject_file_client(&file, &client_id)?;
            let grants = grants_of(&*store, &client_id, now).await?;
            let disable = AuditedChange::disable_client(&client_id, Actor::Cli, at_millis);
            store.apply(disable).await?;
            print_message(format!("disabled the client {client_id} and revoked {grants}"))
        }
        Command::Enable { client_id } => {
            reject_file_client(&file, &client_id)?;
            let enable = AuditedChange::enable_client(&client_id, Actor::Cli, at_millis);
            store.apply(enable).await?;
            print_message(format!(
                "enabled the client {client_id}; its earlier grants stay revoked"
            ))
        }
        Command::Update(update) => {
            reject_file_client(&file, &update.client_id)?;
            retry_if_changed(async || {
                let Update { client_id, options, attribute } = (*update).clone();
                // First: a change made in between fails the update.
                let revision = store.revision().await?;
                let client = stored_client(&*store, &client_id).await?;
                let mut after = updated(client.clone(), options, &settings, &file)?;
                after.attributes = client.attributes.changed(attribute)?;
                let change =
                    AuditedChange::update_client(&client, after, revision, Actor::Cli, at_millis);
                Ok(store.apply(change).await?)
            })
            .await?;
            print_message(format!("updated the client {}", update.client_id))
        }
        Command::Remove { client_id } => {
            reject_file_client(&file, &client_id)?;
            let grants = grants_of(&*store, &client_id, now).await?;
            let remove = AuditedChange::remove_client(&client_id, Actor::Cli, at_millis);
            store.apply(remove).await?;
            print_message(format!("removed the client {client_id} and revoked {grants}"))
        }
    }
}

/// Returns the number of a client's grants in words.
async fn grants_of(store: &dyn Store, client_id: &str, now: i64) -> Result<String, StoreError> {
    let owner = GrantOwner::Client { client_id: client_id.to_owned() };
    Ok(counted(store.count_grants(&owner, now).await?))
}

fn reject_file_client(file: &ClientsFile, client_id: &str) -> anyhow::Result<()> {
    if file.clients.iter().any(|client| client.client_id == client_id) {
        bail!(
            "the client `{client_id}` is in the clients file: change it there; a running server reloads the file within a second"
        );
    }
    Ok(())
}

async fn stored_client(store: &dyn Store, client_id: &str) -> anyhow::Result<Client> {
    let stored = store.clients().await?;
    let found = stored.into_iter().find(|client| client.client_id == client_id);
    Ok(found.ok_or_else(|| StoreError::ClientNotFound(client_id.to_owned()))?)
}

fn new_client(
    client_id: &str,
    options: ClientOptions,
    settings: &AuthServerSettings,
    file: &ClientsFile,
) -> anyhow::Result<Client> {
    let mut members = Map::from_iter([("client_id".to_owned(), json!(client_id))]);
    options.apply_to(&mut members)?;
    require_pkce_by_default(&mut members);
    // `run` sets the secret.
    validated(members, true, settings, file)
}

/// Returns the client with the given changes.
fn updated(
    client: Client,
    options: ClientOptions,
    settings: &AuthServerSettings,
    file: &ClientsFile,
) -> anyhow::Result<Client> {
    if client.dynamic {
        ensure!(
            options.is_empty(),
            "the client `{}` registered itself: only it can update its registration (RFC 7592); \
             the operator sets its attributes with --attribute",
            client.client_id
        );
        return Ok(client);
    }
    let mut members = client_members(&client)?;
    options.apply_to(&mut members)?;
    if client.login.is_none() {
        require_pkce_by_default(&mut members);
    }
    let changed = validated(members, !client.secrets.is_empty(), settings, file)?;
    Ok(Client {
        secrets: client.secrets,
        dynamic: client.dynamic,
        approved: client.approved,
        token_generation: client.token_generation,
        enabled: client.enabled,
        ..changed
    })
}

/// Requires PKCE of a new client that logs users in, unless an option says otherwise.
fn require_pkce_by_default(members: &mut Map<String, Value>) {
    if let Some(Value::Object(login)) = members.get_mut("login") {
        login.entry("require_pkce").or_insert(Value::Bool(true));
    }
}

/// Returns the client with these members, which follow the rules of the clients file.
fn validated(
    members: Map<String, Value>,
    has_secret: bool,
    settings: &AuthServerSettings,
    file: &ClientsFile,
) -> anyhow::Result<Client> {
    let client = file.client(members, has_secret)?;
    ensure!(client.login.is_none() || settings.issuer.path() == "/", "issuer: {PATH_AND_PAGES}");
    Ok(client)
}
