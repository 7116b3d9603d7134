use axum::{extract::State, response::Response};
use pages::Pages;

/// `GET /assets/style.css`: the style sheet of the pages.
pub async fn style(State(pages): State<Pages>) -> Response {
    pages.style()
}
