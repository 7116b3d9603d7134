use anyhow::Context;
use axum::Router;
use clock::Clock;
use flow_events::{EventSink, Party};
use prometheus_client::registry::Registry;
use service_kit::{
    Bound, Limits, Server, ServiceContext, Settings, Stop, health, http_client, metrics, refuse_unsafe, scoped,
    tls::{OwnCertificates, followed},
};
use token_client::{AuthMethod, TokenClient};

use crate::{
    app::{self, App, Legacy, Parts},
    call_b::BClient,
    settings::{ClientAuth, ServiceASettings},
};

/// A, bound and ready to run.
pub struct ServiceA {
    bound: Bound,
    routes: Router,
    certificates: Option<OwnCertificates>,
    limits: Limits,
}

impl ServiceA {
    /// Prepare the clients of C and B, and lay out every route.
    ///
    /// # Errors
    /// When a setting is unsafe in production, or cannot be used.
    pub fn prepare(settings: &ServiceASettings, bound: Bound, clock: Clock, events: EventSink) -> anyhow::Result<Self> {
        refuse_unsafe(settings.profile, &settings.findings()).map_err(anyhow::Error::msg)?;
        let (app, certificates) = make(settings, &clock)?;
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
        // A has nothing to wait for: while C or B is away it answers, and says which of them.
        let readiness = health::ready(|| async { Ok(()) });
        // The scoped routes last: their fallback counts and logs unknown paths.
        let routes =
            health::routes(readiness).merge(metrics::routes(registry)).merge(scoped(app::routes(app), context));
        Ok(Self { bound, routes, certificates, limits: settings.limits.clone() })
    }

    /// Serve until a stop is asked for, then finish what is running.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(self, stop: Stop) -> anyhow::Result<()> {
        let server = Server::new(self.bound, self.routes, &self.limits);
        Ok(followed(server, self.certificates, &stop).run(stop).await?)
    }
}

/// What the settings become before anything is served; `check-config` tries the same.
pub(crate) fn make(settings: &ServiceASettings, clock: &Clock) -> anyhow::Result<(App, Option<OwnCertificates>)> {
    settings.check_targets()?;
    let http = http_client(&settings.http())?;
    let app = App::new(Parts {
        b: BClient { tokens: token_client(settings, &http, clock)?, http, scope: settings.scope()? },
        targets: settings.targets.clone(),
        legacy: legacy(settings)?,
    });
    let certificates = OwnCertificates::of(settings.tls.cert_file.as_ref(), settings.tls.key_file.as_ref())?;
    Ok((app, certificates))
}

fn token_client(settings: &ServiceASettings, http: &reqwest::Client, clock: &Clock) -> anyhow::Result<TokenClient> {
    let mut builder = TokenClient::builder(&settings.issuer, &settings.client_id, settings.secret()?)
        .auth_method(match settings.client_auth {
            ClientAuth::Post => AuthMethod::Post,
            ClientAuth::Basic => AuthMethod::Basic,
        })
        .http_client(http.clone())
        .timeout(settings.call_timeout())
        .clock(clock.clone());
    if let Some(internal_url) = &settings.internal_url {
        builder = builder.internal_url(internal_url);
    }
    builder.build().context("the settings for C")
}

fn legacy(settings: &ServiceASettings) -> anyhow::Result<Option<Legacy>> {
    if !settings.legacy_password_demo {
        return Ok(None);
    }
    tracing::warn!("legacy_password_demo is on: A shows its secret to B when asked to. For teaching only");
    Ok(Some(Legacy { client_id: settings.client_id.clone(), secret: settings.secret()? }))
}
