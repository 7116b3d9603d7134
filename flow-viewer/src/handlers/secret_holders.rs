use std::sync::Arc;

use axum::{Json, extract::State};

use crate::flows::{FlowStore, SecretHolders};

/// `GET /api/secret-holders`: which party has received which secret, with OAuth and without,
/// counted since the viewer started.
pub async fn secret_holders(State(flows): State<Arc<FlowStore>>) -> Json<[SecretHolders; 3]> {
    Json(flows.secret_holders())
}
