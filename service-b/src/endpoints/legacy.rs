use std::{collections::HashMap, sync::Arc};

use axum::{
    Json,
    extract::{Query, Request, State},
    http::{StatusCode, header},
    middleware::Next,
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

/// `POST /api/do_something` with `Authorization: Basic`, as the document shows the old way. Whoever shows no secret needs a
/// pass. Only with `legacy_password_demo`.
pub(crate) async fn secret_in_header(State(legacy): State<Arc<Legacy>>, request: Request, next: Next) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|header| basic::parse(header.as_bytes()));
    match shown {
        Some(shown) => legacy.answer(shown.ok()),
        None => next.run(request).await,
    }
}

/// `GET /api?access_key=xxx&secret=yyy`, the document's other example of the old way. The route exists only with
/// `legacy_password_demo`.
pub(crate) async fn secret_in_query(
    State(legacy): State<Arc<Legacy>>,
    Query(mut query): Query<HashMap<String, String>>,
) -> Response {
    let shown = query.remove("access_key").zip(query.remove("secret").map(ClientSecret::new));
    legacy.answer(shown)
}

impl Legacy {
    fn answer(&self, shown: Option<(String, ClientSecret)>) -> Response {
        tracing::warn!("a caller showed B its secret, as legacy_password_demo allows: B could now act in its name");
        match shown {
            Some((id, secret)) if self.knows(&id, &secret) => {
                Json(json!({ "message": "B believed the secret, and has now seen it", "client_id": id }))
                    .into_response()
            }
            _ => {
                let refusal = json!({ "error": "unauthorized", "error_description": "the id or the secret is wrong" });
                (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"service-b\"")], Json(refusal))
                    .into_response()
            }
        }
    }

    fn knows(&self, id: &str, secret: &ClientSecret) -> bool {
        let id = id.as_bytes().ct_eq(self.client_id.as_bytes());
        (id & secret.expose().as_bytes().ct_eq(self.secret.expose().as_bytes())).into()
    }
}
