use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};

use crate::{login::Refusal, state::App, views::RefusalPage};

/// The provider that a path names. A name that is no text is nobody's.
pub struct ProviderName(pub String);

impl FromRequestParts<App> for ProviderName {
    type Rejection = RefusalPage;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, RefusalPage> {
        match Path::<String>::from_request_parts(parts, app).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(RefusalPage::in_request(app, parts, Refusal::NoSuchProvider).await),
        }
    }
}
