//! The device authorization grant (RFC 8628).

pub mod authorization;
pub mod decision;
pub mod verification;

use std::sync::Arc;

use clock::Clock;

use crate::{
    audit::AuditLog, clients::Clients, http::PageContext, rate_limit::RateLimiter,
    secure_random::SecureRandom, storage::Store,
};

/// State of the device flow endpoints.
pub struct DeviceContext {
    pub page: Arc<PageContext>,
    pub issuer: String,
    pub clients: Arc<Clients>,
    /// Limits the requests of clients that anyone can use, by address.
    pub authorization_limit: RateLimiter,
    /// Limits wrong user codes by user and address (RFC 8628 §5.1).
    pub user_code_limit: RateLimiter,
    pub audit: AuditLog,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub random: SecureRandom,
}
