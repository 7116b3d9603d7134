use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    context::ControlContext, error::ControlError, issuer::unknown_issuer, json_body::JsonBody,
    path_name::PathName,
};
use crate::{http::NO_STORE, typed_json::web_url};

/// The body of `PUT /control/issuers/{name}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerUrl {
    #[serde(deserialize_with = "web_url")]
    pub url: Url,
}

/// The issuer in a response.
#[derive(Serialize)]
pub struct SetIssuer {
    pub issuer: String,
}

/// `PUT /control/issuers/{name}` of a server whose issuer is known: it cannot change, because
/// tokens may have been issued under it.
pub async fn set(
    State(context): State<Arc<ControlContext>>,
    PathName(name): PathName,
    JsonBody(IssuerUrl { url }): JsonBody<IssuerUrl>,
) -> Result<impl IntoResponse, ControlError> {
    let named = context.issuers.iter().find(|issuer| issuer.name == name);
    let issuer = named.ok_or_else(|| unknown_issuer(&name))?.issuer.clone();
    if url.as_str().trim_end_matches('/') != issuer.trim_end_matches('/') {
        let text = format!("the issuer is `{issuer}` and cannot change while the server runs");
        return Err(ControlError::invalid(text).at("/url").expecting(issuer));
    }
    Ok((NO_STORE, Json(SetIssuer { issuer })))
}
