//! The control API of a server whose issuer is not known yet.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Json, Router,
    extract::State,
    http::header::{CONNECTION, HeaderValue},
    middleware::{from_fn_with_state, map_response},
    response::{IntoResponse, Response},
    routing::{any, put},
};
use service_kit::CancellationToken;

use super::{
    access::require_access,
    context::ControlPolicy,
    error::ControlError,
    issuer::{NamedIssuer, unknown_issuer},
    issuers::{IssuerUrl, SetIssuer},
    json_body::JsonBody,
    path_name::PathName,
};
use crate::{
    AuthServerSettings, SecureRandom,
    http::NO_STORE,
    settings::{ConfiguredFiles, DEFAULT_ISSUER},
};

/// Waits for the issuer of a server.
pub struct LateIssuer {
    settings: AuthServerSettings,
    random: SecureRandom,
    /// The settings with the issuer, once it is set.
    complete: Mutex<Option<AuthServerSettings>>,
    set: CancellationToken,
    released: CancellationToken,
}

impl LateIssuer {
    /// `set` is cancelled when the issuer is set, and `released` when no connection of a client can
    /// reach this server any more.
    pub fn new(
        settings: AuthServerSettings,
        random: SecureRandom,
        set: CancellationToken,
        released: CancellationToken,
    ) -> Self {
        Self { settings, random, complete: Mutex::default(), set, released }
    }

    /// Returns the settings with the issuer, if it is set.
    pub fn complete(&self) -> Option<AuthServerSettings> {
        self.complete.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl NamedIssuer for Arc<LateIssuer> {
    fn is_named(&self, named: &str) -> bool {
        named == DEFAULT_ISSUER
    }
}

/// Returns the routes of the control API until the issuer is set. Connections end with each
/// response, because the server that follows does not take them over.
pub fn late_routes(late: Arc<LateIssuer>) -> Router {
    let policy = Arc::new(ControlPolicy::new(&late.settings.control));
    Router::new()
        .route("/control/issuers/{name}", put(set))
        .route("/", any(not_set))
        .route("/{*path}", any(not_set))
        .method_not_allowed_fallback(not_set)
        .layer(from_fn_with_state(policy, require_access))
        .layer(map_response(close_connection))
        .with_state(late)
}

/// Makes the connection end with this response.
pub async fn close_connection(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

async fn not_set() -> ControlError {
    ControlError::issuer_not_set()
}

async fn set(
    State(late): State<Arc<LateIssuer>>,
    PathName(name): PathName,
    JsonBody(IssuerUrl { url }): JsonBody<IssuerUrl>,
) -> Result<impl IntoResponse, ControlError> {
    if name != DEFAULT_ISSUER {
        return Err(unknown_issuer(&name));
    }
    if url.port() == Some(0) {
        let text = "clients cannot reach the port 0";
        return Err(ControlError::invalid(text).at("/url").expecting("the port of the server"));
    }
    let settings = late.settings.clone().with_issuer(url);
    let files = ConfiguredFiles::read(&settings, &late.random);
    settings.check(&files).map_err(|problem| ControlError::invalid(problem).at("/url"))?;
    let issuer = {
        let mut complete = late.complete.lock().unwrap_or_else(PoisonError::into_inner);
        // Two calls at once: the first one counts, and the second one gets its issuer.
        complete.get_or_insert(settings).issuer()
    };
    late.set.cancel();
    // A request that follows this response must reach the next server, not this one as it ends.
    late.released.cancelled().await;
    Ok((NO_STORE, Json(SetIssuer { issuer })))
}
