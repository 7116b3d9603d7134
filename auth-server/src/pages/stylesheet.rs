use axum::{extract::State, response::Response};

use crate::state::App;

/// `GET /assets/style.css`: how the pages look.
pub async fn style(State(app): State<App>) -> Response {
    app.pages.style()
}
