use std::{collections::BTreeSet, io::Read};

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use clock::Clock;
use oauth_types::{ClientSecret, Scope};

use service_kit::{MIN_SECRET_LENGTH, cli::print_line};

use crate::{
    AuthServerSettings, SecureRandom,
    clients::ClientsFile,
    domain::{
        Actor, ApplicationType, Client, SecretHash, StoredSecret, TokenExchangeRule, TokenFormat,
        UserLoginConfig, hash_password, new_secret, validate_defaults, validate_redirect_uri,
    },
    server::{open_existing_store, open_store},
    settings::PATH_AND_PAGES,
    storage::{AuditedChange, StoreError},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a client and print its secret (shown only once)
    Add(Add),
    /// List the clients of the database and the clients file
    List,
    /// Generate a new client secret and print it (shown only once)
    RotateSecret(RotateSecret),
    /// Approve a client that registered itself
    Approve {
        /// The client's id
        client_id: String,
    },
    /// Change a client; options that are not given keep their values
    Update(Update),
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
    /// Scopes that the client can request, separated by spaces
    #[arg(long, default_value = "")]
    scope: String,
    /// Scopes of a request without any; without this option all but those of OpenID Connect
    #[arg(long, value_name = "SCOPE")]
    default_scope: Option<Scope>,
    /// Identifier of a resource that the client can request access tokens for; repeatable
    #[arg(long)]
    resource: Vec<String>,
    /// The resource of a request that names none and fits several
    #[arg(long, value_name = "RESOURCE")]
    default_resource: Option<String>,
    /// Identifier of a resource whose access tokens the client can introspect; repeatable
    #[arg(long)]
    introspection_audience: Vec<String>,
    /// Resource and scopes, separated by spaces, that the client can obtain by token exchange;
    /// repeatable
    #[arg(long, value_name = "RESOURCE SCOPE...", value_parser = token_exchange_rule)]
    token_exchange: Vec<TokenExchangeRule>,
    /// Format of its access tokens
    #[arg(long, value_enum, default_value_t = Format::Jwt)]
    token_format: Format,
    /// Redirect URI for user login, compared byte by byte; repeatable
    #[arg(long, value_name = "URI", value_parser = redirect_uri)]
    redirect_uri: Vec<String>,
    /// Redirect URI after sign-out; repeatable
    #[arg(long, value_name = "URI", value_parser = redirect_uri, requires = "redirect_uri")]
    post_logout_redirect_uri: Vec<String>,
    /// Accept authorization requests without PKCE
    #[arg(long, requires = "redirect_uri")]
    no_require_pkce: bool,
    /// Name that users see
    #[arg(long, requires = "redirect_uri")]
    name: Option<String>,
    /// Read the secret from standard input instead of generating one
    #[arg(long)]
    secret_stdin: bool,
    /// Accept a secret on standard input that is easy to guess
    #[arg(long, requires = "secret_stdin")]
    allow_weak_secret: bool,
}

