mod simulate_outage;
mod token;

use axum::{Router, routing::post};

use self::{simulate_outage::test_absence, token::test_token};
use crate::http::only_post;
use crate::state::App;

/// The routes for tests and lessons, which exist only with `test_controls`: no part of the API that
/// C promises.
pub fn test_controls() -> Router<App> {
    Router::new()
        .route("/test/outage", post(test_absence).fallback(only_post))
        .route("/test/token", post(test_token).fallback(only_post))
}
