use oauth_types::{Scope, closest_match};

use super::{ClientMetadata, MetadataError, RegistrationPolicy, refused};
use crate::domain::ClientAuthMethod;

const CODE: &str = "authorization_code";

/// Returns the grant types. Default: `authorization_code` (RFC 7591 §2).
pub(super) fn grant_types(
    asked: &ClientMetadata,
    policy: &RegistrationPolicy,
) -> Result<Vec<String>, MetadataError> {
    let asked = asked.grant_types.clone().unwrap_or_else(|| vec![CODE.to_owned()]);
    let served = || policy.grant_types.iter().map(String::as_str);
    if let Some(foreign) = asked.iter().find(|grant| !policy.grant_types.contains(grant)) {
        let meant = closest_match(foreign, served())
            .map(|near| format!(" (did you mean {near}?)"))
            .unwrap_or_default();
        let all = policy.grant_types.join(" ");
        let printed: String = foreign.chars().take(60).collect();
        return Err(refused(format!(
            "grant_types: {printed} is not available to dynamically registered clients{meant}; available: {all}"
        )));
    }
    if asked.is_empty() || asked == ["refresh_token"] {
        return Err(refused(
            "grant_types: none of them can obtain a first token; refresh_token only renews one",
        ));
    }
    if asked.iter().any(|grant| grant == "refresh_token")
        && !asked.iter().any(|grant| gives_user_tokens(grant))
    {
        return Err(refused(
            "grant_types: refresh_token requires authorization_code or the device grant",
        ));
    }
    let mut each = Vec::new();
    for grant in asked {
        if !each.contains(&grant) {
            each.push(grant);
        }
    }
    Ok(each)
}

fn gives_user_tokens(grant: &str) -> bool {
    grant == CODE || grant.ends_with(":device_code")
}

/// Returns the response types, which must match the grant types (RFC 7591 §2.1).
pub(super) fn response_types(
    asked: &ClientMetadata,
    grants: &[String],
) -> Result<Vec<String>, MetadataError> {
    let has_code = grants.iter().any(|grant| grant == CODE);
    let fitting: Vec<String> = has_code.then(|| "code".to_owned()).into_iter().collect();
    match &asked.response_types {
        None => Ok(fitting),
        Some(asked) if asked.iter().any(|kind| kind != "code") => Err(refused(
            "response_types: only code is supported; an access token in the redirect would stay in the browser's history",
        )),
        Some(asked) if asked.is_empty() == has_code => Err(refused(
            "response_types and grant_types contradict each other: code and authorization_code require each other",
        )),
        Some(_) => Ok(fitting),
    }
}

/// Returns the authentication method at the token endpoint (RFC 7591 §2); `None` for a public
/// client.
pub(super) fn auth_method(
    asked: &ClientMetadata,
    grants: &[String],
) -> Result<Option<ClientAuthMethod>, MetadataError> {
    let method = match asked.token_endpoint_auth_method.as_deref() {
        None | Some("client_secret_basic") => Some(ClientAuthMethod::Basic),
        Some("client_secret_post") => Some(ClientAuthMethod::Post),
        Some("none") => None,
        Some(_) => {
            return Err(refused(
                "token_endpoint_auth_method is not one of: client_secret_basic client_secret_post none",
            ));
        }
    };
    let own_name =
        |grant: &String| grant == "client_credentials" || grant.ends_with(":token-exchange");
    if method.is_none() && grants.iter().any(own_name) {
        return Err(refused(
            "token_endpoint_auth_method: a client without a secret (none) cannot use client_credentials or token exchange",
        ));
    }
    Ok(method)
}

/// Returns the scopes. Default: every scope that registered clients can have.
pub(super) fn scopes(
    asked: &ClientMetadata,
    grants: &[String],
    policy: &RegistrationPolicy,
) -> Result<Scope, MetadataError> {
    let refreshes = grants.iter().any(|grant| grant == "refresh_token");
    let fits = |token: &str| refreshes || token != "offline_access";
    let Some(asked) = &asked.scope else { return Ok(policy.scopes.filtered(fits)) };
    let scopes: Scope = asked.parse().map_err(|error| refused(format!("scope: {error}")))?;
    if let Some(foreign) = scopes.iter().find(|token| !policy.scopes.contains(token)) {
        let all = &policy.scopes;
        return Err(refused(format!(
            "scope: {foreign} is not available to dynamically registered clients; available: {all}"
        )));
    }
    if !scopes.iter().all(fits) {
        return Err(refused("scope: offline_access requires the grant type refresh_token"));
    }
    Ok(scopes)
}
