use std::sync::Arc;

use axum::extract::FromRef;
use token_verifier::Verifier;

use crate::endpoints::legacy::LegacyClient;

/// What handlers need. Each takes its part by `FromRef`.
#[derive(Clone, FromRef)]
pub(crate) struct AppState {
    pub(crate) verifier: Verifier,
    /// `Some` only with `legacy_secret_demo`.
    pub(crate) legacy_client: Option<Arc<LegacyClient>>,
}
