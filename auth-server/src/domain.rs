//! What C decides, without a socket, a database or a clock in sight.

mod audit;
mod client;
mod grant_decision;
mod jti;
mod registry;
mod secret;
mod signing_key;
mod token;

pub use audit::{AuditEvent, AuditQuery, AuditRecord, Outcome};
pub use client::{Client, Resource, TokenFormat};
pub use grant_decision::{Granted, Refusal, decide};
pub use jti::new_jti;
pub use registry::Registry;
pub use secret::{GENERATED_SECRET_PREFIX, SecretHash, StoredSecret, hash_chosen_secret, new_secret};
pub use signing_key::{Algorithm, KeyState, NewKey, SigningKey, is_due};
pub use token::{OPAQUE_TOKEN_PREFIX, OpaqueToken, TokenHash, new_opaque_token};
