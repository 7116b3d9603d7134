use std::{marker::PhantomData, ops::Deref, sync::Arc};

use axum::extract::{FromRef, FromRequestParts};
use flow_events::Rule;
use http::{header::AUTHORIZATION, request::Parts};
use oauth_types::{AccessToken, bearer};

use crate::{
    BearerRejection, VerifiedToken, Verifier, VerifyError, check::check, rejection::RejectionKind,
};

/// The scope that a handler needs.
pub trait RequiredScope {
    /// One scope token (RFC 6749 §3.3).
    const SCOPE: &'static str;
}

/// A good token that allows `S`. A handler that takes one is never called without.
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
        let refused = |why| refusal(&verifier, why);
        let token = shown(parts).map_err(refused)?;
        let verified =
            verifier.verify(&token).await.map_err(|error| refused(told(&token, error)))?;
        check_scope::<S>(&verified).map_err(refused)?;
        Ok(Self { token: verified, scope: PhantomData })
    }
}

/// Find the token, in the header and there alone (RFC 6750 §2.1): a form body is not for a resource
/// to parse, and a URL is kept by every log on the way (§2.3, RFC 9700 §4.3.2).
fn shown(parts: &Parts) -> Result<AccessToken, RejectionKind> {
    let in_query = parts.uri.query().is_some_and(|query| has_access_token(query.as_bytes()));
    let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
    let header = headers.next().and_then(|value| bearer::parse(value.as_bytes()));
    match (header, in_query) {
        _ if headers.next().is_some() => {
            Err(RejectionKind::Misplaced("there is more than one Authorization header"))
        }
        (Some(_), true) => Err(RejectionKind::Misplaced(
            "the access token was sent in the header and in the URL: use the header alone",
        )),
        (None, true) => Err(RejectionKind::Misplaced(
            "an access token in the URL is not taken, every log would keep it: use the header",
        )),
        (Some(Err(_)), false) => {
            Err(RejectionKind::Misplaced("the Authorization header says Bearer and holds no token"))
        }
        (Some(Ok(token)), false) => Ok(token),
        (None, false) => Err(RejectionKind::NoToken),
    }
}

/// Does a query or a form have this parameter, however its name is encoded?
pub(crate) fn has_access_token(encoded: &[u8]) -> bool {
    encoded.split(|byte| *byte == b'&').any(|pair| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        oauth_types::decode_form_component(name).is_some_and(|name| name == "access_token")
    })
}

fn check_scope<S: RequiredScope>(token: &VerifiedToken) -> Result<(), RejectionKind> {
    let allowed = token.scope().contains(S::SCOPE);
    let (expected, found) = (|| S::SCOPE.to_owned(), || token.scope().to_string());
    check(Rule::Scope, allowed, expected, found, "the scope does not allow this").map_err(|_| {
        tracing::info!(jti = token.jti(), needed = S::SCOPE, "a token was refused for its scope");
        RejectionKind::Scope { needed: S::SCOPE, has: token.scope().to_string() }
    })
}

/// The log has the whole reason, with the token's fingerprint in the token's place.
fn told(token: &AccessToken, error: VerifyError) -> RejectionKind {
    match &error {
        VerifyError::Invalid { reason, .. } => {
            tracing::info!(token = %token.fingerprint(), reason, "a token was refused");
        }
        VerifyError::Unavailable { reason, .. } => {
            tracing::warn!(reason, "no token can be checked now")
        }
    }
    RejectionKind::Verify(error)
}

pub(crate) fn refusal(verifier: &Verifier, why: RejectionKind) -> BearerRejection {
    let inner = &verifier.0;
    BearerRejection {
        why,
        realm: inner.resource.clone(),
        metadata_url: inner.metadata_url.clone(),
        detail: inner.detail,
    }
}
