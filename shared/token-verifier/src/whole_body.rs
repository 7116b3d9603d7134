use axum::{
    body::Bytes,
    extract::{FromRef, FromRequest, Request},
};

use crate::{
    rejection::{BearerRejection, RejectionKind},
    verifier::Verifier,
};

/// Extractor for the complete request body. If the body is too long or incomplete, the error
/// response has a challenge, like every error response of a protected resource. List it after
/// [`Authorized`](crate::Authorized), so that a missing token is reported first.
#[derive(Debug)]
pub struct WholeBody(pub Bytes);

impl<State: Send + Sync> FromRequest<State> for WholeBody
where
    Verifier: FromRef<State>,
{
    type Rejection = BearerRejection;

    async fn from_request(request: Request, state: &State) -> Result<Self, BearerRejection> {
        read_body(&Verifier::from_ref(state), request).await.map(Self)
    }
}

pub(crate) async fn read_body(
    verifier: &Verifier,
    request: Request,
) -> Result<Bytes, BearerRejection> {
    Bytes::from_request(request, &()).await.map_err(|rejection| {
        BearerRejection::new(verifier, RejectionKind::UnreadableBody(rejection.status()))
    })
}
