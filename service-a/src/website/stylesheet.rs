use axum::{extract::State, response::Response};

use crate::views::Views;

/// `GET /assets/style.css`
pub async fn stylesheet(State(views): State<Views>) -> Response {
    views.stylesheet()
}
