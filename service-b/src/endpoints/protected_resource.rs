use axum::{Json, extract::State};
use oauth_types::ProtectedResourceMetadata;
use token_verifier::Verifier;

use super::SCOPES;

/// Handles `GET /.well-known/oauth-protected-resource` (RFC 9728): which authorization server
/// issues tokens for B, and with which scopes.
pub(crate) async fn protected_resource(
    State(verifier): State<Verifier>,
) -> Json<ProtectedResourceMetadata> {
    Json(verifier.protected_resource_metadata(SCOPES))
}
