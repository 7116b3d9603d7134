//! Composition of A: builds its components from the settings, binds them to routes, and serves.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use clock::Clock;
use flow_events::{EventSink, Party};
use pages::Pages;
use prometheus_client::registry::Registry;
use service_kit::{
    CancellationToken, Listeners, Management, Server, ServiceContext, Settings,
    ensure_safe_for_production,
    health::{Readiness, cached_check},
    http_client,
    metrics::HttpMetrics,
    run_periodically,
    tls::{ServerCertificate, with_cert_reload},
    with_request_context,
};
use sql_kit::{postgres, sqlite, with_time_budget};
use token_client::TokenClient;

use crate::{
    accounts::{AccountStore, PostgresAccounts, SqliteAccounts},
    b_client::{BClient, LegacyCredentials, UrlCache},
    http::error_page::html_errors,
    providers::{Provider, Providers},
    router,
    secure_random::SecureRandom,
    services::Services,
    settings::ServiceASettings,
    state::AppState,
    token_refresher::TokenRefresher,
    views::{self, Views},
};

const DELETE_EXPIRED_INTERVAL: Duration = Duration::from_secs(30);

/// A, bound to its listeners.
pub struct ServiceA {
    management: Management,
    server: Server,
    certificate: Option<ServerCertificate>,
    services: Arc<Services>,
}

impl ServiceA {
    /// Opens the account store and builds the routes.
    ///
    /// # Errors
    /// Returns an error if a setting is invalid or, in production, unsafe, or if the account store
    /// cannot be opened.
    pub async fn prepare(
        settings: &ServiceASettings,
        listeners: Listeners,
        clock: Clock,
        events: EventSink,
    ) -> anyhow::Result<Self> {
        ensure_safe_for_production(settings.profile, &settings.unsafe_settings())
            .map_err(anyhow::Error::msg)?;
        let components = Components::build(settings, &clock)?;
        let services = Arc::new(Services {
            accounts: open_accounts(settings).await?,
            providers: components.providers,
            public_url: settings.public_origin()?,
            sessions: settings.sessions.clone(),
            clock: clock.clone(),
            random: SecureRandom,
        });
        let state = AppState {
            b_client: Arc::new(components.b_client),
            targets: Arc::new(settings.targets.clone()),
            anonymous_reads: settings.anonymous_reads(),
            anonymous_writes: settings.anonymous_writes(),
            legacy: legacy_credentials(settings)?.map(Arc::new),
            services: Arc::clone(&services),
            token_refresher: Arc::new(TokenRefresher::new(Arc::clone(&services))),
            views: Views::new(components.pages, Arc::clone(&services)),
        };
        let hosts = settings.hosts().map_err(anyhow::Error::msg)?;
        let mut registry = Registry::with_prefix("gatepass");
        let http_metrics = HttpMetrics::register(&mut registry);
        let context = ServiceContext {
            service: "service-a",
            party: Party::Client,
            events,
            clock,
            http_metrics,
            hosts,
            limits: settings.limits.clone(),
        };
        let readiness = readiness(&services, settings.database_url()?.is_some());
        let database_timeout = settings.database_timeout();
        let views = state.views.clone();
        let routes = router::routes(state).layer(from_fn(move |request, next: Next| {
            with_time_budget(database_timeout, next.run(request))
        }));
        let routes =
            with_request_context(routes, context).layer(from_fn_with_state(views, html_errors));
        let server =
            Server::new(listeners.public, routes, &settings.limits).with_proxies(&settings.proxies);
        let management = Management::new(listeners.manage, readiness, registry, &settings.limits);
        Ok(Self { management, server, certificate: components.certificate, services })
    }

    /// Returns whether A can serve requests.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.management.readiness()
    }

    /// Serves until `stop` is cancelled, then finishes the running requests.
    ///
    /// # Errors
    /// Returns an error if the listener fails.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Self { management, server, certificate, services } = self;
        let serve = async |stop: CancellationToken| {
            tokio::spawn(delete_expired(services, stop.clone()));
            Ok(with_cert_reload(server, certificate, &stop).run(stop).await?)
        };
        management.run_with(stop, serve).await
    }
}

