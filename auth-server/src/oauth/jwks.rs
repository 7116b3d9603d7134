use std::sync::Arc;

use axum::{extract::State, http::header, response::IntoResponse};

use crate::keys::KeyManager;

/// `GET /.well-known/jwks.json` (RFC 7517 §5): returns the public keys, including the next signing
/// key.
pub async fn jwks(State(keys): State<Arc<KeyManager>>) -> impl IntoResponse {
    let keys = keys.ring().jwks.clone();
    // Cached briefly, so that a withdrawn key disappears from caches soon.
    (
        [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "public, max-age=300"),
        ],
        keys,
    )
}
