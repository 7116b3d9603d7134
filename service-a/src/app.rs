//! Every route of A on one page, and what they share.

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use oauth_types::ClientSecret;
use pages::Pages;

use crate::{
    call_b::BClient,
    endpoints::{
        account, backchannel_logout, call_b, call_b_legacy, callback, home, link, login, logout,
        my_resource, openapi, style, unlink,
    },
    settings::Targets,
    website::Website,
};

/// What the endpoints share.
#[derive(Clone)]
pub struct App(Arc<Parts>);

pub struct Parts {
    pub b: BClient,
    pub targets: Targets,
    /// Present only in the demonstration of the old way.
    pub legacy: Option<Legacy>,
    pub website: Arc<Website>,
    pub pages: Pages,
}

/// What A would show to B itself, in the old way.
pub struct Legacy {
    pub client_id: String,
    pub secret: ClientSecret,
}

/// Every route.
pub fn routes(app: App) -> Router {
    let routes = Router::new()
        .route("/", get(home::home))
        .route("/login/{provider}", get(login::login))
        .route("/callback/{provider}", get(callback::by_query).post(callback::by_form))
        .route("/account", get(account::account))
        .route("/my-resource", get(my_resource::my_resource))
        .route("/link/{provider}", post(link::link))
        .route("/unlink", post(unlink::unlink))
        .route("/logout", post(logout::logout))
        .route("/backchannel-logout/{provider}", post(backchannel_logout::backchannel_logout))
        .route("/assets/style.css", get(style::style))
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
