use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::app::App;

/// `GET /api/places`: where a person goes to begin a flow by hand.
pub async fn places(State(app): State<App>) -> Json<Value> {
    Json(json!({ "login": &*app.login }))
}
