use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use serde::Serialize;

use super::{
    clock::ClockReading,
    context::ControlContext,
    error::ControlError,
    issuer::IssuerName,
    keys::{KeySummary, key_summaries},
    traffic::Fault,
};
use crate::http::NO_STORE;

/// The state of the server, in the response of `GET /control`.
#[derive(Serialize)]
struct ServerState {
    name: String,
    issuer: String,
    /// All issuers of the server, the one of its settings first.
    issuers: Arc<[IssuerName]>,
    version: &'static str,
    #[serde(flatten)]
    clock: ClockReading,
    users: usize,
    clients: usize,
    resources: usize,
    /// The rules that do not apply.
    looseness: Vec<String>,
    /// The active faults, oldest first.
    faults: Vec<Fault>,
    /// Ordered by `kid`.
    keys: Vec<KeySummary>,
}

/// `GET /control`: returns the state of the server.
pub async fn server_state(
    State(context): State<Arc<ControlContext>>,
) -> Result<impl IntoResponse, ControlError> {
    let registry = context.clients.registry.current();
    let state = ServerState {
        name: context.name.clone(),
        issuer: context.issuer.clone(),
        issuers: Arc::clone(&context.issuers),
        version: env!("CARGO_PKG_VERSION"),
        clock: ClockReading::of(&context.clock),
        users: context.store.users().await?.len(),
        clients: registry.clients().count(),
        resources: registry.resources().len(),
        looseness: context.clients.registry.looseness().names(),
        faults: context.traffic.faults.all(),
        keys: key_summaries(&*context.store).await?,
    };
    Ok((NO_STORE, Json(state)))
}
