use axum::{Json, extract::State};
use claims::ProtectedResourceMetadata;
use token_verifier::{RequiredScope, Verifier};

use super::{ResourceRead, ResourceWrite};

/// `GET /.well-known/oauth-protected-resource` (RFC 9728): whose passes B takes, and for what.
pub(crate) async fn protected_resource(State(verifier): State<Verifier>) -> Json<ProtectedResourceMetadata> {
    Json(verifier.protected_resource_metadata([ResourceRead::SCOPE, ResourceWrite::SCOPE]))
}
