use claims::{ErrorCode, Form, Scope, ScopeError};

use crate::{
    domain::{Client, Granted, Refusal, Registry, decide},
    failure::Failure,
};

/// The client asks in its own name (RFC 6749 §4.4).
pub(super) fn grant(client: &Client, registry: &Registry, form: &Form) -> Result<Granted, Failure> {
    let scope = form.get("scope").map(str::parse::<Scope>).transpose()?;
    let resources: Vec<&str> = form.all("resource").collect();
    Ok(decide(client, registry, scope.as_ref(), &resources)?)
}

impl From<ScopeError> for Failure {
    fn from(error: ScopeError) -> Self {
        Self::new(ErrorCode::InvalidScope, error.to_string(), "https://www.rfc-editor.org/rfc/rfc6749#section-3.3")
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let (code, rule) = match refusal {
            Refusal::MalformedResource(_) | Refusal::ForeignResource { .. } => {
                (ErrorCode::InvalidTarget, "https://www.rfc-editor.org/rfc/rfc8707#section-2")
            }
            Refusal::ForeignScope { .. } | Refusal::NothingToGrant => {
                (ErrorCode::InvalidScope, "https://www.rfc-editor.org/rfc/rfc6749#section-3.3")
            }
        };
        Self::new(code, refusal.to_string(), rule)
    }
}
