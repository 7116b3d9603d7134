use axum::http::{HeaderMap, header::AUTHORIZATION};
use oauth_types::{AccessToken, bearer};

/// Returns the token of the only `Authorization` header, if its scheme is `Bearer`.
pub fn bearer_token(headers: &HeaderMap) -> Option<AccessToken> {
    let mut headers = headers.get_all(AUTHORIZATION).iter();
    let token = bearer::parse(headers.next()?.as_bytes())?.ok()?;
    headers.next().is_none().then_some(token)
}
