use std::{sync::Arc, time::Duration};

use clock::Clock;
use flow_events::{EventSink, Party};
use oauth_types::ClientSecret;
use prometheus_client::registry::Registry;
use service_kit::{
    CancellationToken, Listeners, Management, Server, ServiceContext, Settings,
    ensure_safe_for_production,
    health::{Readiness, check},
    metrics::HttpMetrics,
    run_periodically,
    tls::{ServerCertificate, with_cert_reload},
    with_cors, with_request_context,
};
use token_verifier::Verifier;

use crate::{
    cors::AllowedOrigins,
    endpoints::legacy::LegacyClient,
    router::router,
    settings::ServiceBSettings,
    state::AppState,
    verifier::{load_certificate, verifier},
};

/// The interval of attempts to fetch the keys while B has none.
const WARM_UP_INTERVAL: Duration = Duration::from_millis(250);

/// B, with its listeners bound.
pub struct ServiceB {
    management: Management,
    server: Server,
    verifier: Verifier,
    certificate: Option<ServerCertificate>,
}

impl ServiceB {
    /// Creates the verifier and the routes.
    ///
    /// # Errors
    /// Returns an error if a setting is invalid, or unsafe in production.
    pub fn prepare(
        settings: &ServiceBSettings,
        listeners: Listeners,
        clock: Clock,
        events: EventSink,
    ) -> anyhow::Result<Self> {
        ensure_safe_for_production(settings.profile, &settings.unsafe_settings())
            .map_err(anyhow::Error::msg)?;
        settings.proxies.check().map_err(anyhow::Error::msg)?;
        let verifier = verifier(settings, clock.clone())?;
        let certificate = load_certificate(settings)?;
        let state = AppState { verifier: verifier.clone(), legacy_client: legacy_client(settings) };
        let origins = AllowedOrigins::parse(&settings.cors.allowed_origins);
        let origins = origins.map_err(anyhow::Error::msg)?;
        let hosts = settings.hosts().map_err(anyhow::Error::msg)?;
        let mut registry = Registry::with_prefix("gatepass");
        let http_metrics = HttpMetrics::register(&mut registry);
        let context = ServiceContext {
            service: "service-b",
            party: Party::ResourceServer,
            events,
            clock,
            http_metrics,
            hosts,
            limits: settings.limits.clone(),
        };
        let routes = with_cors(with_request_context(router(state), context), origins);
        let server =
            Server::new(listeners.public, routes, &settings.limits).with_proxies(&settings.proxies);
        let readiness = readiness(verifier.clone());
        let management = Management::new(listeners.manage, readiness, registry, &settings.limits);
        Ok(Self { management, server, verifier, certificate })
    }

    /// Returns whether B can serve requests.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.management.readiness()
    }

    /// Serves until `stop` is cancelled, then completes the requests in progress.
    ///
    /// # Errors
    /// Returns an error if the listener fails.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Self { management, server, verifier, certificate } = self;
        let serve = async |stop: CancellationToken| {
            tokio::spawn(warm_until_ready(verifier, stop.clone()));
            Ok(with_cert_reload(server, certificate, &stop).run(stop).await?)
        };
        management.run_with(stop, serve).await
    }
}

/// Without keys B cannot verify tokens, so it is not ready before it has them.
fn readiness(verifier: Verifier) -> Readiness {
    Readiness::always().with_instance(check(move || {
        let ready = verifier.is_ready();
        async move { if ready { Ok(()) } else { Err("no keys of the issuer yet".to_owned()) } }
    }))
}

async fn warm_until_ready(verifier: Verifier, stop: CancellationToken) {
    let done = stop.child_token();
    run_periodically(WARM_UP_INTERVAL, done.clone(), || async {
        match verifier.warm_up().await {
            Ok(()) => done.cancel(),
            Err(error) => tracing::warn!(%error, "cannot verify access tokens yet; will retry"),
        }
    })
    .await;
}

fn legacy_client(settings: &ServiceBSettings) -> Option<Arc<LegacyClient>> {
    if !settings.legacy_secret_demo {
        return None;
    }
    // Each call warns.
    tracing::info!(
        "legacy_secret_demo is on: B accepts client secrets instead of access tokens. For learning only"
    );
    let client_secret = ClientSecret::new(service_kit::DEMO_SECRET);
    Some(Arc::new(LegacyClient { client_id: "service-a".to_owned(), client_secret }))
}
