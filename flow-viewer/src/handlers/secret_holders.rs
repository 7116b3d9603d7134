use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;

use crate::flows::{FlowStore, SecretHolders};

/// The names of the flows that use OAuth, and of those that send the secret itself to B.
const OAUTH_FLOWS: [&str; 4] =
    ["call_a", "server_to_server_local", "server_to_server_introspection", "client_credentials"];
const LEGACY_FLOWS: [&str; 3] = ["call_a_legacy", "legacy_basic", "legacy_query"];

#[derive(Serialize)]
pub struct Comparison {
    oauth: Vec<SecretHolders>,
    legacy: Vec<SecretHolders>,
}

/// `GET /api/secret-holders`: which party has held which secret, with OAuth and without, counted
/// over the stored flows.
pub async fn secret_holders(State(flows): State<Arc<FlowStore>>) -> Json<Comparison> {
    Json(Comparison {
        oauth: flows.secret_holders_in(&OAUTH_FLOWS),
        legacy: flows.secret_holders_in(&LEGACY_FLOWS),
    })
}
