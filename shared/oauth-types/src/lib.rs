//! The wire types of OAuth 2.0 and OpenID Connect. No I/O.
//!
//! Authorization server, client and resource server use the same types for token requests, claims
//! and errors, so that they cannot diverge.
#![warn(missing_docs)]

mod access_token;
mod audience;
pub mod basic;
pub mod bearer;
mod caller_network;
mod claims;
mod client_auth_method;
mod closest_match;
mod error;
mod form;
mod id_token;
mod introspection;
mod issuer;
mod jwk;
mod jwt_header;
mod lifetime;
mod loopback;
mod metadata;
mod numeric_date;
mod resource;
mod scope;
mod secret;
mod standard_claims;
mod token_response;
mod web_origin;

pub use access_token::{AccessTokenClaims, ActorClaim, TYP_ACCESS_TOKEN};
pub use audience::Audience;
pub use caller_network::caller_network;
pub use claims::Claims;
pub use client_auth_method::ClientAuthMethod;
pub use closest_match::closest_match;
pub use error::{ErrorCode, OAuthError, printable};
pub use form::{Form, FormError, decode_form_component};
pub use id_token::IdTokenClaims;
pub use introspection::IntrospectionResponse;
pub use issuer::{Issuer, parse_endpoint_url};
pub use jwk::signature_algorithms;
pub use jwt_header::{JwtHeader, JwtHeaderError};
pub use lifetime::lifetime_seconds;
pub use loopback::{has_loopback_ip, is_loopback_url};
pub use metadata::{AuthorizationServerMetadata, ProtectedResourceMetadata, well_known_url};
pub use numeric_date::NumericDate;
pub use resource::same_resource;
pub use scope::{Scope, ScopeError};
pub use secret::{
    AccessToken, ClientSecret, Fingerprint, FingerprintError, IdToken, Password, RefreshToken,
};
pub use standard_claims::{Address, StandardClaims};
pub use token_response::TokenResponse;
pub use web_origin::is_web_origin;
