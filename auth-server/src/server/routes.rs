use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    middleware::{Next, from_fn, from_fn_with_state},
};
use flow_events::EventSink;
use service_kit::{
    ServiceContext, with_context_layer, with_cors, with_error_fallbacks, with_request_context,
};
use sql_kit::with_time_budget;

use super::compose::features;
use crate::{
    AuthServerSettings,
    control::{self, AllowedOrigins, ControlContext, Traffic, observe},
    cors::PageOrigins,
    http::html_errors,
    router,
    state::AppState,
};

pub(super) fn public_routes(
    state: AppState,
    settings: &AuthServerSettings,
    traffic: Option<Arc<Traffic>>,
    context: ServiceContext,
) -> Router {
    let database_timeout = Duration::from_millis(settings.database_timeout_millis);
    let routes = router::routes(state.clone(), features(settings)).layer(from_fn(
        move |request, next: Next| with_time_budget(database_timeout, next.run(request)),
    ));
    let routes = with_error_fallbacks(routes);
    let routes = match traffic {
        Some(traffic) => routes.layer(from_fn_with_state(traffic, observe)),
        None => routes,
    };
    let origins = PageOrigins {
        clients: Arc::clone(&state.key_set.clients),
        registration: settings.registration.enabled,
    };
    let routes =
        with_context_layer(routes, context).layer(from_fn_with_state(state.pages, html_errors));
    with_cors(routes, origins)
}

/// The calls are part of no flow, so the viewer does not draw them.
pub(super) fn control_routes(
    control: Arc<ControlContext>,
    settings: &AuthServerSettings,
    public: ServiceContext,
) -> anyhow::Result<Router> {
    let hosts = settings.control.hosts().map_err(anyhow::Error::msg)?;
    let context = ServiceContext { events: EventSink::disabled(), hosts, ..public };
    let origins = AllowedOrigins(Arc::clone(&control.policy.origins));
    Ok(with_cors(with_request_context(control::routes(control), context), origins))
}
