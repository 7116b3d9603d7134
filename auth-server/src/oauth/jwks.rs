use std::sync::Arc;

use axum::{extract::State, http::header, response::IntoResponse};

use crate::{clients::Clients, keys::KeyManager};

/// The published keys, and the clients that need them.
pub struct KeySet {
    pub keys: Arc<KeyManager>,
    pub clients: Arc<Clients>,
    /// Whether a response waits until the key set is complete. Programs under test often fetch it
    /// once, at their start, and the server may have started a moment before.
    pub waits: bool,
}

impl KeySet {
    /// Reports whether every algorithm that a client needs has its signing key. The next key is
    /// then published as well.
    pub fn is_complete(&self) -> bool {
        let ring = self.keys.ring();
        self.clients
            .signing_algorithms()
            .iter()
            .all(|algorithm| ring.signing_key(*algorithm).is_some())
    }
}

/// `GET /.well-known/jwks.json` (RFC 7517 §5): returns the public keys, including the next signing
/// key.
pub async fn jwks(State(key_set): State<Arc<KeySet>>) -> impl IntoResponse {
    if key_set.waits {
        for algorithm in key_set.clients.signing_algorithms() {
            // Without the key, the others are still of use.
            let _ = key_set.keys.await_signing_key(algorithm).await;
        }
    }
    let cache_control = match key_set.is_complete() {
        // Cached briefly, so that a withdrawn key disappears from caches soon.
        true => "public, max-age=300",
        // A new key will follow within seconds.
        false => "public, max-age=5",
    };
    let keys = key_set.keys.ring().jwks.clone();
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, cache_control)], keys)
}
