//! Decisions of C, without I/O: no sockets, no database, no clock.

mod argon2id;
mod audit;
mod client;
mod client_access;
mod client_metadata;
mod consent;
mod device_authorization;
mod grant_error;
mod interaction;
mod public_address;
mod redirect_uri;
mod registration;
mod registry;
mod rejection_counts;
mod resource_choice;
mod secret_hash;
mod session;
mod signing_key;
mod token;
mod token_access;
mod token_bucket;
mod token_exchange;
mod token_id;
mod user;
mod user_access;
mod user_credentials;
mod user_grant;
mod user_login_config;

#[cfg(test)]
pub use argon2id::computed_hashes;
pub use audit::{Actor, AuditEvent, AuditQuery, AuditRecord, Outcome};
pub use client::{
    CLOCK_LEEWAY_SECONDS, Client, Resource, TokenExchangeRule, TokenFormat, validate_defaults,
};
pub use client_access::{GrantedAccess, authorize_scopes};
pub use client_metadata::ClientMetadata;
pub use consent::{Consent, ScopesByResource};
pub use device_authorization::{
    DeviceAuthorization, DeviceCodeStatus, StoredDeviceAuthorization, new_user_code,
    parse_user_code,
};
pub use grant_error::GrantError;
pub use interaction::{InteractionContext, InteractionProgress, NextStep, next_step};
pub use oauth_types::ClientAuthMethod;
pub use public_address::{is_public_address, validate_external_url};
pub use redirect_uri::{ApplicationType, validate_redirect_uri};
pub use registration::{
    MetadataError, Registration, RegistrationPolicy, ValidatedMetadata, parse_jwks,
    validate_metadata,
};
pub use registry::Registry;
pub use rejection_counts::{RejectionCount, RejectionCounts};
pub use resource_choice::OPENID_SCOPES;
pub use secret_hash::{
    GENERATED_SECRET_PREFIX, SecretHash, StoredSecret, hash_password, is_well_known, new_secret,
    validate_password_hash,
};
pub use session::{LogoutNotification, Session, SessionTtl};
pub use signing_key::{
    Algorithm, KeyState, NewKey, SigningKey, SigningStatus, is_rotation_due, signing_status,
};
pub use token::{
    CODE_PREFIX, OPAQUE_TOKEN_PREFIX, OpaqueToken, REFRESH_TOKEN_PREFIX, TokenHash,
    new_opaque_token, new_registration_token,
};
pub use token_access::narrow_grant;
pub use token_bucket::{BucketKey, BucketLimit, TokenBucket};
pub use token_exchange::{ExchangeLimit, authorize_exchange};
pub use token_id::{grant_id_of, issued_at, new_client_id, new_jti, new_sub, with_grant_id};
pub use user::User;
pub use user_access::{AllowedAccess, authorize_user_scopes, scopes_by_resource};
pub use user_credentials::{
    CredentialError, normalize_password, normalize_username, typed_username,
};
pub use user_grant::{
    AuthorizationCode, GrantResources, NewRefreshToken, OneTimeCredential,
    PushedAuthorizationRequest, StoredAuthorizationCode, StoredRefreshToken, UserGrant,
    UserIssuance,
};
pub use user_login_config::{SubjectType, UserLoginConfig};
