use axum::{Json, extract::State};
use oauth_types::ProtectedResourceMetadata;
use token_verifier::Verifier;

use super::SCOPES;

/// `GET /.well-known/oauth-protected-resource` (RFC 9728): whose passes B takes, and for what.
pub(crate) async fn protected_resource(
    State(verifier): State<Verifier>,
) -> Json<ProtectedResourceMetadata> {
    Json(verifier.protected_resource_metadata(SCOPES))
}
