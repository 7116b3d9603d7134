use std::sync::Arc;

use super::{context::ControlContext, error::ControlError};

/// The parameter or member that names the issuer that a call is for.
pub const ISSUER: &str = "issuer";

/// A state of the control API whose server has at most one issuer.
pub trait NamedIssuer: Send + Sync {
    /// Returns the issuer; empty if it is not known yet.
    fn issuer(&self) -> &str;
}

impl NamedIssuer for Arc<ControlContext> {
    fn issuer(&self) -> &str {
        &self.issuer
    }
}

/// No issuer of this server has this name.
pub fn unknown_issuer(named: &str) -> ControlError {
    ControlError::not_found("unknown_issuer", format!("this server has no issuer `{named}`"))
}
