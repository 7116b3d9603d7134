use clap::{Args, Subcommand};
use clock::Clock;
use service_kit::cli::print_message;

use super::{grant_count::counted, user::sub_of};
use crate::{
    AuthServerSettings, SecureRandom,
    clients::ClientsFile,
    domain::{Actor, is_client_id_url},
    server::open_existing_store,
    storage::{AuditedChange, GrantOwner, Store, StoreError},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Revoke the grants of a user, of a client, of a user at a client, or all of them, also those
    /// that outlive a session. Consents stay
    Revoke(Revoke),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(super) struct Revoke {
    /// Name that the user signs in with
    #[arg(long, value_name = "USERNAME")]
    user: Option<String>,
    /// The client's id
    #[arg(long, value_name = "CLIENT_ID")]
    client: Option<String>,
    /// Revoke the grants of all users at all clients
    #[arg(long, conflicts_with_all = ["user", "client"])]
    all: bool,
}

pub(super) async fn run(
    Command::Revoke(Revoke { user, client, all }): Command,
    settings: AuthServerSettings,
    clock: Clock,
    random: SecureRandom,
) -> anyhow::Result<()> {
    let store = open_existing_store(&settings).await?;
    let whose = match (&user, &client) {
        (Some(user), Some(client)) => format!(" of {user} at {client}"),
        (Some(name), None) | (None, Some(name)) => format!(" of {name}"),
        (None, None) => String::new(),
    };
    let sub = match user {
        Some(username) => Some(sub_of(&*store, &username).await?),
        None => None,
    };
    let owner = match (sub, client) {
        (Some(sub), None) => GrantOwner::User { sub },
        (Some(sub), Some(client_id)) => GrantOwner::UserAtClient { sub, client_id },
        (None, Some(client_id)) => GrantOwner::Client { client_id },
        (None, None) if all => GrantOwner::All,
        (None, None) => anyhow::bail!("name a user or a client, or add --all"),
    };
    let count = store.count_grants(&owner, clock.seconds()).await?;
    if count == 0
        && let GrantOwner::Client { client_id } | GrantOwner::UserAtClient { client_id, .. } =
            &owner
    {
        ensure_client(&*store, &settings, &random, client_id).await?;
    }
    store.apply(AuditedChange::revoke_grants(owner, Actor::Cli, clock.millis())).await?;
    print_message(format!("revoked {}{whose}", counted(count)))
}

/// Fails if there is no such client. One that is described by the document at its URL is stored
/// nowhere, and one that was deleted may have left grants.
async fn ensure_client(
    store: &dyn Store,
    settings: &AuthServerSettings,
    random: &SecureRandom,
    client_id: &str,
) -> anyhow::Result<()> {
    let file =
        ClientsFile::read(settings.clients_file.as_deref(), settings.client_rules(), random)?;
    let stored = store.clients().await?;
    let exists = file.clients.iter().chain(&stored).any(|client| client.client_id == client_id);
    if exists || is_client_id_url(client_id) {
        return Ok(());
    }
    Err(StoreError::ClientNotFound(client_id.to_owned()).into())
}
