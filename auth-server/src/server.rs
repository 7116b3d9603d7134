mod compose;
mod late_issuer;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, ensure};
use axum::{
    Router,
    middleware::{Next, from_fn, from_fn_with_state},
};
use clock::Clock;
use flow_events::{EventSink, Party};
use prometheus_client::registry::Registry;
use service_kit::{
    BindError, BoundListener, CancellationToken, Management, OutageSimulator, Server,
    ServiceContext, ensure_distinct_listeners, ensure_safe_for_production,
    health::{Check, Readiness, cached_check, check},
    metrics::HttpMetrics,
    tls::{DevCa, DevCertificate, ServerCertificate, with_cert_reload},
    with_cors, with_request_context,
};
use sql_kit::{SchemaVersions, with_time_budget};
use tokio::task::JoinHandle;

use self::compose::{Composed, Storage, compose, features};
pub use self::late_issuer::await_issuer;

use crate::{
    AuthServerSettings, SecureRandom,
    background::{self, BackgroundTasks},
    clients::LoadedClientsFile,
    control::{
        self, AllowedOrigins, ControlContext, Seed, SeedRules, Traffic, observe, watch_seed_file,
    },
    cors::PageOrigins,
    domain::HashCost,
    http::html_errors,
    oauth::jwks::KeySet,
    router,
    seed::SeedDocument,
    settings::{ConfiguredFiles, ConfiguredSeed, RateLimitSettings},
    state::AppState,
    storage::{MemoryStore, PostgresStore, SqliteStore, Store},
    users::seed::{UsersFile, refuse_demo_users, seed_users},
};

const DATABASE: &str = "auth-server.db";
const CA_FOLDER: &str = "ca";
const CHECK_DATABASE: &str =
    "check the setting `database_url`, and that PostgreSQL is running there";

/// The bound listeners of C. At least one of the public ones is on.
pub struct Listeners {
    /// The plain HTTP listener, unless it is off.
    pub http: Option<BoundListener>,
    /// The TLS listener, unless it is off.
    pub tls: Option<BoundListener>,
    /// The management listener, unless it is off.
    pub manage: Option<BoundListener>,
    /// The listener of the control API, unless it is off.
    pub control: Option<BoundListener>,
}

/// An instance of C, ready to run.
pub struct AuthServer {
    management: Management,
    public: PublicListeners,
}

/// What runs until the public listeners close.
struct PublicListeners {
    tasks: BackgroundTasks,
    outage: OutageSimulator,
    http: Option<Server>,
    tls: Option<Server>,
    control: Option<Server>,
    seed: Option<Arc<ControlContext>>,
    certificates: Option<ServerCertificate>,
    dev_certificate: Option<DevCertificate>,
}

impl Listeners {
    /// Binds the addresses of the settings.
    ///
    /// # Errors
    /// Returns [`BindError`], which names the setting.
    pub fn bind(settings: &AuthServerSettings) -> Result<Self, BindError> {
        ensure_distinct_listeners(settings)?;
        Ok(Self {
            http: bind_unless_off(&settings.listen, "listen")?,
            tls: bind_unless_off(&settings.tls_listen, "tls_listen")?,
            manage: BoundListener::bind_management(settings)?,
            control: bind_unless_off(&settings.control.listen, "control.listen")?,
        })
    }
}

impl Listeners {
    /// Replaces the port 0 of an issuer by the port that the system chose for its listener.
    #[must_use]
    pub fn with_issuer_port(&self, mut settings: AuthServerSettings) -> AuthServerSettings {
        let issuer = &mut settings.issuer;
        let listener = if issuer.scheme() == "https" { &self.tls } else { &self.http };
        if let (Some(0), Some(bound)) = (issuer.port(), listener) {
            // A URL with a port can have another.
            let _ = issuer.set_port(Some(bound.address().port()));
        }
        settings
    }
}

fn bind_unless_off(
    listen: &str,
    setting: &'static str,
) -> Result<Option<BoundListener>, BindError> {
    (!listen.is_empty()).then(|| BoundListener::bind(listen, setting)).transpose()
}

