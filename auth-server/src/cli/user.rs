mod password;

use clap::{Args, Subcommand};
use clock::Clock;
use oauth_types::StandardClaims;
use serde_json::Value;
use service_kit::cli::{print_line, print_message, translated};

use self::password::new_password;
use super::{
    CreateDatabase,
    attribute::{attribute, listed},
    grant_count::counted,
    retry::retry_if_changed,
};
use crate::{
    AuthServerSettings, SecureRandom,
    domain::{Actor, Attributes, SecretHash, User, new_sub, normalize_username},
    server::open_existing_store,
    storage::{AuditedChange, GrantOwner, Store, StoreError},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a user; the password is read from standard input, at a terminal without showing it
    Add(Box<Add>),
    /// List the users
    List,
    /// Change what is known about a user; other claims stay. An empty value removes a claim
    Update(Box<Update>),
    /// Set a password, read as by `user add`, end the user's sessions and revoke their grants
    SetPassword {
        /// Name that the user signs in with
        username: String,
    },
    /// End a user's sessions and the grants that end with them
    SignOut {
        /// Name that the user signs in with
        username: String,
    },
    /// Disable a user, end their sessions and revoke their grants
    Disable {
        /// Name that the user signs in with
        username: String,
    },
    /// Enable a disabled user; their grants stay revoked
    Enable {
        /// Name that the user signs in with
        username: String,
    },
    /// Delete a user with their consents, end their sessions and revoke their grants
    Remove {
        /// Name that the user signs in with
        username: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// Name that the user signs in with
    username: String,
    #[command(flatten)]
    claims: Claims,
    /// Attribute for custom claims, as NAME=JSON; repeatable
    #[arg(long, value_name = "NAME=JSON", value_parser = attribute)]
    attribute: Vec<(String, Value)>,
    #[command(flatten)]
    create: CreateDatabase,
}

#[derive(Clone, Debug, Args)]
pub(super) struct Update {
    /// Name that the user signs in with
    username: String,
    #[command(flatten)]
    claims: Claims,
    /// Attribute for custom claims, as NAME=JSON; an empty value removes it; repeatable
    #[arg(long, value_name = "NAME=JSON", value_parser = attribute)]
    attribute: Vec<(String, Value)>,
}

#[derive(Clone, Debug, Args)]
struct Claims {
    /// Full name
    #[arg(long)]
    name: Option<String>,
    /// Name that pages address the user with
    #[arg(long)]
    nickname: Option<String>,
    /// E-mail address
    #[arg(long)]
    email: Option<String>,
    /// The e-mail address is verified
    #[arg(long, requires = "email")]
    email_verified: bool,
    /// Further standard claims as a JSON object (OpenID Connect Core 5.1)
    #[arg(long, value_name = "JSON", value_parser = claims)]
    claims: Option<StandardClaims>,
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
    let at_millis = clock.millis();
    match command {
        Command::Add(add) => {
            let password = new_password(&add.username, settings.profile, &random)?;
            let user = new_user(*add, password, clock.seconds(), &random)?;
            let sub = user.sub.clone();
            store.apply(AuditedChange::add_user(user, Actor::Cli, at_millis)).await?;
            print_line(sub)
        }
        Command::List => store.users().await?.iter().try_for_each(|user| print_line(line(user))),
        Command::Update(update) => {
            retry_if_changed(async || {
                let Update { username, claims, attribute } = (*update).clone();
                let user = user_named(&*store, &username).await?;
                let attributes = user.attributes.changed(attribute)?;
                let claims = claims.over(user.claims.clone(), clock.seconds())?;
                let after = User { claims, attributes, ..user.clone() };
                let change = AuditedChange::update_user(&user, after, Actor::Cli, at_millis);
                Ok(store.apply(change).await?)
            })
            .await?;
            print_message(format!("updated {}", update.username))
        }
        Command::SetPassword { username } => {
            let sub = sub_of(&*store, &username).await?;
            let password = new_password(&username, settings.profile, &random)?;
            let grants = grants_of(&*store, &sub, &clock).await?;
            store.apply(AuditedChange::set_password(&sub, password, Actor::Cli, at_millis)).await?;
            print_message(format!(
                "set the password of {username}, ended their sessions and revoked {grants}"
            ))
        }
        Command::Disable { username } => {
            let sub = sub_of(&*store, &username).await?;
            let grants = grants_of(&*store, &sub, &clock).await?;
            store.apply(AuditedChange::disable_user(&sub, Actor::Cli, at_millis)).await?;
            print_message(format!("disabled {username}, ended their sessions and revoked {grants}"))
        }
        Command::SignOut { username } => {
            let sub = sub_of(&*store, &username).await?;
            let sessions = store.sessions_of(&sub).await?.len();
            store.apply(AuditedChange::sign_out_user(&sub, Actor::Cli, at_millis)).await?;
            let plural = if sessions == 1 { "" } else { "s" };
            print_message(format!("signed {username} out of {sessions} session{plural}"))
        }
        Command::Enable { username } => {
            let sub = sub_of(&*store, &username).await?;
            store.apply(AuditedChange::enable_user(&sub, Actor::Cli, at_millis)).await?;
            print_message(format!("enabled {username}; their earlier grants stay revoked"))
        }
        Command::Remove { username } => {
            let sub = sub_of(&*store, &username).await?;
            let grants = grants_of(&*store, &sub, &clock).await?;
            store.apply(AuditedChange::remove_user(&sub, Actor::Cli, at_millis)).await?;
            print_message(format!("removed {username}, ended their sessions and revoked {grants}"))
        }
    }
}

/// Returns the number of a user's grants in words.
async fn grants_of(store: &dyn Store, sub: &str, clock: &Clock) -> Result<String, StoreError> {
    let owner = GrantOwner::User { sub: sub.to_owned() };
    Ok(counted(store.count_grants(&owner, clock.seconds()).await?))
}

/// Returns the `sub` of the user with this name.
pub(super) async fn sub_of(store: &dyn Store, username: &str) -> Result<String, StoreError> {
    Ok(user_named(store, username).await?.sub)
}

async fn user_named(store: &dyn Store, username: &str) -> Result<User, StoreError> {
    let normalized = normalize_username(username).ok();
    let user = store.user_by_username(normalized.as_deref().unwrap_or(username)).await?;
    user.ok_or_else(|| StoreError::UserNotFound(username.to_owned()))
}

fn new_user(
    add: Add,
    password: SecretHash,
    now: i64,
    random: &SecureRandom,
) -> anyhow::Result<User> {
    let username = normalize_username(&add.username)?;
    let claims = add.claims.over(StandardClaims::default(), now)?;
    let claims = StandardClaims {
        preferred_username: claims.preferred_username.or(Some(username.clone())),
        ..claims
    };
    let sub = new_sub(random.bytes()?);
    let attributes = Attributes::default().changed(add.attribute)?;
    Ok(User { sub, username, password, claims, attributes, enabled: true, device_generation: 0 })
}

impl Claims {
    /// Returns `old`, replaced by what is given here. Options win over the JSON object. A new
    /// e-mail address or phone number is not verified unless that is given too.
    fn over(self, mut old: StandardClaims, now: i64) -> serde_json::Result<StandardClaims> {
        let given = self.claims.unwrap_or_default();
        old.email_verified = old.email_verified.filter(|_| given.email.is_none());
        old.phone_number_verified =
            old.phone_number_verified.filter(|_| given.phone_number.is_none());
        let email_verified = self.email.as_ref().map(|_| self.email_verified);
        let options = StandardClaims {
            name: self.name,
            nickname: self.nickname,
            email: self.email,
            email_verified,
            updated_at: Some(now),
            ..StandardClaims::default()
        };
        let mut merged = serde_json::Map::new();
        for claims in [&old, &given, &options] {
            if let Value::Object(claims) = serde_json::to_value(claims)? {
                merged.extend(claims);
            }
        }
        let merged = serde_json::from_value::<StandardClaims>(merged.into())?;
        Ok(merged.without_empty())
    }
}

fn claims(text: &str) -> Result<StandardClaims, serde_json::Error> {
    serde_json::from_str(text)
}

fn line(user: &User) -> String {
    let state = translated(if user.enabled { "enabled" } else { "disabled" });
    let email = user.claims.email.as_deref().unwrap_or("-");
    format!(
        "{}  {state}  sub={}  name=\"{}\"  email={email}{}",
        user.username,
        user.sub,
        user.display_name(),
        listed(&user.attributes)
    )
}
