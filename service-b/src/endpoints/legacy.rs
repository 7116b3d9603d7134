use std::{collections::HashMap, sync::Arc};

use axum::{
    Json,
    extract::{Query, Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use oauth_types::{ClientSecret, basic};
use serde_json::json;
use subtle::ConstantTimeEq;

/// The password that B would have to know in the old way: every B a copy of every client's.
pub struct Legacy {
    pub(crate) client_id: String,
    pub(crate) secret: ClientSecret,
}

/// `POST /api/do_something` with `Authorization: Basic`, as the document shows the old way. Whoever
/// shows no secret needs a pass. Only with `legacy_secret_demo`.
pub(crate) async fn secret_in_header(
    State(legacy): State<Option<Arc<Legacy>>>,
    request: Request,
    next: Next,
) -> Response {
    let shown =
        |request: &Request| basic::parse(request.headers().get(header::AUTHORIZATION)?.as_bytes());
    match legacy.and_then(|legacy| Some((legacy, shown(&request)?))) {
        Some((legacy, shown)) => legacy.answer(shown.ok()),
        None => next.run(request).await,
    }
}

/// `GET /api?access_key=xxx&secret=yyy`, the document's other example of the old way. The route
/// exists only with `legacy_secret_demo`.
pub(crate) async fn secret_in_query(
    State(legacy): State<Arc<Legacy>>,
    Query(mut query): Query<HashMap<String, String>>,
) -> Response {
    let shown = query.remove("access_key").zip(query.remove("secret").map(ClientSecret::new));
    legacy.answer(shown)
}

impl Legacy {
    fn answer(&self, shown: Option<(String, ClientSecret)>) -> Response {
        tracing::warn!(
            "a caller showed B its secret, as legacy_secret_demo allows: B could now act in its name"
        );
        let no_store = [(header::CACHE_CONTROL, "no-store")];
        match shown {
            Some((id, secret)) if self.knows(&id, &secret) => {
                let answer = json!({ "message": "B believed the secret, and has now seen it", "client_id": id });
                (no_store, Json(answer)).into_response()
            }
            _ => {
                let refusal = json!({ "error": "unauthorized", "error_description": "the id or the secret is wrong" });
                let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"service-b\"")];
                (StatusCode::UNAUTHORIZED, no_store, challenge, Json(refusal)).into_response()
            }
        }
    }

    fn knows(&self, id: &str, secret: &ClientSecret) -> bool {
        let id = id.as_bytes().ct_eq(self.client_id.as_bytes());
        (id & secret.expose().as_bytes().ct_eq(self.secret.expose().as_bytes())).into()
    }
}