impl AuthServer {
    /// Opens the store, loads or creates the keys and builds the routes.
    ///
    /// # Errors
    /// Returns an error if a setting is unsafe in production, or if a file, the database or a key
    /// cannot be used.
    pub async fn prepare(
        settings: AuthServerSettings,
        listeners: Listeners,
        clock: Clock,
        random: SecureRandom,
        events: EventSink,
    ) -> anyhow::Result<Self> {
        ensure!(
            !settings.has_late_issuer(),
            "the setting `issuer` is `late`, which only the command `serve` of auth-server can wait for"
        );
        let files = ConfiguredFiles::read(&settings, &random);
        ensure_safe_for_production(settings.profile, &settings.unsafe_at_start(&files))
            .map_err(anyhow::Error::msg)?;
        settings.check(&files).map_err(anyhow::Error::msg)?;
        let settings = with_contents(settings, &files);
        for name in files.looseness.names() {
            tracing::warn!(looseness = name, "a rule does not apply: this is a test server");
        }
        ensure!(
            !settings.control.is_on() || clock.is_adjustable(),
            "the setting `control.listen` needs an adjustable clock, as `AuthServerSettings::clock` returns"
        );
        let (clients, storage) = open_storage(&settings, files, &random, clock.seconds()).await?;
        let store = Arc::clone(&storage.store);
        if settings.profile.is_production() {
            refuse_demo_users(&*store).await?;
        }
        let mut registry = Registry::with_prefix("gatepass");
        let Composed { state, tasks, control } = compose(
            &settings,
            clients,
            storage,
            clock.clone(),
            random,
            events.clone(),
            &mut registry,
        )
        .await?;
        let outage = state.outage.clone();
        let key_set = settings.profile.is_production().then(|| Arc::clone(&state.key_set));
        let hosts = settings.hosts().map_err(anyhow::Error::msg)?;
        let context = ServiceContext {
            service: "auth-server",
            party: Party::AuthorizationServer,
            events,
            clock: clock.clone(),
            http_metrics: HttpMetrics::register(&mut registry),
            hosts,
            limits: settings.limits.clone(),
        };
        let seed = control.clone();
        let traffic = control.as_ref().map(|control| Arc::clone(&control.traffic));
        let control = match listeners.control.zip(control) {
            Some((bound, control)) => {
                let routes = control_routes(control, &settings, context.clone())?;
                Some(Server::new(bound, routes, &settings.limits))
            }
            None => None,
        };
        let routes = public_routes(state, &settings, traffic, context);
        let is_shared = settings.database_url().map_err(anyhow::Error::msg)?.is_some();
        let readiness = readiness(store, is_shared, key_set, clock.clone());
        let management = Management::new(listeners.manage, readiness, registry, &settings.limits);
        let certificates = ServerCertificate::load(
            settings.tls.cert_file.as_ref(),
            settings.tls.key_file.as_ref(),
        )?;
        let tls = listeners.tls.map(|bound| {
            Server::new(bound, routes.clone(), &settings.limits).with_proxies(&settings.proxies)
        });
        let (tls, dev_certificate) = match tls {
            Some(server) if certificates.is_none() => {
                let certificate = dev_certificate(&settings, certificate_clock(&settings, clock))?;
                (Some(server.with_tls(certificate.tls())), Some(certificate))
            }
            other => (other, None),
        };
        let http = listeners.http.map(|bound| {
            Server::new(bound, routes, &settings.limits).with_proxies(&settings.proxies)
        });
        let public = PublicListeners {
            tasks,
            outage,
            http,
            tls,
            control,
            seed,
            certificates,
            dev_certificate,
        };
        Ok(Self { management, public })
    }

    /// Returns whether C can serve requests.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.management.readiness()
    }

    /// Serves requests until shutdown, then completes the requests in progress and the audit log.
    ///
    /// # Errors
    /// Returns an error if a listener or a background task fails.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Self { management, public } = self;
        management.run_with(stop, |close| public.run(close)).await
    }
}

