use std::{marker::PhantomData, ops::Deref, sync::Arc};

use axum::extract::{FromRef, FromRequestParts};
use flow_events::Rule;
use http::{header::AUTHORIZATION, request::Parts};
use oauth_types::{AccessToken, bearer};

use crate::{
    check::check,
    error::VerifyError,
    rejection::{BearerRejection, RejectionKind},
    verified_token::VerifiedToken,
    verifier::Verifier,
};

/// The scope that a handler requires.
pub trait RequiredScope {
    /// One scope token (RFC 6749 §3.3).
    const SCOPE: &'static str;
}

/// Extractor for a verified access token with the scope `S`. A handler that takes it is called only
/// for requests with such a token; all others get a [`BearerRejection`].
#[derive(Clone, Debug)]
pub struct Authorized<S> {
    token: Arc<VerifiedToken>,
    scope: PhantomData<fn() -> S>,
}

impl<S> Deref for Authorized<S> {
    type Target = VerifiedToken;

    fn deref(&self) -> &VerifiedToken {
        &self.token
    }
}

impl<S: RequiredScope, State: Sync> FromRequestParts<State> for Authorized<S>
where
    Verifier: FromRef<State>,
{
    type Rejection = BearerRejection;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, BearerRejection> {
        let verifier = Verifier::from_ref(state);
        let reject = |kind| BearerRejection::new(&verifier, kind);
        let token = bearer_token(parts).map_err(reject)?;
        let verified = verifier.verify(&token).await.map_err(|error| reject(log(&token, error)))?;
        check_scope::<S>(&verified).map_err(reject)?;
        Ok(Self { token: verified, scope: PhantomData })
    }
}

/// Returns the token of the `Authorization` header (RFC 6750 §2.1). Tokens in the URL are rejected,
/// because URLs are logged (§2.3, RFC 9700 §4.3.2).
fn bearer_token(parts: &Parts) -> Result<AccessToken, RejectionKind> {
    let in_query = parts.uri.query().is_some_and(|query| has_access_token(query.as_bytes()));
    let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
    let header = headers.next().and_then(|value| bearer::parse(value.as_bytes()));
    match (header, in_query) {
        _ if headers.next().is_some() => {
            Err(RejectionKind::Misplaced("the request has more than one Authorization header"))
        }
        (Some(_), true) => Err(RejectionKind::Misplaced(
            "the request has an access token in the Authorization header and in the query string; use the header only",
        )),
        (None, true) => Err(RejectionKind::Misplaced(
            "an access token in the query string is not accepted because URLs are logged; use the Authorization header",
        )),
        (Some(Err(_)), false) => Err(RejectionKind::Misplaced(
            "the Authorization header has the scheme Bearer and no valid token",
        )),
        (Some(Ok(token)), false) => Ok(token),
        (None, false) => Err(RejectionKind::NoToken),
    }
}

/// Returns whether a query string or form has the parameter `access_token`, however its name is
/// encoded.
pub(crate) fn has_access_token(encoded: &[u8]) -> bool {
    encoded.split(|byte| *byte == b'&').any(|pair| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        oauth_types::decode_form_component(name).is_some_and(|name| name == "access_token")
    })
}

fn check_scope<S: RequiredScope>(token: &VerifiedToken) -> Result<(), RejectionKind> {
    let allowed = token.scope().contains(S::SCOPE);
    let (expected, found) = (|| S::SCOPE.to_owned(), || token.scope().to_string());
    check(Rule::Scope, allowed, expected, found, "insufficient scope").map_err(|_| {
        tracing::info!(
            jti = token.jti(),
            required = S::SCOPE,
            "access token rejected: insufficient scope"
        );
        RejectionKind::Scope { required: S::SCOPE, granted: token.scope().to_string() }
    })
}

/// Logs the complete reason, with the fingerprint of the token.
fn log(token: &AccessToken, error: VerifyError) -> RejectionKind {
    match &error {
        VerifyError::Invalid { reason, .. } => {
            tracing::info!(token = %token.fingerprint(), reason, "access token rejected");
        }
        VerifyError::Unavailable { reason, .. } => {
            tracing::warn!(reason, "cannot verify access tokens");
        }
    }
    RejectionKind::Verify(error)
}
