use axum::{extract::State, response::Response};

use crate::state::App;

/// `GET /assets/style.css`
pub async fn style(State(app): State<App>) -> Response {
    app.pages.style()
}
