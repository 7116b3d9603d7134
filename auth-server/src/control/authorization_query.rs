use std::borrow::Cow;

use crate::{compat::wechat, oauth::authorize::AuthorizationContext};

/// Returns the query that the authorization endpoint reads, if the path is that of such an
/// endpoint. WeChat's parameters are translated where its endpoints are served.
pub fn authorization_query<'a>(
    context: &AuthorizationContext,
    path: &str,
    query: &'a str,
) -> Option<Cow<'a, str>> {
    match path {
        "/oauth/authorize" => Some(query.into()),
        "/connect/oauth2/authorize" | "/connect/qrconnect" if context.wechat => {
            Some(wechat::standard_query(query).into())
        }
        _ => None,
    }
}
