use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::state::LoginUrl;

/// `GET /api/config`: the URL at which a person begins a login at A.
pub async fn config(State(LoginUrl(url)): State<LoginUrl>) -> Json<Value> {
    Json(json!({ "login_url": &*url }))
}
