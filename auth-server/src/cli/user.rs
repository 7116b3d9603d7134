use std::io::Read;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use clock::Clock;
use oauth_types::{Password, StandardClaims};
use service_kit::cli::print_line;

use crate::{
    AuthServerSettings, Entropy,
    domain::{SecretHash, User, hash_password, new_sub},
    server::{open_existing_store, open_store},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a user, with the password that comes on standard input
    Add(Box<Add>),
    /// List the users
    List,
    /// Give a user the password that comes on standard input, and end their sessions
    SetPassword {
        /// The name that the user signs in with
        username: String,
    },
    /// Refuse a user from now on, and void all that was issued for them
    Disable {
        /// The name that the user signs in with
        username: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// The name that the user signs in with
    username: String,
    #[arg(long)]
    name: Option<String>,
    #[arg(long)]
    nickname: Option<String>,
    #[arg(long)]
    email: Option<String>,
    /// The address was made sure of
    #[arg(long, requires = "email")]
    email_verified: bool,
    /// Any standard claims, as a JSON object (OpenID Connect Core 5.1)
    #[arg(long, value_name = "JSON", value_parser = claims)]
    claims: Option<StandardClaims>,
}

/// NIST SP 800-63B §3.1.1.2 asks for eight characters at least.
const SHORTEST_PASSWORD: usize = 8;

pub(super) async fn run(
    command: Command,
    settings: AuthServerSettings,
    clock: Clock,
    entropy: Entropy,
) -> anyhow::Result<()> {
    let store = match &command {
        Command::Add(_) => open_store(&settings).await?,
        _ => open_existing_store(&settings).await?,
    };
    let now = clock.seconds();
    match command {
        Command::Add(add) => {
            let password = password_from_stdin(&entropy)?;
            let user = new_user(*add, password, now, &entropy)?;
            store.add_user(&user, now).await?;
            print_line(&user.sub)
        }
        Command::List => store.users().await?.iter().try_for_each(|user| print_line(line(user))),
        Command::SetPassword { username } => {
            let password = password_from_stdin(&entropy)?;
            Ok(store.set_password(&username, &password, now).await?)
        }
        Command::Disable { username } => Ok(store.disable_user(&username, now).await?),
    }
}

fn password_from_stdin(entropy: &Entropy) -> anyhow::Result<SecretHash> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("the password on standard input")?;
    let password = Password::new(text.trim_end_matches(['\r', '\n']));
    ensure!(
        password.expose().chars().count() >= SHORTEST_PASSWORD,
        "the password on standard input has fewer than {SHORTEST_PASSWORD} characters"
    );
    hash_password(password.expose(), entropy.bytes()?)
        .map_err(|error| anyhow::anyhow!("the password: {error}"))
}

fn new_user(add: Add, password: SecretHash, now: i64, entropy: &Entropy) -> anyhow::Result<User> {
    ensure!(!add.username.trim().is_empty(), "the user name is empty");
    let given = add.claims.unwrap_or_default().without_empty();
    let email_verified = add.email.as_ref().map(|_| add.email_verified).or(given.email_verified);
    let claims = StandardClaims {
        name: add.name.or(given.name.clone()),
        nickname: add.nickname.or(given.nickname.clone()),
        email: add.email.or(given.email.clone()),
        email_verified,
        preferred_username: given.preferred_username.clone().or(Some(add.username.clone())),
        updated_at: Some(now),
        ..given
    }
    .without_empty();
    Ok(User {
        sub: new_sub(entropy.bytes()?),
        username: add.username,
        password,
        claims,
        enabled: true,
    })
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
