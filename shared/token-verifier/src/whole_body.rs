use axum::{
    body::Bytes,
    extract::{FromRef, FromRequest, Request},
};

use crate::{Refusal, Verifier, authorized::refusal, rejection::Why};

/// The body of a request, whole. One that is too long, or breaks off, is refused with a challenge,
/// as every other no of a resource. A handler takes it after its [`Pass`](crate::Pass): who has
/// none is told that first.
#[derive(Debug)]
pub struct WholeBody(pub Bytes);

impl<State: Send + Sync> FromRequest<State> for WholeBody
where
    Verifier: FromRef<State>,
{
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &State) -> Result<Self, Refusal> {
        whole(&Verifier::from_ref(state), request).await.map(Self)
    }
}

pub(crate) async fn whole(verifier: &Verifier, request: Request) -> Result<Bytes, Refusal> {
    let body = Bytes::from_request(request, &()).await;
    body.map_err(|rejection| refusal(verifier, Why::Unreadable(rejection.status())))
}
