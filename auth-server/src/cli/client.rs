use std::io::Read;

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use clock::Clock;
use oauth_types::{ClientSecret, Scope};

use service_kit::{MIN_SECRET_LENGTH, cli::print_line};

use crate::{
    AuthServerSettings, Entropy,
    clients::ClientsFile,
    domain::{
        ApplicationType, Client, SecretHash, StoredSecret, TokenFormat, UserLoginConfig,
        hash_password, new_secret, validate_redirect_uri,
    },
    server::{open_existing_store, open_store},
    settings::PATH_AND_PAGES,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a client and print its secret, once
    Add(Add),
    /// List the clients of the database and of the clients file
    List,
    /// Give a client a new secret and print it, once
    RotateSecret(RotateSecret),
    /// Refuse a client from now on
    Disable {
        /// The client's id
        client_id: String,
    },
    /// Forget a client, and void all that it was allowed
    Remove {
        /// The client's id
        client_id: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// The client's id
    client_id: String,
    /// What it may ask for, with spaces between
    #[arg(long, default_value = "")]
    scope: String,
    /// A resource identifier that it may ask passes for; may be repeated
    #[arg(long)]
    resource: Vec<String>,
    /// A resource identifier about whose passes it may ask; may be repeated
    #[arg(long = "introspection-audience", value_name = "RESOURCE")]
    introspection_audiences: Vec<String>,
    /// What its passes look like
    #[arg(long, value_enum, default_value_t = Format::Jwt)]
    token_format: Format,
    /// Where a website that sends users here gets its answer, to the byte; may be repeated
    #[arg(long, value_name = "URI", value_parser = redirect_uri)]
    redirect_uri: Vec<String>,
    /// Where its users may go after they have signed out; may be repeated
    #[arg(long, value_name = "URI", value_parser = redirect_uri, requires = "redirect_uri")]
    post_logout_redirect_uri: Vec<String>,
    /// What its users are shown
    #[arg(long, requires = "redirect_uri")]
    name: Option<String>,
    /// Read an own secret from standard input, instead of making one
    #[arg(long)]
    secret_stdin: bool,
}

#[derive(Debug, Args)]
pub(super) struct RotateSecret {
    /// The client's id
    client_id: String,
    /// Let the old secrets be good for so many seconds more
    #[arg(long, value_name = "SECONDS")]
    keep_old_for: Option<u32>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Jwt,
    Opaque,
}

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
    let file = ClientsFile::read(settings.clients_file.as_deref(), settings.profile, &entropy)?;
    let now = clock.seconds();
    match command {
        Command::Add(add) => {
            refuse_file_client(&file, &add.client_id)?;
            let sends_people = !add.redirect_uri.is_empty();
            ensure!(!sends_people || settings.issuer.path() == "/", "issuer: {PATH_AND_PAGES}");
            let (secret, made) = secret(&add, &entropy)?;
            store.add_client(&new_client(add, secret, &file)?, now).await?;
            made.map_or(Ok(()), |made| print_line(made.expose()))
        }
        Command::List => {
            let stored = store.clients().await?;
            let source =
                |client: &Client| if client.dynamic { "registered itself" } else { "database" };
            let lines = stored.iter().map(|client| line(client, source(client)));
            lines
                .chain(file.clients.iter().map(|client| line(client, "clients file")))
                .try_for_each(print_line)
        }
        Command::RotateSecret(RotateSecret { client_id, keep_old_for }) => {
            refuse_file_client(&file, &client_id)?;
            let secret = new_secret(entropy.bytes()?);
            let old_until = keep_old_for.map(|seconds| now + i64::from(seconds));
            store.rotate_secret(&client_id, &SecretHash::sha256(&secret), old_until, now).await?;
            print_line(secret.expose())
        }
        Command::Disable { client_id } => {
            refuse_file_client(&file, &client_id)?;
            Ok(store.disable_client(&client_id, now).await?)
        }
        Command::Remove { client_id } => {
            refuse_file_client(&file, &client_id)?;
            Ok(store.remove_client(&client_id, now).await?)
        }
    }
}

fn refuse_file_client(file: &ClientsFile, client_id: &str) -> anyhow::Result<()> {
    if file.clients.iter().any(|client| client.client_id == client_id) {
        bail!(
            "the client `{client_id}` stands in the clients file: change it there, a running server sees it within a second"
        );
    }
    Ok(())
}

fn secret(add: &Add, entropy: &Entropy) -> anyhow::Result<(SecretHash, Option<ClientSecret>)> {
    if !add.secret_stdin {
        let made = new_secret(entropy.bytes()?);
        return Ok((SecretHash::sha256(&made), Some(made)));
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("the secret on standard input")?;
    let chosen = ClientSecret::new(text.trim_end_matches(['\r', '\n']));
    ensure!(
        chosen.expose().len() >= MIN_SECRET_LENGTH,
        "the secret on standard input has fewer than {MIN_SECRET_LENGTH} characters; leave --secret-stdin out, and one is made"
    );
    let hash = hash_password(chosen.expose(), entropy.bytes()?)
        .map_err(|error| anyhow::anyhow!("the secret: {error}"))?;
    Ok((hash, None))
}

fn new_client(add: Add, hash: SecretHash, file: &ClientsFile) -> anyhow::Result<Client> {
    for resource in add.resource.iter().chain(&add.introspection_audiences) {
        ensure!(
            file.resources.iter().any(|known| known.identifier == *resource),
            "the resource `{resource}` is not in the clients file; it knows: {}",
            file.resources
                .iter()
                .map(|known| known.identifier.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        );
    }
    let login = UserLoginConfig {
        client_name: add.name,
        redirect_uris: add.redirect_uri,
        post_logout_redirect_uris: add.post_logout_redirect_uri,
        ..UserLoginConfig::default()
    };
    Ok(Client {
        client_id: add.client_id,
        secrets: vec![StoredSecret { hash, not_after: None }],
        scopes: add.scope.parse::<Scope>()?,
        resources: add.resource,
        introspection_audiences: add.introspection_audiences,
        token_format: match add.token_format {
            Format::Jwt => TokenFormat::Jwt,
            Format::Opaque => TokenFormat::Opaque,
        },
        login: (!login.redirect_uris.is_empty()).then_some(login),
        dynamic: false,
        created_at: 0,
        enabled: true,
    })
}

/// Of an operator's client nobody says what kind of program it is: it may be an app.
fn redirect_uri(text: &str) -> Result<String, &'static str> {
    validate_redirect_uri(text, ApplicationType::Native).map(|()| text.to_owned())
}

fn line(client: &Client, source: &str) -> String {
    let state = if client.enabled { "enabled" } else { "disabled" };
    let (id, scopes, format) = (&client.client_id, &client.scopes, client.token_format.as_str());
    format!(
        "{id}  {state}  {source}  tokens={format}  scope=\"{scopes}\"  resources={}",
        client.resources.join(",")
    )
}
