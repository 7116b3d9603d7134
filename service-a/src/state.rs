//! State of the application. Handlers take the parts that they need by [`FromRef`].

use std::sync::Arc;

use axum::extract::FromRef;

use crate::{
    b_client::{BClient, LegacyCredentials},
    services::Services,
    settings::Targets,
    token_refresher::TokenRefresher,
    views::Views,
};

#[derive(Clone)]
pub struct AppState {
    pub b_client: Arc<BClient>,
    pub targets: Arc<Targets>,
    /// Whether `POST /api/call-b` is served.
    pub anonymous_reads: bool,
    pub anonymous_writes: bool,
    /// Present only with `legacy_secret_demo`.
    pub legacy: Option<Arc<LegacyCredentials>>,
    pub services: Arc<Services>,
    pub token_refresher: Arc<TokenRefresher>,
    pub views: Views,
}

macro_rules! from_ref {
    ($($field:ident: $type:ty),* $(,)?) => {
        $(impl FromRef<AppState> for $type {
            fn from_ref(state: &AppState) -> Self {
                state.$field.clone()
            }
        })*
    };
}

from_ref! {
    b_client: Arc<BClient>,
    targets: Arc<Targets>,
    legacy: Option<Arc<LegacyCredentials>>,
    services: Arc<Services>,
    token_refresher: Arc<TokenRefresher>,
    views: Views,
}
