//! The library's types as they are used here, and its errors without what they quote.

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
    ProviderFailure, Step,
    transport::{Wire, WireError},
};

/// What the metadata says beyond OpenID Connect Discovery.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct MoreMetadata {
    pub(super) end_session_endpoint: Option<Url>,
    /// RFC 9207 §3.
    #[serde(default, rename = "authorization_response_iss_parameter_supported")]
    pub(super) names_itself: bool,
}

impl AdditionalProviderMetadata for MoreMetadata {}

/// What the ID token says beyond OpenID Connect Core.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct MoreClaims {
    /// The provider's name for its session (OpenID Connect Front-Channel Logout §3).
    pub(super) sid: Option<String>,
}

impl AdditionalClaims for MoreClaims {}

pub(super) type Metadata = openidconnect::ProviderMetadata<
    MoreMetadata,
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

pub(super) type TokenAnswer = StandardTokenResponse<
    IdTokenFields<
        MoreClaims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

pub(super) type Claims = openidconnect::IdTokenClaims<MoreClaims, CoreGenderClaim>;

type TokenRefusal = StandardErrorResponse<CoreErrorResponseType>;

pub(super) type Client = openidconnect::Client<
    MoreClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    TokenRefusal,
    TokenAnswer,
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
    wire: &Wire,
) -> Result<UserInfoClaims<EmptyAdditionalClaims, CoreGenderClaim>, ProviderFailure> {
    request.request_async(wire).await.map_err(|error| match error {
        UserInfoError::Request(error) => error.at(Step::UserInfo),
        UserInfoError::Response(status, ..) => {
            unusable(Step::UserInfo, format!("status {}", status.as_u16()))
        }
        // Another person's claims (OpenID Connect Core §5.3.2, token substitution).
        UserInfoError::ClaimsVerification(error) => {
            ProviderFailure::Untrusted(format!("user info: {error}"))
        }
        _ => unusable(Step::UserInfo, "it is not the JSON of user info".to_owned()),
    })
}

/// The library's errors quote the body that they could not read, so only their kind is kept.
pub(super) fn token_failure(error: &RequestTokenError<WireError, TokenRefusal>) -> ProviderFailure {
    match error {
        RequestTokenError::ServerResponse(refusal)
            if *refusal.error() == CoreErrorResponseType::InvalidGrant =>
        {
            ProviderFailure::GrantRefused(Step::Token, "invalid_grant".to_owned())
        }
        RequestTokenError::ServerResponse(refusal) => unusable(
            Step::Token,
            format!("it refuses with `{}`", oauth_types::printable(refusal.error().as_ref())),
        ),
        RequestTokenError::Request(error) => error.at(Step::Token),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            unusable(Step::Token, "it is not the JSON of a token answer".to_owned())
        }
    }
}

pub(super) fn discovery_failure(error: &DiscoveryError<WireError>) -> ProviderFailure {
    match error {
        DiscoveryError::Request(error) => error.at(Step::Metadata),
        DiscoveryError::Response(status, ..) => {
            unusable(Step::Metadata, format!("status {}", status.as_u16()))
        }
        DiscoveryError::Validation(problem) => {
            unusable(Step::Metadata, oauth_types::printable(problem))
        }
        _ => unusable(
            Step::Metadata,
            "it is not the JSON of a provider's metadata or keys".to_owned(),
        ),
    }
}

pub(super) fn metadata_failure(problem: &str) -> ProviderFailure {
    unusable(Step::Metadata, problem.to_owned())
}

fn unusable(step: Step, reason: String) -> ProviderFailure {
    ProviderFailure::Unusable(step, reason)
}
