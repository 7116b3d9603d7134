//! Validation of client metadata in dynamic client registration (RFC 7591).

mod display_text;
mod grant_types;
mod keys;
mod redirect_uris;
mod unserved;
mod uris;

use std::collections::BTreeSet;

use oauth_types::{ErrorCode, Scope};

pub use display_text::is_language_tag;
pub use keys::parse_jwks;
pub use uris::parse_web_url;

use super::{
    Algorithm, ApplicationType, Client, ClientAuthMethod, ClientMetadata, RedirectUriRules,
    Resource, StoredSecret, SubjectType, TokenHash, UserLoginConfig,
};

/// Policy for dynamically registered clients.
#[derive(Clone, Debug)]
pub struct RegistrationPolicy {
    pub scopes: Scope,
    /// Identifiers of the resources that they can request access tokens for.
    pub resources: Vec<String>,
    pub grant_types: Vec<String>,
    /// For tests: allows URLs at private addresses.
    pub allow_private_urls: bool,
    pub redirect_uris: RedirectUriRules,
    /// Supported signature algorithms of request objects (RFC 9101).
    pub request_object_algorithms: &'static [&'static str],
}

impl RegistrationPolicy {
    /// Returns the policy with the access to the resources that are open to registered clients.
    #[must_use]
    pub fn with_open_resources(&self, resources: &[Resource]) -> Self {
        let mut policy = self.clone();
        for resource in resources.iter().filter(|resource| resource.open_to_registered_clients) {
            policy.scopes = policy.scopes.union(&resource.scopes);
            if !policy.resources.contains(&resource.identifier) {
                policy.resources.push(resource.identifier.clone());
            }
        }
        policy
    }
}

/// A dynamically registered client.
#[derive(Clone, Debug)]
pub struct Registration {
    pub client: Client,
    /// The registered metadata, defaults included.
    pub metadata: ClientMetadata,
    /// Hash of the registration access token (RFC 7592 §3).
    pub token: TokenHash,
    pub issued_at: i64,
}

/// Validated metadata, with defaults for missing members.
#[derive(Clone, Debug)]
pub struct ValidatedMetadata {
    pub metadata: ClientMetadata,
    pub login: UserLoginConfig,
    pub scopes: Scope,
    pub resources: Vec<String>,
    /// Names of the members that were replaced.
    pub replaced: Vec<&'static str>,
}

/// Why client metadata is rejected (RFC 7591 §3.2.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct MetadataError {
    pub code: ErrorCode,
    pub reason: String,
}

/// Validates client metadata. What C does not serve is replaced, and the client learns from the
/// response what it got (RFC 7591 §3.2.1): grant types, response types, scopes and the application
/// type.
///
/// # Errors
/// Returns the first violation.
pub fn validate_metadata(
    requested: &ClientMetadata,
    policy: &RegistrationPolicy,
) -> Result<ValidatedMetadata, MetadataError> {
    unserved::check(requested)?;
    let application = redirect_uris::application_type(requested, policy)?;
    let auth_method = grant_types::auth_method(requested)?;
    let grants = grant_types::grant_types(requested, auth_method, policy)?;
    let response_types = grant_types::response_types(&grants);
    let scopes = grant_types::scopes(requested, &grants, policy)?;
    let redirects = redirect_uris::redirect_uris(requested, application, &grants, policy)?;
    let post_logout_redirects =
        redirect_uris::post_logout_redirect_uris(requested, application, policy)?;
    display_text::check(requested)?;
    uris::check_links(requested)?;
    let backchannel_logout_uri = uris::backchannel_logout_uri(requested, policy);
    uris::check_called(requested, backchannel_logout_uri.as_ref(), policy)?;
    let initiate_login_uri = uris::initiate_login_uri(requested)?;
    let jwks = keys::jwks(requested)?;
    let request_object_signing_alg = keys::request_object_algorithm(requested, policy)?;
    let subject_type = subject_type(requested)?;
    let login = UserLoginConfig {
        client_name: requested.client_name.clone(),
        client_names: display_text::names(requested),
        redirect_uris: redirects,
        post_logout_redirect_uris: post_logout_redirects,
        allowed_origins: Vec::new(),
        backchannel_logout_uri,
        public: auth_method.is_none(),
        token_endpoint_auth_method: auth_method,
        first_party: false,
        refresh_tokens: grants.iter().any(|grant| grant == "refresh_token"),
        grant_types: Some(grants),
        id_token_signed_response_alg: keys::algorithm(
            "id_token_signed_response_alg",
            requested.id_token_signed_response_alg.as_deref(),
        )?,
        id_token_claims: false,
        userinfo_signed_response_alg: keys::algorithm(
            "userinfo_signed_response_alg",
            requested.userinfo_signed_response_alg.as_deref(),
        )?,
        jwks,
        jwks_uri: requested.jwks_uri.clone(),
        request_object_signing_alg,
        require_pushed_authorization_requests: requested
            .require_pushed_authorization_requests
            .unwrap_or_default(),
        require_pkce: false,
        require_signed_request_object: keys::requires_signed_requests(requested)?,
        subject_type,
        sector_identifier_uri: requested.sector_identifier_uri.clone(),
        client_uri: requested.client_uri.clone(),
        logo_uri: requested.logo_uri.clone(),
        policy_uri: requested.policy_uri.clone(),
        tos_uri: requested.tos_uri.clone(),
    };
    check_sector(&login, application)?;
    let mut metadata = requested.clone();
    metadata.remove_unknown();
    metadata.initiate_login_uri = initiate_login_uri;
    metadata.backchannel_logout_uri.clone_from(&login.backchannel_logout_uri);
    metadata.redirect_uris = Some(login.redirect_uris.clone());
    metadata.response_types = Some(response_types);
    metadata.grant_types.clone_from(&login.grant_types);
    metadata.application_type = Some(application.as_str().to_owned());
    metadata.token_endpoint_auth_method =
        Some(auth_method.map_or("none", ClientAuthMethod::as_str).to_owned());
    metadata.scope = Some(scopes.to_string());
    metadata.subject_type = Some(subject_type.as_str().to_owned());
    metadata.id_token_signed_response_alg = Some(login.id_token_algorithm().as_str().to_owned());
    metadata.userinfo_signed_response_alg =
        login.userinfo_signed_response_alg.map(Algorithm::as_str).map(str::to_owned);
    let replaced = replaced_members(requested, &metadata);
    Ok(ValidatedMetadata { metadata, login, scopes, resources: policy.resources.clone(), replaced })
}