#[derive(Debug, Args)]
pub(super) struct Update {
    /// The client's id
    client_id: String,
    /// Scopes that the client can request, separated by spaces; empty for none
    #[arg(long)]
    scope: Option<String>,
    /// Scopes of a request without any; empty for all but those of OpenID Connect
    #[arg(long, value_name = "SCOPE")]
    default_scope: Option<Scope>,
    /// Identifier of a resource that the client can request access tokens for; repeatable
    #[arg(long)]
    resource: Vec<String>,
    /// The resource of a request that names none and fits several; empty for none
    #[arg(long, value_name = "RESOURCE")]
    default_resource: Option<String>,
    /// Identifier of a resource whose access tokens the client can introspect; repeatable
    #[arg(long)]
    introspection_audience: Vec<String>,
    /// Format of its access tokens
    #[arg(long, value_enum)]
    token_format: Option<Format>,
    /// Redirect URI for user login, compared byte by byte; repeatable
    #[arg(long, value_name = "URI", value_parser = redirect_uri)]
    redirect_uri: Vec<String>,
    /// Redirect URI after sign-out; repeatable
    #[arg(long, value_name = "URI", value_parser = redirect_uri)]
    post_logout_redirect_uri: Vec<String>,
    /// Name that users see
    #[arg(long)]
    name: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct RotateSecret {
    /// The client's id
    client_id: String,
    /// Keep the old secrets valid for this many seconds
    #[arg(long, value_name = "SECONDS")]
    keep_old_for: Option<u32>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Jwt,
    Opaque,
}

impl From<Format> for TokenFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Jwt => Self::Jwt,
            Format::Opaque => Self::Opaque,
        }
    }
}

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
    let file = ClientsFile::read(settings.clients_file.as_deref(), settings.profile, &entropy)?;
    let (now, at_millis) = (clock.seconds(), clock.millis());
    match command {
        Command::Add(add) => {
            reject_file_client(&file, &add.client_id)?;
            let has_login = !add.redirect_uri.is_empty();
            ensure!(!has_login || settings.issuer.path() == "/", "issuer: {PATH_AND_PAGES}");
            let (hash, generated) = secret(&add, &entropy)?;
            let client = new_client(add, hash, &file)?;
            store.apply(AuditedChange::add_client(client, Actor::Cli, at_millis)).await?;
            generated.map_or(Ok(()), |generated| print_line(generated.expose()))
        }
        Command::List => {
            let stored = store.clients().await?;
            let source = |client: &Client| match (client.dynamic, client.approved) {
                (true, true) => "approved registration",
                (true, false) => "registration",
                (false, _) => "database",
            };
            let lines = stored.iter().map(|client| line(client, source(client)));
            lines
                .chain(file.clients.iter().map(|client| line(client, "clients file")))
                .try_for_each(print_line)
        }
        Command::RotateSecret(RotateSecret { client_id, keep_old_for }) => {
            reject_file_client(&file, &client_id)?;
            let secret = new_secret(entropy.bytes()?);
            let old_until = keep_old_for.map(|seconds| now + i64::from(seconds));
            let hash = SecretHash::sha256(&secret);
            let rotate = AuditedChange::rotate_client_secret(
                &client_id,
                hash,
                old_until,
                Actor::Cli,
                at_millis,
            );
            store.apply(rotate).await?;
            print_line(secret.expose())
        }
        Command::Approve { client_id } => {
            reject_file_client(&file, &client_id)?;
            let approve = AuditedChange::approve_client(&client_id, Actor::Cli, at_millis);
            Ok(store.apply(approve).await?)
        }
        Command::Disable { client_id } => {
            reject_file_client(&file, &client_id)?;
            let disable = AuditedChange::disable_client(&client_id, Actor::Cli, at_millis);
            Ok(store.apply(disable).await?)
        }
        Command::Enable { client_id } => {
            reject_file_client(&file, &client_id)?;
            let enable = AuditedChange::enable_client(&client_id, Actor::Cli, at_millis);
            Ok(store.apply(enable).await?)
        }
        Command::Update(update) => {
            reject_file_client(&file, &update.client_id)?;
            let stored = store.clients().await?;
            let client = stored.into_iter().find(|client| client.client_id == update.client_id);
            let client =
                client.ok_or_else(|| StoreError::ClientNotFound(update.client_id.clone()))?;
            let client = updated(client, update, &file)?;
            ensure!(
                client.login.is_none() || settings.issuer.path() == "/",
                "issuer: {PATH_AND_PAGES}"
            );
            Ok(store.apply(AuditedChange::update_client(client, Actor::Cli, at_millis)).await?)
        }
        Command::Remove { client_id } => {
            reject_file_client(&file, &client_id)?;
            let remove = AuditedChange::remove_client(&client_id, Actor::Cli, at_millis);
            Ok(store.apply(remove).await?)
        }
    }
}

fn reject_file_client(file: &ClientsFile, client_id: &str) -> anyhow::Result<()> {
    if file.clients.iter().any(|client| client.client_id == client_id) {
        bail!(
            "the client `{client_id}` is in the clients file: change it there; a running server reloads the file within a second"
        );
    }
    Ok(())
}

