use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{Router, middleware::from_fn_with_state};
use clock::Clock;
use flow_events::{EventSink, Party};
use pages::Pages;
use prometheus_client::registry::Registry;
use service_kit::{
    BoundListener, CancellationToken, Limits, Server, ServiceContext, Settings,
    ensure_safe_for_production, health, http_client, metrics, run_periodically,
    tls::{ServerCertificate, with_cert_reload},
    with_request_context,
};
use token_client::TokenClient;
use url::Url;

use crate::{
    accounts::{AccountStore, PostgresAccounts, SqliteAccounts},
    b_client::{Addresses, BClient, Legacy},
    http::cookies::Cookies,
    providers::{Provider, Providers},
    router,
    secure_random::Entropy,
    services::Website,
    settings::ServiceASettings,
    state::{App, Parts},
    user_tokens::Refreshing,
    views::{self, RefusalPage},
};

const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// A, bound and ready to run.
pub struct ServiceA {
    bound: BoundListener,
    routes: Router,
    certificates: Option<ServerCertificate>,
    limits: Limits,
    website: Arc<Website>,
}

impl ServiceA {
    /// Open the accounts, prepare the clients of C and B, and lay out every route.
    ///
    /// # Errors
    /// When a setting is unsafe in production, or cannot be used.
    pub async fn prepare(
        settings: &ServiceASettings,
        bound: BoundListener,
        clock: Clock,
        events: EventSink,
    ) -> anyhow::Result<Self> {
        ensure_safe_for_production(settings.profile, &settings.unsafe_settings())
            .map_err(anyhow::Error::msg)?;
        let Made { b, providers, pages, certificates } = make(settings, &clock)?;
        let website = Arc::new(website(settings, providers, &clock).await?);
        let app = App::new(Parts {
            b,
            targets: settings.targets.clone(),
            legacy: legacy(settings)?,
            website: Arc::clone(&website),
            pages,
        });
        let mut registry = Registry::with_prefix("gatepass");
        let http_metrics = metrics::HttpMetrics::register(&mut registry);
        let context = ServiceContext {
            service: "service-a",
            party: Party::Client,
            events,
            clock,
            http_metrics,
            limits: settings.limits.clone(),
        };
        // While C or B is away A answers, and says which of them. Without its accounts there is no
        // website.
        let accounts = Arc::clone(&website.accounts);
        let readiness = health::readiness(move || {
            let accounts = Arc::clone(&accounts);
            async move { accounts.answers().await.map_err(|error| error.to_string()) }
        });
        // The scoped routes last: their fallback counts and logs unknown paths.
        let scoped = with_request_context(router::routes(app.clone()), context);
        let scoped = scoped.layer(from_fn_with_state(app, RefusalPage::beforehand));
        let routes = health::routes(readiness).merge(metrics::routes(registry)).merge(scoped);
        Ok(Self { bound, routes, certificates, limits: settings.limits.clone(), website })
    }

    /// Serve until a stop is asked for, then finish what is running.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        tokio::spawn(sweep(self.website, stop.clone()));
        let server = Server::new(self.bound, self.routes, &self.limits);
        Ok(with_cert_reload(server, self.certificates, &stop).run(stop).await?)
    }
}

/// What the settings become before anything is opened or served.
pub(crate) struct Made {
    b: BClient,
    providers: Providers,
    pages: Pages,
    certificates: Option<ServerCertificate>,
}

/// `check-config` tries the same.
pub(crate) fn make(settings: &ServiceASettings, clock: &Clock) -> anyhow::Result<Made> {
    settings.check_targets()?;
    settings.database_url()?;
    let http = http_client(&settings.http())?;
    Ok(Made {
        b: BClient {
            tokens: token_client(settings, &http, clock)?,
            http,
            scope: settings.scope()?,
            addresses: Addresses::default(),
            call_timeout: settings.call_timeout(),
            patience: settings.patience(),
        },
        providers: providers(settings, clock)?,
        pages: views::pages(settings.pages_dir.as_deref())?,
        certificates: ServerCertificate::load(
            settings.tls.cert_file.as_ref(),
            settings.tls.key_file.as_ref(),
        )?,
    })
}

fn providers(settings: &ServiceASettings, clock: &Clock) -> anyhow::Result<Providers> {
    let public_url = settings.public_origin()?;
    let mut providers = Providers::new();
    for (name, provider) in settings.all_providers()? {
        let provider = Provider::new(&name, &provider, &redirect_uri(&public_url, &name), clock);
        providers.insert(name.clone(), provider.with_context(|| format!("the provider `{name}`"))?);
    }
    Ok(providers)
}

/// Where the provider of that name sends browsers back to.
pub(crate) fn redirect_uri(public_url: &Url, name: &str) -> String {
    format!("{}/callback/{name}", public_url.as_str().trim_end_matches('/'))
}

/// Where the accounts are kept.
pub(crate) fn accounts_file(settings: &ServiceASettings) -> PathBuf {
    settings.data_dir.join("service-a.db")
}

async fn website(
    settings: &ServiceASettings,
    providers: Providers,
    clock: &Clock,
) -> anyhow::Result<Website> {
    let public_url = settings.public_origin()?;
    Ok(Website {
        accounts: open_accounts(settings).await?,
        providers,
        refreshing: Refreshing::default(),
        cookies: Cookies { https: public_url.scheme() == "https" },
        public_url,
        sessions: settings.sessions.clone(),
        clock: clock.clone(),
        entropy: Entropy,
    })
}

async fn open_accounts(settings: &ServiceASettings) -> anyhow::Result<Arc<dyn AccountStore>> {
    if let Some(url) = settings.database_url()? {
        let advice = "check the setting `database_url`, and whether PostgreSQL runs there";
        return Ok(Arc::new(PostgresAccounts::connect(url).await.context(advice)?));
    }
    std::fs::create_dir_all(&settings.data_dir).with_context(|| {
        format!("the setting `data_dir`: cannot make {}", settings.data_dir.display())
    })?;
    Ok(Arc::new(SqliteAccounts::open(&accounts_file(settings)).await?))
}

/// Forget what is void, a little at a time.
async fn sweep(website: Arc<Website>, stop: CancellationToken) {
    run_periodically(SWEEP_EVERY, stop, || async {
        if let Err(error) =
            website.accounts.sweep(website.idle_since(), website.clock.seconds()).await
        {
            tracing::warn!(%error, "what is void could not be forgotten");
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

fn legacy(settings: &ServiceASettings) -> anyhow::Result<Option<Legacy>> {
    if !settings.legacy_secret_demo {
        return Ok(None);
    }
    tracing::warn!(
        "legacy_secret_demo is on: A shows its secret to B when asked to. For teaching only"
    );
    Ok(Some(Legacy { client_id: settings.client_id.clone(), secret: settings.secret()? }))
}
