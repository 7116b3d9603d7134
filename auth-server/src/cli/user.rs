use std::io::Read;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use clock::Clock;
use oauth_types::{Password, StandardClaims};
use service_kit::cli::print_line;

use crate::{
    AuthServerSettings, SecureRandom,
    domain::{
        Actor, SecretHash, User, hash_password, new_sub, normalize_password, normalize_username,
    },
    server::{open_existing_store, open_store},
    storage::{AuditedChange, Store, StoreError},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a user; the password is read from standard input
    Add(Box<Add>),
    /// List the users
    List,
    /// Change what is known about a user; other claims stay. An empty value removes a claim
    Update(Box<Update>),
    /// Set a password, read from standard input, end the user's sessions and revoke their grants
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
}

#[derive(Debug, Args)]
pub(super) struct Update {
    /// Name that the user signs in with
    username: String,
    #[command(flatten)]
    claims: Claims,
}

#[derive(Debug, Args)]
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

/// Minimum password length in characters (NIST SP 800-63B §3.1.1.2).
const MIN_PASSWORD_LENGTH: usize = 8;

pub(super) async fn run(
    command: Command,
    settings: AuthServerSettings,
    clock: Clock,
    entropy: SecureRandom,
) -> anyhow::Result<()> {
    let store = match &command {
        Command::Add(_) => open_store(&settings).await?,
        _ => open_existing_store(&settings).await?,
    };
    let at_millis = clock.millis();
    match command {
        Command::Add(add) => {
            let password = password_from_stdin(&entropy)?;
            let user = new_user(*add, password, clock.seconds(), &entropy)?;
            let sub = user.sub.clone();
            store.apply(AuditedChange::add_user(user, Actor::Cli, at_millis)).await?;
            print_line(sub)
        }
        Command::List => store.users().await?.iter().try_for_each(|user| print_line(line(user))),
        Command::Update(update) => {
            let user = user_named(&*store, &update.username).await?;
            let claims = update.claims.over(user.claims, clock.seconds())?;
            let update = AuditedChange::update_user(&user.sub, claims, Actor::Cli, at_millis);
            Ok(store.apply(update).await?)
        }
        Command::SetPassword { username } => {
            let password = password_from_stdin(&entropy)?;
            let sub = sub_of(&*store, &username).await?;
            let set = AuditedChange::set_password(&sub, password, Actor::Cli, at_millis);
            Ok(store.apply(set).await?)
        }
        Command::Disable { username } => {
            let sub = sub_of(&*store, &username).await?;
            Ok(store.apply(AuditedChange::disable_user(&sub, Actor::Cli, at_millis)).await?)
        }
        Command::SignOut { username } => {
            let sub = sub_of(&*store, &username).await?;
            Ok(store.apply(AuditedChange::sign_out_user(&sub, Actor::Cli, at_millis)).await?)
        }
        Command::Enable { username } => {
            let sub = sub_of(&*store, &username).await?;
            Ok(store.apply(AuditedChange::enable_user(&sub, Actor::Cli, at_millis)).await?)
        }
        Command::Remove { username } => {
            let sub = sub_of(&*store, &username).await?;
            Ok(store.apply(AuditedChange::remove_user(&sub, Actor::Cli, at_millis)).await?)
        }
    }
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

fn password_from_stdin(entropy: &SecureRandom) -> anyhow::Result<SecretHash> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("failed to read the password from standard input")?;
    // The line break ends the line. It is not part of the password, unlike spaces before it.
    let password = normalize_password(&Password::new(text.trim_end_matches(['\r', '\n'])))?;
    ensure!(
        password.expose().chars().count() >= MIN_PASSWORD_LENGTH,
        "the password on standard input has fewer than {MIN_PASSWORD_LENGTH} characters"
    );
    hash_password(password.expose(), entropy.bytes()?)
        .map_err(|error| anyhow::anyhow!("the password: {error}"))
}

fn new_user(
    add: Add,
    password: SecretHash,
    now: i64,
    entropy: &SecureRandom,
) -> anyhow::Result<User> {
    let username = normalize_username(&add.username)?;
    let claims = add.claims.over(StandardClaims::default(), now)?;
    let claims = StandardClaims {
        preferred_username: claims.preferred_username.or(Some(username.clone())),
        ..claims
    };
    let sub = new_sub(entropy.bytes()?);
    Ok(User { sub, username, password, claims, enabled: true, device_generation: 0 })
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
            if let serde_json::Value::Object(claims) = serde_json::to_value(claims)? {
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
    let state = if user.enabled { "enabled" } else { "disabled" };
    let email = user.claims.email.as_deref().unwrap_or("-");
    format!(
        "{}  {state}  sub={}  name=\"{}\"  email={email}",
        user.username,
        user.sub,
        user.display_name()
    )
}