impl PublicListeners {
    async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let audit = self.tasks.audit.clone();
        let background = tokio::spawn(background::run(self.tasks, stop.clone()));
        let background = fail_if_task_ends(background, &stop);
        if let Some(certificate) = self.dev_certificate {
            tokio::spawn(certificate.keep_renewed(stop.clone()));
        }
        if let Some(control) = self.seed {
            tokio::spawn(watch_seed_file(control, stop.clone()));
        }
        let tls = async {
            match self.tls {
                Some(server) => {
                    with_cert_reload(server, self.certificates, &stop)
                        .run_with_outages(&self.outage, stop.clone())
                        .await
                }
                None => Ok(()),
            }
        };
        let http = async {
            match self.http {
                Some(server) => server.run_with_outages(&self.outage, stop.clone()).await,
                None => Ok(()),
            }
        };
        let control = async {
            match self.control {
                Some(server) => server.run(stop.clone()).await,
                None => Ok(()),
            }
        };
        let served = tokio::try_join!(http, tls, control, background);
        audit.store_all_counts().await;
        served?;
        Ok(())
    }
}

/// Fails if the background tasks fail, which stops C: without them it would not notice disabled
/// clients. On shutdown, returns without waiting for them.
async fn fail_if_task_ends(background: JoinHandle<()>, stop: &CancellationToken) -> io::Result<()> {
    tokio::select! {
        ended = background => ended.map_err(io::Error::other),
        () = stop.cancelled() => Ok(()),
    }
}

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
    let file = database_file(settings);
    format!("SQLite at {}", std::path::absolute(&file).unwrap_or(file).display())
}

/// Returns the settings with what a seed has in place of them.
fn with_contents(mut settings: AuthServerSettings, files: &ConfiguredFiles) -> AuthServerSettings {
    settings.claims.clone_from(&files.claims);
    settings.control.looseness = files.looseness.names();
    if files.looseness.has_unlimited_failures() {
        settings.rate_limits = RateLimitSettings::unlimited();
    }
    settings
}

