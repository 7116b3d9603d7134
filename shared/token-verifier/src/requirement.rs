use std::marker::PhantomData;

use flow_events::Rule;

use crate::{check::check, verified_token::VerifiedToken};

/// The scope that a handler requires.
pub trait RequiredScope {
    /// One scope token (RFC 6749 §3.3).
    const SCOPE: &'static str;
}

/// The claim that a handler requires, for use with [`HasClaim`].
///
/// ```
/// use token_verifier::{HasClaim, RequiredClaim, RequiredScope, Requirement, VerifiedToken};
///
/// struct Auditor;
/// impl RequiredClaim for Auditor {
///     const NAME: &'static str = "roles";
///     const VALUE: &'static str = "auditor";
/// }
///
/// struct ReportRead;
/// impl RequiredScope for ReportRead {
///     const SCOPE: &'static str = "report:read";
/// }
///
/// /// In a handler of axum, `Authorized<(ReportRead, HasClaim<Auditor>)>` does this.
/// fn may_read(token: &VerifiedToken) -> bool {
///     <(ReportRead, HasClaim<Auditor>)>::check(token).is_ok()
/// }
/// ```
pub trait RequiredClaim {
    /// The name of the claim.
    const NAME: &'static str;
    /// The value that it has, or that it contains if it is a list.
    const VALUE: &'static str;

    /// Returns whether the token satisfies the requirement. Override this for claims of another
    /// form, for example `realm_access` of Keycloak, an object with a list.
    fn is_met(token: &VerifiedToken) -> bool {
        token.has_claim_value(Self::NAME, Self::VALUE)
    }
}

/// Requires the claim `C`.
#[derive(Clone, Copy, Debug)]
pub struct HasClaim<C>(PhantomData<fn() -> C>);

/// What a handler requires of a token that passed all checks: a [`RequiredScope`], a claim as
/// [`HasClaim`], several of them as a tuple, or nothing as `()`.
pub trait Requirement {
    /// Checks the requirement.
    ///
    /// # Errors
    /// Returns the requirement that the token does not satisfy.
    fn check(token: &VerifiedToken) -> Result<(), UnmetRequirement>;
}

/// A requirement that a token does not satisfy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnmetRequirement {
    /// The token does not have the scope.
    #[error("this request requires the scope {required}")]
    Scope {
        /// The scope of [`RequiredScope`].
        required: &'static str,
        /// The scope of the token.
        granted: String,
    },
    /// The token does not have the claim, or not with this value.
    #[error("this request requires the claim {name}")]
    Claim {
        /// The name of [`RequiredClaim`].
        name: &'static str,
        /// Its value.
        value: &'static str,
    },
}

impl Requirement for () {
    fn check(_: &VerifiedToken) -> Result<(), UnmetRequirement> {
        Ok(())
    }
}

impl<S: RequiredScope> Requirement for S {
    fn check(token: &VerifiedToken) -> Result<(), UnmetRequirement> {
        let allowed = token.scope().contains(S::SCOPE);
        let (expected, found) = (|| S::SCOPE.to_owned(), || token.scope().to_string());
        check(Rule::Scope, allowed, expected, found, "insufficient scope").map_err(|_| {
            let granted = token.scope().to_string();
            UnmetRequirement::Scope { required: S::SCOPE, granted }
        })
    }
}

impl<C: RequiredClaim> Requirement for HasClaim<C> {
    fn check(token: &VerifiedToken) -> Result<(), UnmetRequirement> {
        let expected = || format!("{} {}", C::NAME, C::VALUE);
        let found = || token.claims().value(C::NAME).map_or("none".to_owned(), ToString::to_string);
        check(Rule::Claim, C::is_met(token), expected, found, "missing claim")
            .map_err(|_| UnmetRequirement::Claim { name: C::NAME, value: C::VALUE })
    }
}

impl<A: Requirement, B: Requirement> Requirement for (A, B) {
    fn check(token: &VerifiedToken) -> Result<(), UnmetRequirement> {
        A::check(token)?;
        B::check(token)
    }
}

impl<A: Requirement, B: Requirement, C: Requirement> Requirement for (A, B, C) {
    fn check(token: &VerifiedToken) -> Result<(), UnmetRequirement> {
        <(A, B)>::check(token)?;
        C::check(token)
    }
}