/// Readiness depends on the account store only. While B or C is unavailable, A responds and names
/// it. The check writes to the database, so its result is cached for a second.
fn readiness(services: &Services, is_shared: bool) -> Readiness {
    let accounts = Arc::clone(&services.accounts);
    let database = cached_check(services.clock.clone(), move || {
        let accounts = Arc::clone(&accounts);
        async move { accounts.ready().await.map_err(|error| error.to_string()) }
    });
    let always = Readiness::always();
    if is_shared { always.with_shared(database) } else { always.with_instance(database) }
}

/// Everything that is built from the settings alone. `check-config` builds it too.
pub(crate) struct Components {
    b_client: BClient,
    providers: Providers,
    pages: Pages,
    certificate: Option<ServerCertificate>,
}

impl Components {
    /// # Errors
    /// Returns an error if a setting is invalid.
    pub(crate) fn build(settings: &ServiceASettings, clock: &Clock) -> anyhow::Result<Self> {
        settings.check_targets()?;
        settings.proxies.check().map_err(anyhow::Error::msg)?;
        settings.hosts().map_err(anyhow::Error::msg)?;
        settings.database_url()?;
        let http = http_client(&settings.http())?;
        Ok(Self {
            b_client: BClient {
                tokens: token_client(settings, &http, clock)?,
                transport: BClient::transport(http),
                scope: settings.scope()?,
                urls: UrlCache::default(),
                call_timeout: settings.call_timeout(),
                total_timeout: settings.total_timeout(),
            },
            providers: build_providers(settings, clock)?,
            pages: views::load_pages(settings.pages_dir.as_deref())?
                .with_viewer(settings.viewer_page_url.as_ref()),
            certificate: ServerCertificate::load(
                settings.tls.cert_file.as_ref(),
                settings.tls.key_file.as_ref(),
            )?,
        })
    }
}

fn build_providers(settings: &ServiceASettings, clock: &Clock) -> anyhow::Result<Providers> {
    let mut providers = Providers::new();
    for (name, provider) in settings.all_providers()? {
        let provider = Provider::new(&name, &provider, &settings.redirect_uri(&name)?, clock);
        providers.insert(name.clone(), provider.with_context(|| format!("the provider `{name}`"))?);
    }
    Ok(providers)
}

/// Opens the database of the settings, and creates or migrates its tables.
///
/// # Errors
/// Returns an error if the database cannot be used.
pub(crate) async fn open_accounts(
    settings: &ServiceASettings,
) -> anyhow::Result<Arc<dyn AccountStore>> {
    let url = settings.database_url()?;
    let file = settings.accounts_file();
    let database = url.map_or_else(|| sqlite::location(&file), postgres::location);
    tracing::info!(database, "opening the database");
    if let Some(url) = url {
        let advice = "check the setting `database_url`, and that PostgreSQL is running there";
        return Ok(Arc::new(PostgresAccounts::connect(url).await.context(advice)?));
    }
    let accounts = SqliteAccounts::open(&file).await;
    Ok(Arc::new(accounts.context("the setting `data_dir`")?))
}

/// Deletes expired rows periodically, in small batches.
async fn delete_expired(services: Arc<Services>, stop: CancellationToken) {
    run_periodically(DELETE_EXPIRED_INTERVAL, stop, || async {
        let (idle_cutoff, now) = (services.idle_cutoff(), services.clock.seconds());
        if let Err(error) = services.accounts.delete_expired(idle_cutoff, now).await {
            tracing::warn!(%error, "failed to delete expired rows");
        }
    })
    .await;
}

fn token_client(
    settings: &ServiceASettings,
    http: &reqwest::Client,
    clock: &Clock,
) -> anyhow::Result<TokenClient> {
    let mut builder =
        TokenClient::builder(&settings.issuer, &settings.client_id, settings.secret()?)
            .auth_method(settings.token_endpoint_auth_method)
            .http_client(http.clone())
            .timeout(settings.call_timeout())
            .clock(clock.clone());
    if let Some(internal_url) = &settings.internal_url {
        builder = builder.internal_url(internal_url);
    }
    builder.build().context("the settings for C")
}

fn legacy_credentials(settings: &ServiceASettings) -> anyhow::Result<Option<LegacyCredentials>> {
    if !settings.legacy_secret_demo {
        return Ok(None);
    }
    // Each call warns.
    tracing::info!(
        "legacy_secret_demo is enabled: A sends its secret to B on request; for teaching only"
    );
    let client_id = settings.client_id.clone();
    Ok(Some(LegacyCredentials { client_id, secret: settings.secret()? }))
}
