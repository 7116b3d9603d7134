//! What C decides, without a socket, a database or a clock in sight.

mod audit;
mod client;
mod client_metadata;
mod device;
mod grant_decision;
mod jti;
mod login_client;
mod next_step;
mod public_address;
mod redirect_uri;
mod registration;
mod registry;
mod secret;
mod session;
mod signing_key;
mod token;
mod user;
mod user_decision;
mod user_grant;

pub use audit::{AuditEvent, AuditQuery, AuditRecord, Outcome};
pub use client::{Client, Resource, TokenFormat};
pub use client_metadata::ClientMetadata;
pub use device::{Device, DeviceAnswer, StoredDevice, new_user_code, read_user_code};
pub use grant_decision::{Granted, Refusal, decide};
pub use jti::{grant_of, made_at, new_client_id, new_jti, new_sub, under_grant};
pub use login_client::{LoginClient, SubjectType};
pub use next_step::{Done, NextStep, Situation, next_step};
pub use oauth_types::ClientAuthMethod;
pub use public_address::{is_public_address, problem_of_outside_url};
pub use redirect_uri::{ApplicationType, problem_of_redirect_uri};
pub use registration::{
    AcceptedMetadata, RefusedMetadata, Registration, RegistrationPolicy, accept_metadata, read_jwks,
};
pub use registry::Registry;
pub use secret::{
    GENERATED_SECRET_PREFIX, SecretHash, StoredSecret, hash_chosen_secret, new_secret,
    problem_of_chosen_hash,
};
pub use session::{LogoutNews, Session, SessionLife};
pub use signing_key::{Algorithm, KeyState, NewKey, SigningKey, is_due};
pub use token::{
    CODE_PREFIX, OPAQUE_TOKEN_PREFIX, OpaqueToken, REFRESH_TOKEN_PREFIX, TokenHash,
    new_opaque_token, new_registration_token,
};
pub use user::User;
pub use user_decision::{Allowed, LOGIN_SCOPES, allowed_for_user, granted_to_user};
pub use user_grant::{
    Code, Consent, IssuedToUser, NewRefreshToken, PushedRequest, Spends, StoredCode,
    StoredRefreshToken, UserGrant,
};
