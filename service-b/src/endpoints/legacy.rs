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

/// The secret of a client. Without access tokens, every resource server holds a copy of every
/// client's secret.
pub(crate) struct LegacyClient {
    pub(crate) client_id: String,
    pub(crate) client_secret: ClientSecret,
}

/// Accepts a client secret with `Authorization: Basic` for `POST /api/do_something`, if
/// `legacy_secret_demo` is on. Requests without a secret need an access token.
pub(crate) async fn secret_in_header(
    State(client): State<Option<Arc<LegacyClient>>>,
    request: Request,
    next: Next,
) -> Response {
    let header = request.headers().get(header::AUTHORIZATION);
    let basic = header.and_then(|value| basic::parse(value.as_bytes()));
    match client.zip(basic) {
        Some((client, credentials)) => client.respond(credentials.ok()),
        None => next.run(request).await,
    }
}

/// Handles `GET /api?access_key=xxx&secret=yyy`, the second form without OAuth.
/// The route exists only with `legacy_secret_demo`.
pub(crate) async fn secret_in_query(
    State(client): State<Arc<LegacyClient>>,
    Query(mut query): Query<HashMap<String, String>>,
) -> Response {
    client.respond(query.remove("access_key").zip(query.remove("secret").map(ClientSecret::new)))
}

impl LegacyClient {
    fn respond(&self, credentials: Option<(String, ClientSecret)>) -> Response {
        tracing::warn!(
            "client secret received, as legacy_secret_demo allows: B could now impersonate the client"
        );
        let no_store = [(header::CACHE_CONTROL, "no-store")];
        match credentials {
            Some((id, secret)) if self.matches(&id, &secret) => {
                let body = json!({ "message": "B accepted the client secret, and now knows it", "client_id": id });
                (no_store, Json(body)).into_response()
            }
            _ => {
                let body = json!({ "error": "unauthorized", "error_description": "wrong client id or secret" });
                let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"service-b\"")];
                (StatusCode::UNAUTHORIZED, no_store, challenge, Json(body)).into_response()
            }
        }
    }

    fn matches(&self, id: &str, secret: &ClientSecret) -> bool {
        let id = id.as_bytes().ct_eq(self.client_id.as_bytes());
        (id & secret.expose().as_bytes().ct_eq(self.client_secret.expose().as_bytes())).into()
    }
}
