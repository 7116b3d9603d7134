use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::StatusCode,
};

use crate::{login::Refusal, state::App, views::RefusalPage};

/// The form that a page sends, whole. Who sends it is at a browser, so one that is too long or
/// breaks off is refused with a page.
pub struct FormBody(pub Bytes);

impl FromRequest<App> for FormBody {
    type Rejection = RefusalPage;

    async fn from_request(request: Request, app: &App) -> Result<Self, RefusalPage> {
        let (mut parts, body) = request.into_parts();
        match Bytes::from_request(Request::from_parts(parts.clone(), body), app).await {
            Ok(body) => Ok(Self(body)),
            Err(rejection) => {
                let too_long = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
                let status =
                    if too_long { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
                Err(RefusalPage::in_request(app, &mut parts, Refusal::Beforehand(status)).await)
            }
        }
    }
}
