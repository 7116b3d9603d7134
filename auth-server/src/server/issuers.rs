//! The issuers of one process: each has its own storage, keys, seed and routes.

use std::sync::Arc;

use axum::Router;
use service_kit::{BindError, BoundListener, Server};

use super::{
    compose::{Composed, compose},
    database::open_storage,
    issuer_routing::{IssuerRoutes, route_by_issuer},
    routes::{control_routes, public_routes},
    shared::{Place, Shared},
};
use crate::{
    AuthServerSettings,
    background::BackgroundTasks,
    control::{ControlContext, IssuerName},
    oauth::jwks::KeySet,
    settings::{ConfiguredFiles, DEFAULT_ISSUER, FurtherIssuer, RateLimitSettings},
    users::seed::ensure_no_demo_users,
};

/// An issuer with everything that it needs.
pub(super) struct OpenedIssuer {
    pub place: Place,
    pub routes: Router,
    pub tasks: BackgroundTasks,
    pub key_set: Arc<KeySet>,
    /// If the control API is on.
    pub control: Option<(Arc<ControlContext>, Router)>,
}

/// Binds the listeners that further issuers have of their own, and replaces the port 0 of their
/// URLs. Returns each listener with its address, as it is in the issuers.
///
/// # Errors
/// Returns an error if an address cannot be bound.
pub(super) fn bind_listeners(
    issuers: &mut [FurtherIssuer],
) -> Result<Vec<(String, BoundListener)>, BindError> {
    let mut listeners: Vec<(String, BoundListener)> = Vec::new();
    for issuer in issuers {
        let Some(listen) = &mut issuer.listen else { continue };
        let shared = listeners.iter().find(|(bound, _)| bound == listen);
        let port = if let Some((_, bound)) = shared {
            bound.address().port()
        } else {
            let bound = BoundListener::bind(listen, "issuers")?;
            let address = bound.address();
            if listen.ends_with(":0") {
                *listen = address.to_string();
                issuer.settings.listen.clone_from(listen);
            }
            listeners.push((listen.clone(), bound));
            address.port()
        };
        if issuer.settings.issuer.port() == Some(0) {
            // A URL with a port can have another.
            let _ = issuer.settings.issuer.set_port(Some(port));
        }
    }
    Ok(listeners)
}

/// Returns the names of all issuers.
pub(super) fn names(settings: &AuthServerSettings, further: &[FurtherIssuer]) -> Arc<[IssuerName]> {
    let default = IssuerName { name: DEFAULT_ISSUER.to_owned(), issuer: settings.issuer() };
    let further = further
        .iter()
        .map(|issuer| IssuerName { name: issuer.name.clone(), issuer: issuer.settings.issuer() });
    std::iter::once(default).chain(further).collect()
}

/// Opens the storage of an issuer and composes its services.
///
/// # Errors
/// Returns an error if a file, the database or a key cannot be used.
pub(super) async fn open_issuer(
    settings: &AuthServerSettings,
    files: ConfiguredFiles,
    place: Place,
    shared: &Shared,
) -> anyhow::Result<OpenedIssuer> {
    let now = shared.clock.seconds();
    let (clients, storage) = open_storage(settings, files, &shared.random, now).await?;
    if settings.profile.is_production() {
        ensure_no_demo_users(&*storage.store).await?;
    }
    let Composed { state, tasks, control } =
        compose(settings, &place, clients, storage, shared).await?;
    let context = shared.context(settings)?;
    let traffic = control.as_ref().map(|control| Arc::clone(&control.traffic));
    let control = control.map(|control| {
        let routes = control_routes(Arc::clone(&control), settings, context.clone())?;
        anyhow::Ok((control, routes))
    });
    let control = control.transpose()?;
    let key_set = Arc::clone(&state.key_set);
    let routes = public_routes(state, settings, traffic, context);
    Ok(OpenedIssuer { place, routes, tasks, key_set, control })
}

/// Opens the further issuers.
///
/// # Errors
/// Returns an error if one of them cannot be opened.
pub(super) async fn open_further(
    issuers: Vec<FurtherIssuer>,
    public_ports: &[(&'static str, u16)],
    shared: &Shared,
) -> anyhow::Result<Vec<(IssuerRoutes, OpenedIssuer)>> {
    let mut opened = Vec::with_capacity(issuers.len());
    for issuer in issuers {
        let place = Place::of_further(&issuer, public_ports);
        let url = issuer.settings.issuer.clone();
        let settings = with_contents(issuer.settings, &issuer.files);
        tracing::info!(
            name = place.name,
            issuer = settings.issuer(),
            listen = place.listen,
            "further issuer"
        );
        let issuer = open_issuer(&settings, issuer.files, place, shared).await?;
        let routes = IssuerRoutes::new(&url, &issuer.place.path, issuer.routes.clone());
        opened.push((routes, issuer));
    }
    Ok(opened)
}

/// Returns the server of each listener that further issuers have of their own.
pub(super) fn own_servers(
    listeners: Vec<(String, BoundListener)>,
    further: &[(IssuerRoutes, OpenedIssuer)],
    settings: &AuthServerSettings,
) -> Vec<Server> {
    let server = |(listen, bound): (String, BoundListener)| {
        let routes = route_by_issuer(routes_at(further, Some(&listen)));
        Server::new(bound, routes, &settings.limits).with_proxies(&settings.proxies)
    };
    listeners.into_iter().map(server).collect()
}

/// Returns the routes of the further issuers at a listener; `None` stands for those of the server.
pub(super) fn routes_at(
    further: &[(IssuerRoutes, OpenedIssuer)],
    listen: Option<&str>,
) -> Vec<IssuerRoutes> {
    let at = |(_, issuer): &&(IssuerRoutes, OpenedIssuer)| issuer.place.listen.as_deref() == listen;
    further.iter().filter(at).map(|(routes, _)| routes.clone()).collect()
}

/// Returns the settings with what a seed has in place of them.
pub(super) fn with_contents(
    mut settings: AuthServerSettings,
    files: &ConfiguredFiles,
) -> AuthServerSettings {
    settings.claims.clone_from(&files.claims);
    settings.control.looseness = files.looseness.names();
    for name in files.looseness.names() {
        tracing::warn!(looseness = name, "a rule does not apply: this is a test server");
    }
    if files.looseness.has_unlimited_failures() {
        settings.rate_limits = RateLimitSettings::unlimited();
    }
    settings
}
