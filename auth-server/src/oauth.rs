//! The OAuth 2.0 endpoints.

pub mod authorize;
pub mod device;
pub mod introspect;
pub mod jwks;
pub mod metadata;
pub mod par;
pub mod registration;
pub mod revoke;
pub mod token;
