use oauth_types::{Scope, closest_match};

use super::{ClientMetadata, MetadataError, RegistrationPolicy, invalid_metadata};
use crate::domain::ClientAuthMethod;

const CODE: &str = "authorization_code";

/// Returns the grant types that the client can use, of those that it requested. Default:
/// `authorization_code` (RFC 7591 §2).
pub(super) fn grant_types(
    metadata: &ClientMetadata,
    auth_method: Option<ClientAuthMethod>,
    policy: &RegistrationPolicy,
) -> Result<Vec<String>, MetadataError> {
    let requested = metadata.grant_types.clone().unwrap_or_else(|| vec![CODE.to_owned()]);
    let mut served: Vec<String> = Vec::new();
    for grant in &requested {
        let is_possible = auth_method.is_some() || !acts_for_itself(grant);
        if policy.grant_types.contains(grant) && is_possible && !served.contains(grant) {
            served.push(grant.clone());
        }
    }
    let without_code = !accepts_code(metadata);
    served.retain(|grant| !(without_code && grant == CODE));
    // A refresh token only renews the tokens of a user.
    if !served.iter().any(|grant| gives_user_tokens(grant)) {
        served.retain(|grant| grant != "refresh_token");
    }
    if served.is_empty() {
        return Err(nothing_left(&requested, without_code, policy));
    }
    Ok(served)
}

fn nothing_left(
    requested: &[String],
    without_code: bool,
    policy: &RegistrationPolicy,
) -> MetadataError {
    if without_code && requested.iter().any(|grant| grant == CODE) {
        return invalid_metadata(
            "response_types: only code is supported; an access token in the redirect would stay in the browser's history",
        );
    }
    let available = policy.grant_types.join(" ");
    let is_foreign = |grant: &&String| !policy.grant_types.contains(grant);
    let Some(foreign) = requested.iter().find(is_foreign) else {
        return invalid_metadata(format!(
            "grant_types: none of them can obtain a first token for this client; available: {available}"
        ));
    };
    let meant = closest_match(foreign, policy.grant_types.iter().map(String::as_str))
        .map(|near| format!(" (did you mean {near}?)"))
        .unwrap_or_default();
    let printed: String = foreign.chars().take(60).collect();
    invalid_metadata(format!(
        "grant_types: {printed} is not available to dynamically registered clients{meant}; available: {available}"
    ))
}

fn gives_user_tokens(grant: &str) -> bool {
    grant == CODE || grant.ends_with(":device_code")
}

/// Returns whether a grant relies on the client's secret, which a public client does not have.
fn acts_for_itself(grant: &str) -> bool {
    grant == "client_credentials" || grant.ends_with(":token-exchange")
}

/// Returns whether the client can handle an authorization code.
fn accepts_code(metadata: &ClientMetadata) -> bool {
    let types = metadata.response_types.as_deref().unwrap_or_default();
    types.is_empty() || types.iter().any(|kind| kind == "code")
}

/// Returns the response types that match the grant types (RFC 7591 §2.1).
pub(super) fn response_types(grants: &[String]) -> Vec<String> {
    grants.iter().filter(|grant| *grant == CODE).map(|_| "code".to_owned()).collect()
}

/// Returns the authentication method at the token endpoint (RFC 7591 §2); `None` for a public
/// client.
pub(super) fn auth_method(
    metadata: &ClientMetadata,
) -> Result<Option<ClientAuthMethod>, MetadataError> {
    match metadata.token_endpoint_auth_method.as_deref() {
        None | Some("client_secret_basic") => Ok(Some(ClientAuthMethod::Basic)),
        Some("client_secret_post") => Ok(Some(ClientAuthMethod::Post)),
        Some("none") => Ok(None),
        Some(_) => Err(invalid_metadata(
            "token_endpoint_auth_method is not one of: client_secret_basic client_secret_post none",
        )),
    }
}

/// Returns the scopes that the client can have, of those that it requested. Default: every scope
/// that registered clients can have.
pub(super) fn scopes(
    metadata: &ClientMetadata,
    grants: &[String],
    policy: &RegistrationPolicy,
) -> Result<Scope, MetadataError> {
    let refreshes = grants.iter().any(|grant| grant == "refresh_token");
    let available = policy.scopes.filtered(|token| refreshes || token != "offline_access");
    let requested = requested_scope(metadata)?;
    if requested.is_empty() {
        return Ok(available);
    }
    let scopes = requested.filtered(|token| available.contains(token));
    // An access token for a resource needs no scope.
    if scopes.is_empty() && policy.resources.is_empty() {
        return Err(invalid_metadata(format!(
            "scope: {requested} is not available to dynamically registered clients; available: {available}"
        )));
    }
    Ok(scopes)
}

/// Returns the requested scope. Some clients send an empty one in place of none.
pub(super) fn requested_scope(metadata: &ClientMetadata) -> Result<Scope, MetadataError> {
    let scope = metadata.scope.as_deref().unwrap_or_default().trim();
    if scope.is_empty() {
        return Ok(Scope::empty());
    }
    scope.parse().map_err(|error| invalid_metadata(format!("scope: {error}")))
}
