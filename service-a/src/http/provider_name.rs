use axum::{
    extract::{FromRef, FromRequestParts, Path},
    http::request::Parts,
};

use super::{error_page::ErrorPage, website_error::WebsiteError};
use crate::views::Views;

/// Name of a provider in the path of the request.
pub struct ProviderName(pub String);

impl<S> FromRequestParts<S> for ProviderName
where
    Views: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ErrorPage;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ErrorPage> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            // A name that is not UTF-8 belongs to no provider.
            Err(_) => {
                let error = WebsiteError::UnknownProvider;
                Err(ErrorPage::for_request(&Views::from_ref(state), parts, error).await)
            }
        }
    }
}
