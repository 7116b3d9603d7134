use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;
use oauth_types::Form;

use super::request_object::named_key;
use crate::{outbound::Named, state::App};

/// The keys of the client that asks, if it has signed its request and publishes them at a URL
/// (`jwks_uri`).
pub async fn published_keys(app: &App, encoded: &[u8]) -> Option<Arc<JwkSet>> {
    let (form, _) = Form::parse_with_duplicates(encoded).ok()?;
    let object = form.get("request")?;
    let client = app.registry.current().client(form.get("client_id")?)?.clone();
    let url = client.login.as_ref()?.jwks_uri.as_deref()?;
    let kid = named_key(object);
    app.client_keys
        .at(&app.outgoing, url, Named::by(&client), kid.as_deref(), app.clock.seconds())
        .await
}
