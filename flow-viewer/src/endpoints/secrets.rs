use axum::{Json, extract::State};
use serde::Serialize;

use crate::{app::App, flows::Holders};

/// The flows of the document's two ways, by their names.
const OAUTH: [&str; 4] =
    ["call_a", "server_to_server_local", "server_to_server_introspection", "client_credentials"];
const OLD_WAY: [&str; 3] = ["call_a_old_way", "old_way_basic", "old_way_query"];

#[derive(Serialize)]
pub struct Compared {
    oauth: Vec<Holders>,
    old_way: Vec<Holders>,
}

/// `GET /api/secrets`: who has seen which secret, by OAuth and by the old way, counted from the
/// flows that are kept.
pub async fn secrets(State(app): State<App>) -> Json<Compared> {
    Json(Compared { oauth: app.flows.holders_in(&OAUTH), old_way: app.flows.holders_in(&OLD_WAY) })
}