/// Returns the names of the members that have another value than the client requested. The order of
/// a list means nothing.
fn replaced_members(requested: &ClientMetadata, registered: &ClientMetadata) -> Vec<&'static str> {
    fn set<'a>(values: impl IntoIterator<Item = &'a String>) -> BTreeSet<&'a str> {
        values
            .into_iter()
            .flat_map(|value| value.split(' '))
            .filter(|one| !one.is_empty())
            .collect()
    }
    let members = [
        ("application_type", set(&requested.application_type), set(&registered.application_type)),
        (
            "backchannel_logout_uri",
            set(&requested.backchannel_logout_uri),
            set(&registered.backchannel_logout_uri),
        ),
        (
            "grant_types",
            set(requested.grant_types.iter().flatten()),
            set(registered.grant_types.iter().flatten()),
        ),
        (
            "initiate_login_uri",
            set(&requested.initiate_login_uri),
            set(&registered.initiate_login_uri),
        ),
        (
            "response_types",
            set(requested.response_types.iter().flatten()),
            set(registered.response_types.iter().flatten()),
        ),
        ("scope", set(&requested.scope), set(&registered.scope)),
    ];
    let is_replaced = |(_, requested, registered): &(_, BTreeSet<&str>, BTreeSet<&str>)| {
        !requested.is_empty() && requested != registered
    };
    members.into_iter().filter(is_replaced).map(|(name, ..)| name).collect()
}

impl ValidatedMetadata {
    /// Returns the names of the replaced members for the audit log, separated by spaces.
    pub fn replaced_members(&self) -> Option<String> {
        (!self.replaced.is_empty()).then(|| self.replaced.join(" "))
    }

    /// Returns the client that the metadata describes.
    pub fn into_client(
        self,
        client_id: String,
        secrets: Vec<StoredSecret>,
    ) -> (Client, ClientMetadata) {
        let client = Client {
            secrets,
            scopes: self.scopes,
            resources: self.resources,
            login: Some(self.login),
            dynamic: true,
            approved: false,
            // A dynamically registered client is not a resource server of this installation, and
            // exchanges no tokens.
            ..Client::without_access(client_id)
        };
        (client, self.metadata)
    }
}

fn subject_type(requested: &ClientMetadata) -> Result<SubjectType, MetadataError> {
    match requested.subject_type.as_deref() {
        None | Some("public") => Ok(SubjectType::Public),
        Some("pairwise") => Ok(SubjectType::Pairwise),
        Some(_) => Err(invalid_metadata("subject_type is not one of: public pairwise")),
    }
}

/// Checks the sector of a pairwise client. Clients of one sector receive the same `sub` for a user
/// (OpenID Connect Core §8.1). A redirect URI proves that a client belongs to its host only if
/// tokens are sent there: a device that named the host of another client would learn the subjects
/// of that client. Loopback and custom-scheme URIs have no host.
fn check_sector(
    login: &UserLoginConfig,
    application: ApplicationType,
) -> Result<(), MetadataError> {
    if login.subject_type == SubjectType::Public {
        return Ok(());
    }
    let is_not_redirected =
        |grant: &String| !matches!(grant.as_str(), "authorization_code" | "refresh_token");
    if login.grant_types.iter().flatten().any(is_not_redirected) {
        return Err(invalid_metadata(
            "subject_type=pairwise allows only the grants authorization_code and refresh_token",
        ));
    }
    let own_host = application == ApplicationType::Web && login.sector().is_some();
    if login.sector_identifier_uri.is_none() && !own_host {
        return Err(invalid_metadata(
            "subject_type=pairwise requires a sector_identifier_uri unless all redirect_uris have the same web host",
        ));
    }
    Ok(())
}

/// Creates an `invalid_client_metadata` error.
fn invalid_metadata(reason: impl Into<String>) -> MetadataError {
    MetadataError { code: ErrorCode::InvalidClientMetadata, reason: reason.into() }
}

#[cfg(test)]
mod tests;
