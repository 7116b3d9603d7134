use std::sync::Arc;

use serde::Serialize;

use super::{context::ControlContext, error::ControlError};

/// The parameter or member that names the issuer that a call is for.
pub const ISSUER: &str = "issuer";

/// The name of an issuer of this server, and its URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IssuerName {
    pub name: String,
    pub issuer: String,
}

/// A state of the control API. It is that of one issuer.
pub trait NamedIssuer: Send + Sync {
    /// Returns whether this is the name or the URL of the issuer.
    fn is_named(&self, named: &str) -> bool;

    /// Returns why a body may not name an issuer that is not this one.
    fn not_named(&self, named: &str) -> ControlError {
        unknown_issuer(named)
    }
}

impl NamedIssuer for Arc<ControlContext> {
    fn is_named(&self, named: &str) -> bool {
        named == self.issuer || named == self.name
    }

    fn not_named(&self, named: &str) -> ControlError {
        let is_other = |other: &IssuerName| named == other.name || named == other.issuer;
        if !self.issuers.iter().any(is_other) {
            return unknown_issuer(named);
        }
        // The call was passed to the one in the query.
        ControlError::invalid("the query and the body name different issuers")
            .expecting("the issuer of the query, or no such member")
    }
}

/// No issuer of this server has this name.
pub fn unknown_issuer(named: &str) -> ControlError {
    ControlError::not_found("unknown_issuer", format!("this server has no issuer `{named}`"))
        .expecting("one of the issuers that GET /control lists")
}
