//! The device authorization grant (RFC 8628).

pub mod authorization;
pub mod verification;
