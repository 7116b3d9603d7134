//! Every route of A on one page, and what they share.

use std::sync::Arc;

use axum::{Router, routing::get};
use claims::ClientSecret;

use crate::{
    call_b::BClient,
    endpoints::{call_b, call_b_legacy, openapi},
    settings::Targets,
};

/// What the endpoints share.
#[derive(Clone)]
pub struct App(Arc<Parts>);

pub struct Parts {
    pub b: BClient,
    pub targets: Targets,
    /// Present only in the demonstration of the old way.
    pub legacy: Option<Legacy>,
}

/// What A would show to B itself, in the old way.
pub struct Legacy {
    pub client_id: String,
    pub secret: ClientSecret,
}

/// Every route.
pub fn routes(app: App) -> Router {
    let routes = Router::new()
        .route("/api/call-b", get(call_b::read).post(call_b::write))
        .route("/openapi.json", get(openapi::openapi));
    let routes = match app.legacy {
        Some(_) => routes.route("/api/call-b-legacy", get(call_b_legacy::call_b_legacy)),
        None => routes,
    };
    routes.with_state(app)
}

impl App {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
