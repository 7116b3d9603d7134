use axum::{Json, extract::State, http::header, response::IntoResponse};
use claims::AuthorizationServerMetadata;

use crate::{app::App, grants::GRANT_TYPES};

/// `GET /.well-known/oauth-authorization-server` (RFC 8414) and `/.well-known/openid-configuration`: one document.
pub async fn metadata(State(app): State<App>) -> impl IntoResponse {
    let issuer = &app.issuer.issuer;
    let at = |path: &str| Some(format!("{}{path}", issuer.trim_end_matches('/')));
    let methods = || ["client_secret_basic", "client_secret_post"].map(str::to_owned).to_vec();
    let document = AuthorizationServerMetadata {
        issuer: issuer.clone(),
        token_endpoint: at("/oauth/token"),
        jwks_uri: at("/.well-known/jwks.json"),
        introspection_endpoint: at("/oauth/introspect"),
        revocation_endpoint: at("/oauth/revoke"),
        scopes_supported: scopes(&app),
        response_types_supported: Vec::new(),
        grant_types_supported: GRANT_TYPES.map(str::to_owned).to_vec(),
        token_endpoint_auth_methods_supported: methods(),
        introspection_endpoint_auth_methods_supported: methods(),
        revocation_endpoint_auth_methods_supported: methods(),
        service_documentation: at("/openapi.json"),
    };
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(document))
}

fn scopes(app: &App) -> Vec<String> {
    let registry = app.registry.current();
    let mut scopes: Vec<String> =
        registry.resources().iter().flat_map(|resource| resource.scopes.iter()).map(str::to_owned).collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}
