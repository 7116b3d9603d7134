//! Decisions of C, without I/O: no sockets, no database, no clock.

mod argon2id;
mod attributes;
mod audit;
mod claims_parameter;
mod client;
mod client_authorization;
mod client_id_metadata;
mod client_metadata;
mod consent;
mod consented_claims;
mod custom_claims;
mod device_authorization;
mod grant_error;
mod grant_narrowing;
mod grant_types;
mod interaction;
mod looseness;
mod openid_scopes;
mod public_address;
mod redirect_uri;
mod registration;
mod registry;
mod rejection_counts;
mod releasable_claims;
mod resource_choice;
mod secret_hash;
mod session;
mod signing_key;
mod string_classes;
mod token;
mod token_bucket;
mod token_exchange;
mod token_id;
mod token_profile;
mod user;
mod user_authorization;
mod user_credentials;
mod user_grant;
mod user_login_config;

pub use argon2id::HashCost;
#[cfg(test)]
pub use argon2id::computed_hashes;
pub use attributes::{Attributes, AttributesError};
pub use audit::{Actor, AuditEvent, AuditQuery, AuditRecord, Outcome};
pub use claims_parameter::{ClaimsParameter, RequestedClaims, released_claims};
pub use client::{Client, Resource, TokenExchangeRule, TokenFormat, validate_defaults};
pub use client_authorization::{GrantedAccess, authorize_scopes};
pub use client_id_metadata::{client_of_document, is_client_id_url, validate_client_id_url};
pub use client_metadata::ClientMetadata;
pub use consent::{Consent, ScopesByResource};
pub use consented_claims::ConsentedClaims;
pub use custom_claims::{ClaimContext, ClaimSource, ClaimTarget, CustomClaim, CustomClaims};
pub use device_authorization::{
    DeviceAuthorization, DeviceCodeStatus, StoredDeviceAuthorization, new_user_code,
    parse_user_code,
};
pub use grant_error::GrantError;
pub use grant_narrowing::narrow_grant;
pub use grant_types::{DEVICE_CODE, GRANT_TYPES, TOKEN_EXCHANGE};
pub use interaction::{InteractionContext, InteractionProgress, NextStep, next_step};
pub use looseness::Looseness;
pub use oauth_types::ClientAuthMethod;
pub use openid_scopes::OPENID_SCOPES;
pub use public_address::{is_public_address, validate_external_url};
pub use redirect_uri::{
    ApplicationType, RedirectUriRules, is_undotted_app_scheme, validate_redirect_uri,
};
pub use registration::{
    MetadataError, Registration, RegistrationPolicy, ValidatedMetadata, is_language_tag,
    parse_jwks, parse_web_url, validate_metadata,
};
pub use registry::Registry;
pub use rejection_counts::{RejectionCount, RejectionCounts};
pub use releasable_claims::{exchangeable_claims, releasable_claims};
pub use resource_choice::is_resource_identifier;
pub use secret_hash::{
    GENERATED_SECRET_PREFIX, SecretHash, StoredSecret, hash_password, hash_password_at,
    is_well_known, new_secret, validate_password_hash,
};
pub use session::{LogoutNotification, Session, SessionTtl};
pub use signing_key::{
    Algorithm, KeyState, NewKey, SigningKey, SigningStatus, is_rotation_due, signing_status,
};
pub use token::{
    CODE_PREFIX, OPAQUE_TOKEN_PREFIX, OpaqueToken, REFRESH_TOKEN_PREFIX, TokenHash,
    new_opaque_token, new_registration_token,
};
pub use token_bucket::{BucketKey, BucketLimit, TokenBucket};
pub use token_exchange::{ExchangeLimit, authorize_exchange};
pub use token_id::{
    generation_of, grant_id_of, new_client_id, new_jti, new_sub, with_generation, with_grant_id,
};
pub use token_profile::{JwtType, TokenProfile};
pub use user::User;
pub use user_authorization::{AllowedAccess, authorize_user_scopes, scopes_by_resource};
pub use user_credentials::{
    CredentialError, normalize_password, normalize_username, typed_username,
};
pub use user_grant::{
    AuthorizationCode, GrantResources, NewRefreshToken, OneTimeCredential,
    PushedAuthorizationRequest, StoredAuthorizationCode, StoredRefreshToken, UserGrant,
    UserIssuance,
};
pub use user_login_config::{REQUEST_OBJECT_ALGORITHMS, SubjectType, UserLoginConfig};
