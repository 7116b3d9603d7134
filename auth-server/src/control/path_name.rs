use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};

use super::error::ControlError;

/// Extractor for the one name in a path.
pub struct PathName(pub String);

impl<S: Send + Sync> FromRequestParts<S> for PathName {
    type Rejection = ControlError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ControlError> {
        let name = Path::from_request_parts(parts, state).await;
        name.map(|Path(name)| Self(name)).map_err(|_| {
            ControlError::invalid("the name in the path is not UTF-8").expecting("UTF-8")
        })
    }
}
