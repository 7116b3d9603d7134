use std::{marker::PhantomData, ops::Deref, sync::Arc};

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;

use crate::{
    authorize::authorize, rejection::BearerRejection, requirement::Requirement,
    verified_token::VerifiedToken, verifier::Verifier,
};

/// Extractor for a verified access token that satisfies the requirement `R`: a scope, a claim, or
/// both, see [`Requirement`]. A handler that takes it is called only for requests with such a
/// token; all others get a [`BearerRejection`].
#[derive(Clone, Debug)]
pub struct Authorized<R> {
    token: Arc<VerifiedToken>,
    requirement: PhantomData<fn() -> R>,
}

impl<R> Deref for Authorized<R> {
    type Target = VerifiedToken;

    fn deref(&self) -> &VerifiedToken {
        &self.token
    }
}

impl<R: Requirement, State: Sync> FromRequestParts<State> for Authorized<R>
where
    Verifier: FromRef<State>,
{
    type Rejection = BearerRejection;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, BearerRejection> {
        let token = authorize::<R>(&Verifier::from_ref(state), parts).await?;
        Ok(Self { token, requirement: PhantomData })
    }
}
