use std::{collections::HashMap, sync::Arc};

use axum::{
    Json,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use claims::{ClientSecret, basic};
use serde_json::json;
use subtle::ConstantTimeEq;

/// The password that B would have to know in the old way: every B a copy of every client's.
pub struct Legacy {
    pub(crate) client_id: String,
    pub(crate) secret: ClientSecret,
}

/// `GET /api/legacy`: the old way, for contrast. The route exists only with `legacy_password_demo`.
pub(crate) async fn legacy(
    State(legacy): State<Option<Arc<Legacy>>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    tracing::warn!("a caller showed B its secret, as legacy_password_demo allows: B could now act in its name");
    let shown = from_header(&headers).or_else(|| from_query(&query));
    match (shown, legacy) {
        (Some((id, secret)), Some(legacy)) if legacy.knows(&id, &secret) => {
            Json(json!({ "message": "B believed the secret, and has now seen it", "client_id": id })).into_response()
        }
        _ => {
            let refusal = json!({ "error": "unauthorized", "error_description": "the id or the secret is wrong" });
            (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"service-b\"")], Json(refusal))
                .into_response()
        }
    }
}

impl Legacy {
    fn knows(&self, id: &str, secret: &ClientSecret) -> bool {
        let id = id.as_bytes().ct_eq(self.client_id.as_bytes());
        (id & secret.expose().as_bytes().ct_eq(self.secret.expose().as_bytes())).into()
    }
}

fn from_header(headers: &HeaderMap) -> Option<(String, ClientSecret)> {
    basic::parse(headers.get(header::AUTHORIZATION)?.as_bytes())?.ok()
}

fn from_query(query: &HashMap<String, String>) -> Option<(String, ClientSecret)> {
    Some((query.get("access_key")?.clone(), ClientSecret::new(query.get("secret")?)))
}
