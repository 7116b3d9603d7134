use std::{collections::HashSet, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use oauth_types::{AuthorizationServerMetadata, StandardClaims};

use super::{authorize::ResponseMode, registration::RegistrationContext};
use crate::{
    domain::{GRANT_TYPES, OPENID_SCOPES, REQUEST_OBJECT_ALGORITHMS},
    http::AskedOrigin,
    tokens::ACR,
};

/// `GET /.well-known/oauth-authorization-server` (RFC 8414) and
/// `/.well-known/openid-configuration`: return the same metadata.
pub async fn metadata(
    State(context): State<Arc<RegistrationContext>>,
    asked: AskedOrigin,
) -> impl IntoResponse {
    let issuer = &context.issuer;
    let at = |path: &str| Some(format!("{}{path}", issuer.trim_end_matches('/')));
    // Browsers stay at the issuer; servers may reach this one elsewhere.
    let origin = asked.0.filter(|_| context.clients.registry.looseness().has_backchannel_hosts());
    let origin = origin.map(|origin| origin + &context.path);
    let base = origin.as_deref().unwrap_or(issuer);
    let for_servers = |path: &str| Some(format!("{}{path}", base.trim_end_matches('/')));
    let methods = || ["client_secret_basic", "client_secret_post"].map(str::to_owned).to_vec();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let document = AuthorizationServerMetadata {
        issuer: issuer.clone(),
        authorization_endpoint: at("/oauth/authorize"),
        token_endpoint: for_servers("/oauth/token"),
        userinfo_endpoint: for_servers("/userinfo"),
        end_session_endpoint: at("/logout"),
        pushed_authorization_request_endpoint: for_servers("/oauth/par"),
        device_authorization_endpoint: for_servers("/oauth/device_authorization"),
        registration_endpoint: for_servers("/oauth/register")
            .filter(|_| context.registration.enabled),
        jwks_uri: for_servers("/.well-known/jwks.json"),
        introspection_endpoint: for_servers("/oauth/introspect"),
        revocation_endpoint: for_servers("/oauth/revoke"),
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
        claims_supported: claims(&context),
        acr_values_supported: names(&[ACR]),
        ui_locales_supported: names(&["en", "zh"]),
        authorization_response_iss_parameter_supported: true,
        claims_parameter_supported: true,
        request_parameter_supported: true,
        request_object_signing_alg_values_supported: names(&REQUEST_OBJECT_ALGORITHMS),
        userinfo_signing_alg_values_supported: names(&["RS256", "ES256", "EdDSA"]),
        request_uri_parameter_supported: false,
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
        client_id_metadata_document_supported: context.clients.documents.is_some(),
        service_documentation: at("/openapi.json"),
    };
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(document))
}

/// `GET /.well-known/oauth-authorization-server/t`: returns the metadata of an issuer whose URL has
/// a path (RFC 8414 §3.1).
pub async fn metadata_of_path(
    context: State<Arc<RegistrationContext>>,
    asked: AskedOrigin,
    Path(path): Path<String>,
) -> Response {
    let own = url::Url::parse(&context.issuer).ok();
    if own.is_none_or(|own| own.path().trim_matches('/') != path.trim_end_matches('/')) {
        return StatusCode::NOT_FOUND.into_response();
    }
    metadata(context, asked).await.into_response()
}

fn scopes(context: &RegistrationContext) -> Vec<String> {
    let registry = context.clients.registry.current();
    // A client that registers itself reads here which scopes it can request.
    let policy = context.registration.policy.with_open_resources(registry.resources());
    let is_open = context.registration.enabled || context.clients.documents.is_some();
    let is_listed = |scope: &&str| !is_open || policy.scopes.contains(scope);
    let resource_scopes = registry.resources().iter().flat_map(|resource| resource.scopes.iter());
    let claim_scopes = registry.claims().scopes().iter();
    let listed = resource_scopes.chain(claim_scopes).filter(is_listed).chain(OPENID_SCOPES);
    let mut scopes: Vec<String> = listed.map(str::to_owned).collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

fn claims(context: &RegistrationContext) -> Vec<String> {
    let id_token_claims =
        ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid"];
    let registry = context.clients.registry.current();
    let own = id_token_claims.into_iter().chain(StandardClaims::NAMES);
    let mut names: Vec<String> =
        own.chain(registry.claims().names_for_clients()).map(str::to_owned).collect();
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}
