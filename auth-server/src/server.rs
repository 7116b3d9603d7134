mod compose;

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
    BindError, BoundListener, CancellationToken, Hosts, Management, OutageSimulator, Server,
    ServiceContext, ensure_distinct_listeners, ensure_safe_for_production,
    health::{Check, Readiness, cached_check, check},
    metrics::HttpMetrics,
    tls::{DevCa, DevCertificate, ServerCertificate, with_cert_reload},
    with_request_context,
};
use sql_kit::with_time_budget;
use tokio::task::JoinHandle;

use self::compose::{compose, features};

use crate::{
    AuthServerSettings, SecureRandom,
    background::{self, BackgroundTasks},
    http::html_errors,
    oauth::jwks::KeySet,
    router,
    state::AppState,
    storage::{PostgresStore, SqliteStore, Store},
    users::seed::{refuse_demo_users, seed_users},
};

const DATABASE: &str = "auth-server.db";
const CA_FOLDER: &str = "ca";

/// The bound listeners of C.
pub struct Listeners {
    pub http: BoundListener,
    pub tls: Option<BoundListener>,
    /// The management listener, unless it is off.
    pub manage: Option<BoundListener>,
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
    http: Server,
    tls: Option<Server>,
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
        let tls = (!settings.tls_listen.is_empty())
            .then(|| BoundListener::bind(&settings.tls_listen, "tls_listen"));
        Ok(Self {
            http: BoundListener::bind(&settings.listen, "listen")?,
            tls: tls.transpose()?,
            manage: BoundListener::bind_management(settings)?,
        })
    }
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
        ensure_safe_for_production(settings.profile, &settings.unsafe_at_start())
            .map_err(anyhow::Error::msg)?;
        settings.check().map_err(anyhow::Error::msg)?;
        let store = open_store(&settings).await?;
        let now = clock.seconds();
        seed_users(settings.users_file.as_deref(), settings.profile, &*store, &random, now).await?;
        if settings.profile.is_production() {
            refuse_demo_users(&*store).await?;
        }
        let mut registry = Registry::with_prefix("gatepass");
        let (state, tasks) = compose(
            &settings,
            Arc::clone(&store),
            clock.clone(),
            random,
            events.clone(),
            &mut registry,
        )
        .await?;
        let outage = state.outage.clone();
        let key_set = settings.profile.is_production().then(|| Arc::clone(&state.key_set));
        let hosts = settings.hosts().map_err(anyhow::Error::msg)?;
        let routes = public_routes(state, &settings, hosts, &mut registry, clock.clone(), events);
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
                let certificate = dev_certificate(&settings, clock)?;
                (Some(server.with_tls(certificate.tls())), Some(certificate))
            }
            other => (other, None),
        };
        let http =
            Server::new(listeners.http, routes, &settings.limits).with_proxies(&settings.proxies);
        let public = PublicListeners { tasks, outage, http, tls, certificates, dev_certificate };
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
        management.run_beside(stop, |close| public.run(close)).await
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
        let served = tokio::try_join!(
            self.http.run_with_outages(&self.outage, stop.clone()),
            tls,
            background
        );
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

/// Opens the database of the settings, or creates it.
///
/// # Errors
/// Returns an error if the database cannot be opened.
pub async fn open_store(settings: &AuthServerSettings) -> anyhow::Result<Arc<dyn Store>> {
    match settings.database_url().map_err(anyhow::Error::msg)? {
        Some(url) => {
            let advice = "check the setting `database_url`, and that PostgreSQL is running there";
            Ok(Arc::new(PostgresStore::connect(url).await.context(advice)?))
        }
        None => Ok(Arc::new(open_file(&settings.data_dir).await?)),
    }
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
/// none.
///
/// # Errors
/// Returns an error if the database does not exist or cannot be opened.
pub async fn open_existing_store(settings: &AuthServerSettings) -> anyhow::Result<Arc<dyn Store>> {
    let database = database_file(settings);
    ensure!(
        settings.database_url() != Ok(None) || database.exists(),
        "there is no database {}; check the setting `data_dir`, or start the server once to create the database",
        database.display()
    );
    open_store(settings).await
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
    hosts: Hosts,
    registry: &mut Registry,
    clock: Clock,
    events: EventSink,
) -> Router {
    let http_metrics = HttpMetrics::register(registry);
    let context = ServiceContext {
        service: "auth-server",
        party: Party::AuthorizationServer,
        events,
        clock,
        http_metrics,
        hosts,
        limits: settings.limits.clone(),
    };
    let database_timeout = Duration::from_millis(settings.database_timeout_millis);
    let routes = router::routes(state.clone(), features(settings)).layer(from_fn(
        move |request, next: Next| with_time_budget(database_timeout, next.run(request)),
    ));
    with_request_context(routes, context).layer(from_fn_with_state(state.pages, html_errors))
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
    use super::*;

    #[tokio::test]
    async fn failed_background_task_stops_the_server() {
        let stop = CancellationToken::new();
        let broken = tokio::spawn(async { panic!("a bug") });
        assert!(fail_if_task_ends(broken, &stop).await.is_err());
    }

    #[tokio::test]
    async fn shutdown_does_not_wait_for_background_tasks() {
        let stop = CancellationToken::new();
        stop.cancel();
        assert!(fail_if_task_ends(tokio::spawn(std::future::pending()), &stop).await.is_ok());
    }
}
