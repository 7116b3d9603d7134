use axum::Json;
use serde::Serialize;
use token_verifier::{Authorized, HasClaim};

use super::{AdminRole, ResourceRead, TokenClaims};

#[derive(Serialize)]
pub(crate) struct AdminResponse {
    message: &'static str,
    /// The claim `roles`, a custom claim of the issuer.
    roles: Vec<String>,
    token: TokenClaims,
}

/// Handles `GET /api/admin`, which requires a scope and a claim: the scope limits what the client
/// may do, the role what its user may do.
pub(crate) async fn admin(
    token: Authorized<(ResourceRead, HasClaim<AdminRole>)>,
) -> Json<AdminResponse> {
    let message = "this is for users with the role admin";
    // A single role may be text.
    let roles = token.claim("roles").or_else(|| Some(vec![token.claim("roles")?]));
    let roles = roles.unwrap_or_default();
    Json(AdminResponse { message, roles, token: TokenClaims::from(&*token) })
}
