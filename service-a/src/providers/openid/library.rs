//! Types of `openidconnect` with A's type parameters, and conversions of its errors that drop
//! quoted response bodies.

use openidconnect::{
    AdditionalClaims, AdditionalProviderMetadata, DiscoveryError, EmptyAdditionalClaims,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenFields,
    RequestTokenError, StandardErrorResponse, StandardTokenResponse, UserInfoClaims, UserInfoError,
    UserInfoRequest,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod,
        CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm,
        CoreResponseMode, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
        CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::super::{
    ProviderError, ProviderRequest,
    transport::{Transport, TransportError},
};

/// Metadata beyond OpenID Connect Discovery.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct ExtraMetadata {
    pub(super) end_session_endpoint: Option<Url>,
    /// RFC 9207 §3.
    #[serde(default, rename = "authorization_response_iss_parameter_supported")]
    pub(super) sends_iss: bool,
}

impl AdditionalProviderMetadata for ExtraMetadata {}

/// ID token claims beyond OpenID Connect Core.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct ExtraClaims {
    /// Id of the session at the provider (OpenID Connect Front-Channel Logout §3).
    pub(super) sid: Option<String>,
}

impl AdditionalClaims for ExtraClaims {}

pub(super) type Metadata = openidconnect::ProviderMetadata<
    ExtraMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

pub(super) type OpenIdTokenResponse = StandardTokenResponse<
    IdTokenFields<
        ExtraClaims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

pub(super) type IdTokenClaims = openidconnect::IdTokenClaims<ExtraClaims, CoreGenderClaim>;

type TokenErrorResponse = StandardErrorResponse<CoreErrorResponseType>;

pub(super) type Client = openidconnect::Client<
    ExtraClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    TokenErrorResponse,
    OpenIdTokenResponse,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

pub(super) async fn user_info(
    request: UserInfoRequest<'_, CoreJweContentEncryptionAlgorithm, CoreJsonWebKey>,
    transport: &Transport,
) -> Result<UserInfoClaims<EmptyAdditionalClaims, CoreGenderClaim>, ProviderError> {
    request.request_async(transport).await.map_err(|error| match error {
        UserInfoError::Request(error) => error.during(ProviderRequest::UserInfo),
        UserInfoError::Response(status, ..) => {
            invalid_response(ProviderRequest::UserInfo, format!("status {}", status.as_u16()))
        }
        // `sub` differs (token substitution, OpenID Connect Core §5.3.2).
        UserInfoError::ClaimsVerification(error) => {
            ProviderError::Untrusted(format!("UserInfo: {error}"))
        }
        _ => invalid_response(ProviderRequest::UserInfo, "not a JSON UserInfo response".to_owned()),
    })
}

/// Keeps only the kind of the error, because the library quotes the body that it could not parse.
pub(super) fn token_error(
    error: &RequestTokenError<TransportError, TokenErrorResponse>,
) -> ProviderError {
    match error {
        RequestTokenError::ServerResponse(response)
            if *response.error() == CoreErrorResponseType::InvalidGrant =>
        {
            ProviderError::InvalidGrant(ProviderRequest::Token, "invalid_grant".to_owned())
        }
        RequestTokenError::ServerResponse(response) => invalid_response(
            ProviderRequest::Token,
            format!("the error `{}`", oauth_types::printable(response.error().as_ref())),
        ),
        RequestTokenError::Request(error) => error.during(ProviderRequest::Token),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            invalid_response(ProviderRequest::Token, "not a JSON token response".to_owned())
        }
    }
}

pub(super) fn discovery_error(error: &DiscoveryError<TransportError>) -> ProviderError {
    match error {
        DiscoveryError::Request(error) => error.during(ProviderRequest::Metadata),
        DiscoveryError::Response(status, ..) => {
            invalid_response(ProviderRequest::Metadata, format!("status {}", status.as_u16()))
        }
        DiscoveryError::Validation(problem) => {
            invalid_response(ProviderRequest::Metadata, oauth_types::printable(problem))
        }
        _ => invalid_response(ProviderRequest::Metadata, "not JSON metadata or keys".to_owned()),
    }
}

pub(super) fn metadata_error(problem: &str) -> ProviderError {
    invalid_response(ProviderRequest::Metadata, problem.to_owned())
}

fn invalid_response(request: ProviderRequest, reason: String) -> ProviderError {
    ProviderError::InvalidResponse(request, reason)
}