/// Opens the storage and creates the users that are missing. Returns it with the clients file.
async fn open_storage(
    settings: &AuthServerSettings,
    files: ConfiguredFiles,
    random: &SecureRandom,
    now: i64,
) -> anyhow::Result<(LoadedClientsFile, Storage)> {
    let (users, clients) = (files.users?, files.clients?);
    let configured = files.seed.map_err(anyhow::Error::msg)?;
    if !settings.control.is_on() {
        let store = open_store(settings).await?;
        seed_users(users, &*store, random, HashCost::Recommended, now).await?;
        return Ok((clients, Storage { store, control: None }));
    }
    let memory = MemoryStore::create().await?;
    let store = memory.store();
    let (document, file) = match configured {
        Some(ConfiguredSeed { document, file }) => (document, file),
        None => (seed_document(settings, &clients, &users)?, None),
    };
    // The seed has the passwords in plain text, and the database ends with the server.
    seed_users(users, &*store, random, HashCost::Least, now).await?;
    let rules = SeedRules { settings: settings.clone(), random: random.clone() };
    let seed = Seed::new(rules, document, store.users().await?, file);
    // The seed changes by calls, and with its own file.
    Ok((clients.without_reload(), Storage { store, control: Some((memory, seed)) }))
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

/// Opens or creates the development CA, and publishes its certificate if the settings ask for it.
///
/// # Errors
/// Returns an error if its folder cannot be used.
pub fn dev_ca(settings: &AuthServerSettings, clock: &Clock) -> anyhow::Result<DevCa> {
    let ca = DevCa::open_or_create(&settings.data_dir.join(CA_FOLDER), clock)?;
    if let Some(path) = &settings.tls.publish_ca_file {
        ca.publish(path)?;
    }
    Ok(ca)
}

/// Returns the path of the development CA's certificate, for services on the same machine.
pub fn dev_ca_certificate(settings: &AuthServerSettings) -> PathBuf {
    settings.data_dir.join(CA_FOLDER).join("ca.pem")
}

/// Clients judge a certificate by their own time, which the control API does not change.
fn certificate_clock(settings: &AuthServerSettings, clock: Clock) -> Clock {
    if settings.control.is_on() { Clock::system() } else { clock }
}

fn dev_certificate(settings: &AuthServerSettings, clock: Clock) -> anyhow::Result<DevCertificate> {
    Ok(DevCertificate::issue(
        settings.data_dir.join(CA_FOLDER),
        settings.tls.publish_ca_file.clone(),
        settings.tls.dev_cert_names.clone(),
        clock,
    )?)
}

fn public_routes(
    state: AppState,
    settings: &AuthServerSettings,
    traffic: Option<Arc<Traffic>>,
    context: ServiceContext,
) -> Router {
    let database_timeout = Duration::from_millis(settings.database_timeout_millis);
    let routes = router::routes(state.clone(), features(settings)).layer(from_fn(
        move |request, next: Next| with_time_budget(database_timeout, next.run(request)),
    ));
    let routes = match traffic {
        Some(traffic) => routes.layer(from_fn_with_state(traffic, observe)),
        None => routes,
    };
    let origins = PageOrigins {
        clients: Arc::clone(&state.key_set.clients),
        registration: settings.registration.enabled,
    };
    let routes =
        with_request_context(routes, context).layer(from_fn_with_state(state.pages, html_errors));
    with_cors(routes, origins)
}

/// The calls are part of no flow, so the viewer does not draw them.
fn control_routes(
    control: Arc<ControlContext>,
    settings: &AuthServerSettings,
    public: ServiceContext,
) -> anyhow::Result<Router> {
    let hosts = settings.control.hosts().map_err(anyhow::Error::msg)?;
    let context = ServiceContext { events: EventSink::disabled(), hosts, ..public };
    let origins = AllowedOrigins(Arc::clone(&control.policy.origins));
    Ok(with_cors(with_request_context(control::routes(control), context), origins))
}

/// The check of the database writes to it, so its result is cached for a second.
fn readiness(
    store: Arc<dyn Store>,
    is_shared: bool,
    key_set: Option<Arc<KeySet>>,
    clock: Clock,
) -> Readiness {
    let database = cached_check(clock, move || {
        let store = Arc::clone(&store);
        async move { store.ready().await.map_err(|error| error.to_string()) }
    });
    let mut instance = Readiness::always();
    if let Some(key_set) = key_set {
        instance = instance.with_instance(first_key_set(key_set));
    }
    if is_shared { instance.with_shared(database) } else { instance.with_instance(database) }
}

/// Fails until the key set has been complete once. A new client whose algorithm needs a key does
/// not make a running server unready.
fn first_key_set(key_set: Arc<KeySet>) -> Check {
    let was_complete = Arc::new(AtomicBool::new(false));
    check(move || {
        let complete = key_set.is_complete() || was_complete.load(Ordering::Relaxed);
        was_complete.store(complete, Ordering::Relaxed);
        async move {
            match complete {
                true => Ok(()),
                false => Err("a signing key that clients need is not active yet".to_owned()),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use service_kit::Profile;
    use test_support::platform::pipe_with;

    use super::*;

    #[tokio::test]
    async fn failed_background_task_stops_the_server() {
        let stop = CancellationToken::new();
        let broken = tokio::spawn(async { panic!("a bug") });
        assert!(fail_if_task_ends(broken, &stop).await.is_err());
    }

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

    /// A pipe can be read once, as with `--set clients_file=<(...)` in a shell.
    #[tokio::test]
    async fn start_reads_the_files_of_clients_and_users_once() {
        let folder = tempfile::tempdir().unwrap();
        let (clients_file, _clients) =
            pipe_with("[[clients]]\nclient_id = \"a\"\nclient_secret = \"s\"\n");
        let (users_file, _users) = pipe_with("[[users]]\nusername = \"u\"\npassword = \"p\"\n");
        let settings = AuthServerSettings {
            profile: Profile::Test,
            listen: "127.0.0.1:0".to_owned(),
            tls_listen: String::new(),
            data_dir: folder.path().to_owned(),
            clients_file: Some(clients_file),
            users_file: Some(users_file),
            ..AuthServerSettings::default()
        };
        let listeners = Listeners::bind(&settings).unwrap();
        let (clock, random) = (Clock::manual(1), SecureRandom::seeded(1));
        let server =
            AuthServer::prepare(settings, listeners, clock, random, EventSink::disabled()).await;
        let tasks = server.unwrap().public.tasks;
        assert!(tasks.clients.registry.current().client("a").is_some());
        assert_eq!(tasks.store.users().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn shutdown_does_not_wait_for_background_tasks() {
        let stop = CancellationToken::new();
        stop.cancel();
        assert!(fail_if_task_ends(tokio::spawn(std::future::pending()), &stop).await.is_ok());
    }
}
