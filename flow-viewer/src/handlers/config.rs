use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};

use crate::page_config::PageConfig;

/// `GET /api/config`: where a person logs in at A, which B is which, what checks compare, the
/// scenarios and the lessons.
pub async fn config(State(config): State<Arc<PageConfig>>) -> Response {
    Json(&*config).into_response()
}
