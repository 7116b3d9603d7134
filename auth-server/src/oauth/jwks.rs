use std::sync::Arc;

use axum::{extract::State, http::header, response::IntoResponse};

use crate::keys::KeyManager;

/// `GET /.well-known/jwks.json` (RFC 7517 §5): the public keys, the next one included.
pub async fn jwks(State(keys): State<Arc<KeyManager>>) -> impl IntoResponse {
    let keys = keys.ring().jwks.clone();
    // Short: a key that was withdrawn in an emergency must not live on in caches.
    (
        [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "public, max-age=300"),
        ],
        keys,
    )
}
