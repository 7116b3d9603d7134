//! Validation of client metadata in dynamic client registration (RFC 7591).

mod display_text;
mod grant_types;
mod keys;
mod redirect_uris;
mod uris;

use oauth_types::{ErrorCode, Scope};

pub use keys::parse_jwks;

use super::{
    Algorithm, ApplicationType, Client, ClientAuthMethod, ClientMetadata, StoredSecret,
    SubjectType, TokenHash, UserLoginConfig,
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
    /// Supported signature algorithms of request objects (RFC 9101).
    pub request_object_algorithms: &'static [&'static str],
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
}

/// Why client metadata is rejected (RFC 7591 §3.2.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct MetadataError {
    pub code: ErrorCode,
    pub reason: String,
}

/// Validates client metadata.
///
/// # Errors
/// Returns the first violation.
pub fn validate_metadata(
    asked: ClientMetadata,
    policy: &RegistrationPolicy,
) -> Result<ValidatedMetadata, MetadataError> {
    reject_software_statement(&asked)?;
    let application = redirect_uris::application_type(&asked)?;
    let grants = grant_types::grant_types(&asked, policy)?;
    let response_types = grant_types::response_types(&asked, &grants)?;
    let auth_method = grant_types::auth_method(&asked, &grants)?;
    let scopes = grant_types::scopes(&asked, &grants, policy)?;
    let redirects = redirect_uris::redirect_uris(&asked, application, &grants)?;
    let post_logout_redirects = redirect_uris::post_logout_redirect_uris(&asked, application)?;
    display_text::check(&asked)?;
    uris::check_links(&asked)?;
    uris::check_called(&asked, policy)?;
    let jwks = keys::jwks(&asked)?;
    let request_object_signing_alg = keys::request_object_algorithm(&asked, policy)?;
    let subject_type = subject_type(&asked)?;
    let login = UserLoginConfig {
        client_name: asked.client_name.clone(),
        client_names: display_text::names(&asked),
        redirect_uris: redirects,
        post_logout_redirect_uris: post_logout_redirects,
        backchannel_logout_uri: asked.backchannel_logout_uri.clone(),
        public: auth_method.is_none(),
        token_endpoint_auth_method: auth_method,
        first_party: false,
        refresh_tokens: grants.iter().any(|grant| grant == "refresh_token"),
        grant_types: Some(grants),
        id_token_signed_response_alg: keys::algorithm(
            "id_token_signed_response_alg",
            asked.id_token_signed_response_alg.as_deref(),
        )?,
        id_token_claims: false,
        userinfo_signed_response_alg: keys::algorithm(
            "userinfo_signed_response_alg",
            asked.userinfo_signed_response_alg.as_deref(),
        )?,
        jwks,
        jwks_uri: asked.jwks_uri.clone(),
        request_object_signing_alg,
        require_pushed_authorization_requests: asked
            .require_pushed_authorization_requests
            .unwrap_or_default(),
        require_pkce: false,
        require_signed_request_object: keys::requires_signed_requests(&asked)?,
        subject_type,
        sector_identifier_uri: asked.sector_identifier_uri.clone(),
        client_uri: asked.client_uri.clone(),
        logo_uri: asked.logo_uri.clone(),
        policy_uri: asked.policy_uri.clone(),
        tos_uri: asked.tos_uri.clone(),
    };
    check_sector(&login, application)?;
    let mut metadata = asked;
    metadata.remove_unknown();
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
    Ok(ValidatedMetadata { metadata, login, scopes, resources: policy.resources.clone() })
}

impl ValidatedMetadata {
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

/// Rejects software statements, which are not supported (RFC 7591 §2.3). Ignoring one would let the
/// client believe that it was accepted.
fn reject_software_statement(asked: &ClientMetadata) -> Result<(), MetadataError> {
    let is_jwt =
        |text: &str| text.split('.').count() == 3 && text.split('.').all(|part| !part.is_empty());
    match &asked.software_statement {
        None => Ok(()),
        Some(statement) if statement.as_str().is_some_and(is_jwt) => Err(MetadataError {
            code: ErrorCode::UnapprovedSoftwareStatement,
            reason: "software statements are not supported: register without one".to_owned(),
        }),
        Some(_) => Err(MetadataError {
            code: ErrorCode::InvalidSoftwareStatement,
            reason: "software_statement is not a signed JWT, and software statements are not supported: register without one".to_owned(),
        }),
    }
}

fn subject_type(asked: &ClientMetadata) -> Result<SubjectType, MetadataError> {
    match asked.subject_type.as_deref() {
        None | Some("public") => Ok(SubjectType::Public),
        Some("pairwise") => Ok(SubjectType::Pairwise),
        Some(_) => Err(refused("subject_type is not one of: public pairwise")),
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
        return Err(refused(
            "subject_type=pairwise allows only the grants authorization_code and refresh_token",
        ));
    }
    let own_host = application == ApplicationType::Web && login.sector().is_some();
    if login.sector_identifier_uri.is_none() && !own_host {
        return Err(refused(
            "subject_type=pairwise requires a sector_identifier_uri unless all redirect_uris have the same web host",
        ));
    }
    Ok(())
}

/// Creates an `invalid_client_metadata` error.
fn refused(reason: impl Into<String>) -> MetadataError {
    MetadataError { code: ErrorCode::InvalidClientMetadata, reason: reason.into() }
}

#[cfg(test)]
mod tests;