fn secret(add: &Add, entropy: &SecureRandom) -> anyhow::Result<(SecretHash, Option<ClientSecret>)> {
    if !add.secret_stdin {
        let generated = new_secret(entropy.bytes()?);
        return Ok((SecretHash::sha256(&generated), Some(generated)));
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("failed to read the secret from standard input")?;
    let chosen = ClientSecret::new(text.trim_end_matches(['\r', '\n']));
    ensure!(!chosen.expose().is_empty(), "the secret on standard input is empty");
    if let Some(problem) = weakness(chosen.expose()).filter(|_| !add.allow_weak_secret) {
        bail!(
            "the secret on standard input {problem}: omit --secret-stdin and C generates one, or add --allow-weak-secret"
        );
    }
    let hash = hash_password(chosen.expose(), entropy.bytes()?)
        .map_err(|error| anyhow::anyhow!("the secret: {error}"))?;
    Ok((hash, None))
}

const MIN_DISTINCT_CHARACTERS: usize = 10;

/// Returns why a chosen secret is easy to guess. The stored hash would no longer show it.
fn weakness(secret: &str) -> Option<String> {
    if secret.len() < MIN_SECRET_LENGTH {
        return Some(format!("has fewer than {MIN_SECRET_LENGTH} characters"));
    }
    let distinct: BTreeSet<char> = secret.chars().collect();
    (distinct.len() < MIN_DISTINCT_CHARACTERS)
        .then(|| format!("has fewer than {MIN_DISTINCT_CHARACTERS} different characters"))
}

fn ensure_known<'a>(
    resources: impl IntoIterator<Item = &'a String>,
    file: &ClientsFile,
) -> anyhow::Result<()> {
    for resource in resources {
        ensure!(
            file.resources.iter().any(|known| known.identifier == *resource),
            "the resource `{resource}` is not in the clients file; its resources: {}",
            file.resources
                .iter()
                .map(|known| known.identifier.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        );
    }
    Ok(())
}

fn ensure_valid_defaults(client: &Client) -> anyhow::Result<()> {
    let scopes = (&client.scopes, client.default_scope.as_ref());
    let resources = (&client.resources[..], client.default_resource.as_ref());
    validate_defaults(scopes, resources).map_err(anyhow::Error::msg)
}

/// Returns the client with the given changes.
fn updated(client: Client, update: Update, file: &ClientsFile) -> anyhow::Result<Client> {
    ensure!(
        !client.dynamic,
        "the client `{}` registered itself: only it can update its registration (RFC 7592)",
        client.client_id
    );
    ensure_known(update.resource.iter().chain(&update.introspection_audience), file)?;
    let given = |new: Vec<String>, old: Vec<String>| if new.is_empty() { old } else { new };
    let has_login = client.login.is_some() || !update.redirect_uri.is_empty();
    ensure!(
        has_login || (update.name.is_none() && update.post_logout_redirect_uri.is_empty()),
        "the client `{}` has no user login: give it a --redirect-uri",
        client.client_id
    );
    // As for an added client.
    let new_login = UserLoginConfig { require_pkce: true, ..UserLoginConfig::default() };
    let login = client.login.unwrap_or(new_login);
    let login = UserLoginConfig {
        client_name: update.name.or(login.client_name.clone()),
        redirect_uris: given(update.redirect_uri, login.redirect_uris.clone()),
        post_logout_redirect_uris: given(
            update.post_logout_redirect_uri,
            login.post_logout_redirect_uris.clone(),
        ),
        ..login
    };
    let changed = Client {
        scopes: match update.scope {
            Some(scope) => scope.parse()?,
            None => client.scopes,
        },
        default_scope: match update.default_scope {
            Some(default) => Some(default).filter(|default| !default.is_empty()),
            None => client.default_scope,
        },
        resources: given(update.resource, client.resources),
        default_resource: match update.default_resource {
            Some(default) => Some(default).filter(|default| !default.is_empty()),
            None => client.default_resource,
        },
        introspection_audiences: given(
            update.introspection_audience,
            client.introspection_audiences,
        ),
        token_format: update.token_format.map_or(client.token_format, TokenFormat::from),
        login: has_login.then_some(login),
        ..client
    };
    ensure_valid_defaults(&changed)?;
    Ok(changed)
}

fn new_client(add: Add, hash: SecretHash, file: &ClientsFile) -> anyhow::Result<Client> {
    let exchanged = add.token_exchange.iter().map(|rule| &rule.resource);
    let named = add.resource.iter().chain(&add.introspection_audience).chain(exchanged);
    ensure_known(named, file)?;
    let login = UserLoginConfig {
        client_name: add.name,
        redirect_uris: add.redirect_uri,
        post_logout_redirect_uris: add.post_logout_redirect_uri,
        require_pkce: !add.no_require_pkce,
        ..UserLoginConfig::default()
    };
    let client = Client {
        secrets: vec![StoredSecret { hash, not_after: None }],
        scopes: add.scope.parse::<Scope>()?,
        default_scope: add.default_scope.filter(|default| !default.is_empty()),
        resources: add.resource,
        default_resource: add.default_resource,
        introspection_audiences: add.introspection_audience,
        token_exchange: add.token_exchange,
        token_format: add.token_format.into(),
        login: (!login.redirect_uris.is_empty()).then_some(login),
        ..Client::without_access(add.client_id)
    };
    ensure_valid_defaults(&client)?;
    Ok(client)
}

/// Parses a redirect URI. The operator may add a native app, so its rules apply.
fn redirect_uri(text: &str) -> Result<String, &'static str> {
    validate_redirect_uri(text, ApplicationType::Native).map(|()| text.to_owned())
}

/// Parses the rule of a token exchange: a resource and its scopes.
fn token_exchange_rule(text: &str) -> Result<TokenExchangeRule, String> {
    let (resource, scopes) =
        text.trim().split_once(' ').ok_or("name a resource and at least one scope")?;
    Ok(TokenExchangeRule {
        resource: resource.to_owned(),
        scopes: scopes.trim().parse::<Scope>().map_err(|error| error.to_string())?,
        beyond_grant: false,
    })
}

fn line(client: &Client, source: &str) -> String {
    let state = if client.enabled { "enabled" } else { "disabled" };
    let (id, scopes, format) = (&client.client_id, &client.scopes, client.token_format.as_str());
    format!(
        "{id}  {state}  {source}  tokens={format}  scope=\"{scopes}\"  resources={}",
        client.resources.join(",")
    )
}
