use super::registration::RegistrationContext;
use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use oauth_types::{AuthorizationServerMetadata, StandardClaims};
use std::sync::Arc;

use super::{
    authorize::{REQUEST_OBJECT_ALGORITHMS, ResponseMode},
    token::grants::GRANT_TYPES,
};
use crate::{domain::OPENID_SCOPES, tokens::ACR};

/// `GET /.well-known/oauth-authorization-server` (RFC 8414) and
/// `/.well-known/openid-configuration`: return the same metadata.
pub async fn metadata(State(context): State<Arc<RegistrationContext>>) -> impl IntoResponse {
    let issuer = &context.issuer;
    let at = |path: &str| Some(format!("{}{path}", issuer.trim_end_matches('/')));
    let methods = || ["client_secret_basic", "client_secret_post"].map(str::to_owned).to_vec();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let document = AuthorizationServerMetadata {
        issuer: issuer.clone(),
        authorization_endpoint: at("/oauth/authorize"),
        token_endpoint: at("/oauth/token"),
        userinfo_endpoint: at("/userinfo"),
        end_session_endpoint: at("/logout"),
        pushed_authorization_request_endpoint: at("/oauth/par"),
        device_authorization_endpoint: at("/oauth/device_authorization"),
        registration_endpoint: at("/oauth/register").filter(|_| context.registration.enabled),
        jwks_uri: at("/.well-known/jwks.json"),
        introspection_endpoint: at("/oauth/introspect"),
        revocation_endpoint: at("/oauth/revoke"),
        scopes_supported: scopes(&context),
        response_types_supported: names(&["code"]),
        response_modes_supported: names(&ResponseMode::NAMES),
        grant_types_supported: names(&GRANT_TYPES),
        code_challenge_methods_supported: names(&["S256"]),
        prompt_values_supported: names(&["none", "login", "consent", "select_account"]),
        token_endpoint_auth_methods_supported: names(&[
            "client_secret_basic",
            "client_secret_post",
            "none",
        ]),
        introspection_endpoint_auth_methods_supported: methods(),
        // Public clients revoke their tokens with their `client_id` alone (RFC 7009 §5).
        revocation_endpoint_auth_methods_supported: names(&[
            "client_secret_basic",
            "client_secret_post",
            "none",
        ]),
        subject_types_supported: names(&["public", "pairwise"]),
        id_token_signing_alg_values_supported: names(&["RS256", "ES256", "EdDSA"]),
        claim_types_supported: names(&["normal"]),
        claims_supported: claims(),
        acr_values_supported: names(&[ACR]),
        ui_locales_supported: names(&["en", "zh"]),
        authorization_response_iss_parameter_supported: true,
        claims_parameter_supported: false,
        request_parameter_supported: true,
        request_object_signing_alg_values_supported: names(&REQUEST_OBJECT_ALGORITHMS),
        userinfo_signing_alg_values_supported: names(&["RS256", "ES256", "EdDSA"]),
        request_uri_parameter_supported: false,
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
        service_documentation: at("/openapi.json"),
    };
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(document))
}

/// `GET /.well-known/oauth-authorization-server/t`: returns the metadata of an issuer whose URL has
/// a path (RFC 8414 §3.1).
pub async fn metadata_of_path(
    context: State<Arc<RegistrationContext>>,
    Path(path): Path<String>,
) -> Response {
    let own = url::Url::parse(&context.issuer).ok();
    if own.is_none_or(|own| own.path().trim_matches('/') != path.trim_end_matches('/')) {
        return StatusCode::NOT_FOUND.into_response();
    }
    metadata(context).await.into_response()
}

fn scopes(context: &RegistrationContext) -> Vec<String> {
    let registry = context.clients.registry.current();
    let resource_scopes = registry.resources().iter().flat_map(|resource| resource.scopes.iter());
    let mut scopes: Vec<String> = resource_scopes.chain(OPENID_SCOPES).map(str::to_owned).collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

fn claims() -> Vec<String> {
    let id_token_claims =
        ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid"];
    id_token_claims.into_iter().chain(StandardClaims::NAMES).map(str::to_owned).collect()
}
