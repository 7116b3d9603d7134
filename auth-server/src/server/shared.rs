use std::sync::Arc;

use clock::Clock;
use flow_events::{EventSink, Party};
use prometheus_client::registry::Registry;
use service_kit::{OutageSimulator, Profile, ServiceContext, metrics::HttpMetrics};

use super::listeners::Listeners;
use crate::{
    AuthServerSettings, SecureRandom,
    control::IssuerName,
    metrics::Metrics,
    password_hasher::PasswordHasherPool,
    settings::{DEFAULT_ISSUER, FurtherIssuer},
};

/// What the issuers of a process share.
pub(super) struct Shared {
    pub clock: Clock,
    pub random: SecureRandom,
    pub events: EventSink,
    pub outage: OutageSimulator,
    pub metrics: Metrics,
    /// Checks passwords of users.
    pub passwords: Arc<PasswordHasherPool>,
    /// Checks secrets of clients.
    pub client_secrets: Arc<PasswordHasherPool>,
    http_metrics: HttpMetrics,
    /// All issuers, the one of the settings first.
    pub issuers: Arc<[IssuerName]>,
}

/// Where an issuer is served.
pub(super) struct Place {
    pub name: String,
    /// The address of a listener of its own.
    pub listen: Option<String>,
    /// The path below which its endpoints are; empty if it has none.
    pub path: String,
    /// The scheme and port of each public listener that serves it.
    pub served_at: Vec<(&'static str, u16)>,
}

impl Shared {
    pub fn new(
        profile: Profile,
        issuers: Arc<[IssuerName]>,
        (clock, random, events): (Clock, SecureRandom, EventSink),
        registry: &mut Registry,
    ) -> Self {
        let metrics = Metrics::register(registry);
        Self {
            clock,
            random,
            events,
            outage: OutageSimulator::default(),
            metrics,
            passwords: Arc::new(PasswordHasherPool::for_passwords(profile.is_production())),
            client_secrets: Arc::new(PasswordHasherPool::new(profile.is_production())),
            http_metrics: HttpMetrics::register(registry),
            issuers,
        }
    }

    pub fn context(&self, settings: &AuthServerSettings) -> anyhow::Result<ServiceContext> {
        Ok(ServiceContext {
            service: "auth-server",
            party: Party::AuthorizationServer,
            events: self.events.clone(),
            clock: self.clock.clone(),
            http_metrics: self.http_metrics.clone(),
            hosts: settings.hosts().map_err(anyhow::Error::msg)?,
            limits: settings.limits.clone(),
        })
    }
}

impl Place {
    /// Returns the place of the issuer of the settings. C does not remove the path of its URL from
    /// requests: a proxy does.
    pub fn of_default(listeners: &Listeners) -> Self {
        Self {
            name: DEFAULT_ISSUER.to_owned(),
            listen: None,
            path: String::new(),
            served_at: listeners.public_ports(),
        }
    }

    /// Returns what the names of the issuer's cookies end in. Browsers send the cookies of a host
    /// to all ports and paths.
    pub fn cookie_suffix(&self) -> String {
        if self.name == DEFAULT_ISSUER { String::new() } else { format!("-{}", self.name) }
    }

    /// Returns the place of a further issuer, which has a listener of its own, or is at those of
    /// the server.
    pub fn of_further(issuer: &FurtherIssuer, server: &[(&'static str, u16)]) -> Self {
        let own = issuer.listen.as_deref().and_then(|listen| listen.rsplit_once(':'));
        let own = own.and_then(|(_, port)| port.parse().ok()).map(|port| vec![("http", port)]);
        Self {
            name: issuer.name.clone(),
            listen: issuer.listen.clone(),
            path: issuer.path().to_owned(),
            served_at: own.unwrap_or_else(|| server.to_vec()),
        }
    }
}
