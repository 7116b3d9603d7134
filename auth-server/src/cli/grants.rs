use clap::{Args, Subcommand};
use clock::Clock;

use super::user::sub_of;
use crate::{
    AuthServerSettings,
    domain::Actor,
    server::open_existing_store,
    storage::{AuditedChange, GrantOwner},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Revoke the grants of a user, of a client, or of a user at a client, also those that outlive
    /// a session. Consents stay
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
}

pub(super) async fn run(
    Command::Revoke(Revoke { user, client }): Command,
    settings: AuthServerSettings,
    clock: Clock,
) -> anyhow::Result<()> {
    let store = open_existing_store(&settings).await?;
    let sub = match user {
        Some(username) => Some(sub_of(&*store, &username).await?),
        None => None,
    };
    let owner = match (sub, client) {
        (Some(sub), None) => GrantOwner::User { sub },
        (Some(sub), Some(client_id)) => GrantOwner::UserAtClient { sub, client_id },
        (None, Some(client_id)) => GrantOwner::Client { client_id },
        (None, None) => anyhow::bail!("name a user or a client"),
    };
    Ok(store.apply(AuditedChange::revoke_grants(owner, Actor::Cli, clock.millis())).await?)
}
