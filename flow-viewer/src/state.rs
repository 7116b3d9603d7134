//! What the handlers need, in small parts that each handler takes by `FromRef`.

use std::sync::Arc;

use axum::extract::FromRef;
use service_kit::CancellationToken;

use crate::{flows::FlowStore, page_config::PageConfig, scenarios::Environment};

/// The state of the whole application. Handlers take its parts.
#[derive(Clone, FromRef)]
pub struct AppState {
    pub flows: Arc<FlowStore>,
    pub scenarios: ScenarioPlayer,
    pub config: Arc<PageConfig>,
    /// Ends the live streams, which would otherwise delay shutdown.
    pub shutdown: CancellationToken,
}

/// Where scenarios are played; `None` when the setting `scenarios` is off.
#[derive(Clone)]
pub struct ScenarioPlayer(pub Option<Arc<Environment>>);
