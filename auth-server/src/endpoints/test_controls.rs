use axum::{Router, routing::post};

use super::{only_post, test_absence::test_absence, test_token::test_token};
use crate::app::App;

/// The routes for tests and lessons, which exist only with `test_controls`: no part of the API that
/// C promises.
pub fn test_controls() -> Router<App> {
    Router::new()
        .route("/test/outage", post(test_absence).fallback(only_post))
        .route("/test/token", post(test_token).fallback(only_post))
}
