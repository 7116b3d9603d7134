use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;
use oauth_types::Form;

use super::{AuthorizationContext, request_object::named_key};
use crate::{domain::Client, outbound::UrlTrust};

/// Returns the published keys of the client (`jwks_uri`) if the request is signed.
pub async fn published_keys(
    context: &AuthorizationContext,
    encoded: &[u8],
    client: Option<&Client>,
) -> Option<Arc<JwkSet>> {
    let (form, _) = Form::parse_with_duplicates(encoded).ok()?;
    let object = form.get("request")?;
    let client = client?;
    let url = client.login.as_ref()?.jwks_uri.as_deref()?;
    let kid = named_key(object);
    context.client_keys.at(&context.outbound, url, UrlTrust::of(client), kid.as_deref()).await
}
