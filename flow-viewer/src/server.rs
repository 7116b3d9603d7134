use std::sync::Arc;

use axum::middleware::from_fn;
use clock::Clock;
use flow_events::{EventSink, FlowEvent, Party};
use prometheus_client::registry::Registry;
use service_kit::{
    CancellationToken, Listeners, Management, Server, ServiceContext, Settings,
    ensure_safe_for_production,
    health::Readiness,
    http_client_with_optional_roots,
    metrics::HttpMetrics,
    tls::{ServerCertificate, with_cert_reload},
    with_request_context,
};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{
    flows::FlowStore,
    handlers::page::html_errors,
    page_config::PageConfig,
    router::router,
    scenarios::Environment,
    settings::FlowViewerSettings,
    state::{AppState, ScenarioPlayer},
};

/// The flow viewer, bound and ready to run.
pub struct FlowViewer {
    management: Management,
    server: Server,
    certificate: Option<ServerCertificate>,
    flows: Arc<FlowStore>,
    events: EventSink,
    shutdown: CancellationToken,
}

impl FlowViewer {
    /// Builds the server. It also draws what is emitted into `events` in this process.
    ///
    /// # Errors
    /// Returns an error if a setting is unsafe in production or cannot be used.
    pub fn prepare(
        settings: &FlowViewerSettings,
        listeners: Listeners,
        clock: Clock,
        events: EventSink,
    ) -> anyhow::Result<Self> {
        ensure_safe_for_production(settings.profile, &settings.unsafe_settings())
            .map_err(anyhow::Error::msg)?;
        settings.proxies.check().map_err(anyhow::Error::msg)?;
        let flows = Arc::new(FlowStore::default());
        let shutdown = CancellationToken::new();
        let state = AppState {
            flows: Arc::clone(&flows),
            scenarios: ScenarioPlayer(Self::environment(settings, &clock, &flows)?),
            config: Arc::new(PageConfig::new(settings)),
            shutdown: shutdown.clone(),
        };
        let hosts = settings.hosts().map_err(anyhow::Error::msg)?;
        let mut registry = Registry::with_prefix("gatepass");
        let http_metrics = HttpMetrics::register(&mut registry);
        let context = ServiceContext {
            service: "flow-viewer",
            party: Party::Browser,
            // Requests to the viewer itself are not part of any flow.
            events: EventSink::disabled(),
            clock,
            http_metrics,
            hosts,
            limits: settings.limits.clone(),
        };
        let routes = with_request_context(router(state), context).layer(from_fn(html_errors));
        let server =
            Server::new(listeners.public, routes, &settings.limits).with_proxies(&settings.proxies);
        let (readiness, limits) = (Readiness::always(), &settings.limits);
        let management = Management::new(listeners.manage, readiness, registry, limits);
        let certificate = settings.certificate()?;
        Ok(Self { management, server, certificate, flows, events, shutdown })
    }

    fn environment(
        settings: &FlowViewerSettings,
        clock: &Clock,
        flows: &Arc<FlowStore>,
    ) -> anyhow::Result<Option<Arc<Environment>>> {
        if !settings.scenarios {
            return Ok(None);
        }
        let http = http_client_with_optional_roots(&settings.http())?;
        let environment = Environment::new(settings, http, clock.clone(), Arc::clone(flows))?;
        Ok(Some(Arc::new(environment)))
    }

    /// Serves until `stop` is cancelled, then finishes the requests in progress.
    ///
    /// # Errors
    /// Returns an error if the listener fails.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Self { management, server, certificate, flows, events, shutdown } = self;
        if let Some(receiver) = events.subscribe() {
            tokio::spawn(record_events(receiver, flows));
        }
        let serve = async |stop: CancellationToken| {
            let stopped = stop.clone();
            tokio::spawn(async move {
                stopped.cancelled().await;
                shutdown.cancel();
            });
            Ok(with_cert_reload(server, certificate, &stop).run(stop).await?)
        };
        management.run_with(stop, serve).await
    }

    /// Returns whether the viewer can serve requests.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.management.readiness()
    }
}

/// Records the events of this process until the last sender is dropped.
async fn record_events(mut receiver: Receiver<Arc<FlowEvent>>, flows: Arc<FlowStore>) {
    loop {
        match receiver.recv().await {
            Ok(event) => {
                let mut batch = vec![event];
                while let Ok(event) = receiver.try_recv() {
                    batch.push(event);
                }
                flows.record(batch.into_iter().map(Arc::unwrap_or_clone));
            }
            Err(RecvError::Lagged(lost)) => {
                tracing::debug!(lost, "flow events lost: the viewer is slower than the servers");
            }
            Err(RecvError::Closed) => return,
        }
    }
}
