use std::sync::Arc;

use axum::{extract::State, http::header, response::IntoResponse};

use crate::{clients::Clients, keys::KeyManager};

/// The published keys, and the clients that need them.
pub struct KeySet {
    pub keys: Arc<KeyManager>,
    pub clients: Arc<Clients>,
}

impl KeySet {
    /// Reports whether every algorithm that a client needs has its signing key. The next key is
    /// then published as well.
    pub fn is_complete(&self) -> bool {
        let (registry, ring) = (self.clients.registry.current(), self.keys.ring());
        registry.signing_algorithms().iter().all(|algorithm| ring.of(*algorithm).is_some())
    }
}

/// `GET /.well-known/jwks.json` (RFC 7517 §5): returns the public keys, including the next signing
/// key.
pub async fn jwks(State(key_set): State<Arc<KeySet>>) -> impl IntoResponse {
    let cache_control = match key_set.is_complete() {
        // Cached briefly, so that a withdrawn key disappears from caches soon.
        true => "public, max-age=300",
        // A new key will follow within seconds.
        false => "public, max-age=5",
    };
    let keys = key_set.keys.ring().jwks.clone();
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, cache_control)], keys)
}
