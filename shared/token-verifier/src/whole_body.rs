use axum::{
    body::Bytes,
    extract::{FromRef, FromRequest, Request},
};

use crate::{BearerRejection, Verifier, authorized::refusal, rejection::RejectionKind};

/// The body of a request, whole. One that is too long, or breaks off, is refused with a challenge,
/// as every other no of a resource. A handler takes it after its [`Pass`](crate::Pass): who has
/// none is told that first.
#[derive(Debug)]
pub struct WholeBody(pub Bytes);

impl<State: Send + Sync> FromRequest<State> for WholeBody
where
    Verifier: FromRef<State>,
{
    type Rejection = BearerRejection;

    async fn from_request(request: Request, state: &State) -> Result<Self, BearerRejection> {
        whole(&Verifier::from_ref(state), request).await.map(Self)
    }
}

pub(crate) async fn whole(verifier: &Verifier, request: Request) -> Result<Bytes, BearerRejection> {
    let body = Bytes::from_request(request, &()).await;
    body.map_err(|rejection| refusal(verifier, RejectionKind::Unreadable(rejection.status())))
}
