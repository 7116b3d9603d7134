use std::sync::Arc;

use clock::Clock;
use flow_events::{EventSink, Party};
use prometheus_client::registry::Registry;
use service_kit::{
    BoundListener, CancellationToken, HttpClientSettings, Server, ServiceContext, Settings,
    ensure_safe_for_production, health, http_client_with_optional_roots, metrics,
    with_request_context,
};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{
    app::{self, App},
    flows::Flows,
    settings::FlowViewerSettings,
    stories::World,
};

/// The viewer, bound and ready to run.
pub struct FlowViewer {
    server: Server,
    flows: Arc<Flows>,
    events: EventSink,
    ending: CancellationToken,
}

impl FlowViewer {
    /// Lay out every route. What is emitted into `events` in this very process is shown, too.
    ///
    /// # Errors
    /// When a setting is unsafe in production, or cannot be used.
    pub fn prepare(
        settings: &FlowViewerSettings,
        bound: BoundListener,
        clock: Clock,
        events: EventSink,
    ) -> anyhow::Result<Self> {
        ensure_safe_for_production(settings.profile, &settings.unsafe_settings())
            .map_err(anyhow::Error::msg)?;
        let world = Self::prepare_world(settings)?;
        let flows = Arc::clone(&world.flows);
        let login =
            format!("{}/login/platform", settings.service_a.public_url.trim_end_matches('/'))
                .into();
        let ending = CancellationToken::new();
        let app = App {
            flows: Arc::clone(&flows),
            world: settings.stories.then(|| Arc::new(world)),
            login,
            ending: ending.clone(),
        };
        let mut registry = Registry::with_prefix("gatepass");
        let http_metrics = metrics::HttpMetrics::register(&mut registry);
        let context = ServiceContext {
            service: "flow-viewer",
            party: Party::Browser,
            // Who looks is no part of what is looked at.
            events: EventSink::disabled(),
            clock,
            http_metrics,
            limits: settings.limits.clone(),
        };
        let readiness = health::readiness(|| async { Ok(()) });
        let routes = health::routes(readiness)
            .merge(metrics::routes(registry))
            .merge(with_request_context(app::routes(app), context));
        Ok(Self { server: Server::new(bound, routes, &settings.limits), flows, events, ending })
    }

    pub(crate) fn prepare_world(settings: &FlowViewerSettings) -> anyhow::Result<World> {
        let http = http_client_with_optional_roots(&HttpClientSettings::default())?;
        World::new(settings, http, Arc::new(Flows::default()))
    }

    /// Serve until a stop is asked for, then finish what is running.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        if let Some(listener) = self.events.subscribe() {
            tokio::spawn(follow(listener, self.flows));
        }
        let (asked, ending) = (stop.clone(), self.ending);
        tokio::spawn(async move {
            asked.cancelled().await;
            ending.cancel();
        });
        Ok(self.server.run(stop).await?)
    }
}

/// Take what happens in this process until its last sender is gone.
async fn follow(mut listener: Receiver<Arc<flow_events::FlowEvent>>, flows: Arc<Flows>) {
    loop {
        match listener.recv().await {
            Ok(event) => {
                let mut batch = vec![event];
                while let Ok(event) = listener.try_recv() {
                    batch.push(event);
                }
                flows.take(batch.into_iter().map(Arc::unwrap_or_clone));
            }
            Err(RecvError::Lagged(lost)) => {
                tracing::debug!(lost, "events were lost: they come faster than they are drawn");
            }
            Err(RecvError::Closed) => return,
        }
    }
}
