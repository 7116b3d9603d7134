use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};

use crate::{compression::compressed, page_config::PageConfig};

/// `GET /api/config`: where a person logs in at A, which B is which, what checks compare, the
/// scenarios and the lessons.
pub async fn config(State(config): State<Arc<PageConfig>>, request: HeaderMap) -> Response {
    match serde_json::to_string(&*config) {
        Ok(json) => {
            ([(CONTENT_TYPE, "application/json")], compressed(json, &request)).into_response()
        }
        // Its members are strings and lists.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
