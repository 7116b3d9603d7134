use std::{sync::Arc, time::Duration};

use anyhow::Context;
use axum::Router;
use clock::Clock;
use flow_events::{EventSink, Party};
use prometheus_client::registry::Registry;
use service_kit::{
    BoundListener, CancellationToken, Limits, Server, ServiceContext, Settings,
    ensure_safe_for_production, health, http_client, metrics, run_periodically,
    tls::{ServerCertificate, with_cert_reload},
    with_request_context,
};
use token_verifier::Verifier;

use crate::{
    endpoints::legacy::Legacy,
    router::{self, App},
    settings::ServiceBSettings,
    verifier::verifier,
};

/// How often B tries to get the keys while it has none.
const WARM_PERIOD: Duration = Duration::from_millis(250);

/// B, bound and ready to run.
pub struct ServiceB {
    bound: BoundListener,
    routes: Router,
    verifier: Verifier,
    certificates: Option<ServerCertificate>,
    limits: Limits,
}

impl ServiceB {
    /// Prepare the verifier, and lay out every route.
    ///
    /// # Errors
    /// When a setting is unsafe in production, or cannot be used.
    pub fn prepare(
        settings: &ServiceBSettings,
        bound: BoundListener,
        clock: Clock,
        events: EventSink,
    ) -> anyhow::Result<Self> {
        ensure_safe_for_production(settings.profile, &settings.unsafe_settings())
            .map_err(anyhow::Error::msg)?;
        let (verifier, certificates) = make(settings, clock.clone())?;
        let app = App { verifier: verifier.clone(), legacy: legacy(settings) };
        let mut registry = Registry::with_prefix("gatepass");
        let http_metrics = metrics::HttpMetrics::register(&mut registry);
        let context = ServiceContext {
            service: "service-b",
            party: Party::ResourceServer,
            events,
            clock,
            http_metrics,
            limits: settings.limits.clone(),
        };
        // The scoped routes last: their fallback counts and logs unknown paths.
        let routes = health::routes(readiness(verifier.clone()))
            .merge(metrics::routes(registry))
            .merge(with_request_context(router::routes(app), context));
        Ok(Self { bound, routes, verifier, certificates, limits: settings.limits.clone() })
    }

    /// Serve until a stop is asked for, then finish what is running.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        tokio::spawn(warm_until_ready(self.verifier, stop.clone()));
        let server = Server::new(self.bound, self.routes, &self.limits);
        Ok(with_cert_reload(server, self.certificates, &stop).run(stop).await?)
    }
}

/// What the settings become before anything is served; `check-config` tries the same.
pub(crate) fn make(
    settings: &ServiceBSettings,
    clock: Clock,
) -> anyhow::Result<(Verifier, Option<ServerCertificate>)> {
    let http = http_client(&settings.http())?;
    let verifier = verifier(settings, http, clock).context("the settings for checking passes")?;
    let certificates =
        ServerCertificate::load(settings.tls.cert_file.as_ref(), settings.tls.key_file.as_ref())?;
    Ok((verifier, certificates))
}

/// Without keys B could only refuse, so it asks for no traffic until it has them.
fn readiness(verifier: Verifier) -> health::Readiness {
    health::readiness(move || {
        let ready = verifier.is_ready();
        async move { if ready { Ok(()) } else { Err("B has no keys of C yet".to_owned()) } }
    })
}

async fn warm_until_ready(verifier: Verifier, stop: CancellationToken) {
    let done = stop.child_token();
    run_periodically(WARM_PERIOD, done.clone(), || async {
        match verifier.warm_up().await {
            Ok(()) => done.cancel(),
            Err(error) => tracing::warn!(%error, "B cannot check passes yet; it tries again"),
        }
    })
    .await;
}

fn legacy(settings: &ServiceBSettings) -> Option<Arc<Legacy>> {
    if !settings.legacy_secret_demo {
        return None;
    }
    tracing::warn!(
        "legacy_secret_demo is on: B takes a secret instead of a pass. For teaching only"
    );
    let secret = oauth_types::ClientSecret::new(service_kit::DEMO_SECRET);
    Some(Arc::new(Legacy { client_id: "service-a".to_owned(), secret }))
}
