use axum::{
    body::Bytes,
    extract::{FromRef, FromRequest, Request},
    http::StatusCode,
};

use super::{error_page::ErrorPage, website_error::WebsiteError};
use crate::views::Views;

/// Body of a form. A body that is too long or incomplete is rejected with an HTML page, because
/// forms are submitted by browsers.
pub struct FormBody(pub Bytes);

impl<S> FromRequest<S> for FormBody
where
    Views: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ErrorPage;

    async fn from_request(request: Request, state: &S) -> Result<Self, ErrorPage> {
        let (mut parts, body) = request.into_parts();
        match Bytes::from_request(Request::from_parts(parts.clone(), body), state).await {
            Ok(body) => Ok(Self(body)),
            Err(rejection) => {
                let too_long = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
                let status =
                    if too_long { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
                let error = WebsiteError::BeforeHandler(status);
                Err(ErrorPage::for_request(&Views::from_ref(state), &mut parts, error).await)
            }
        }
    }
}
