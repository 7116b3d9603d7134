use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use service_kit::Limits;
use tokio::time::timeout;
use tower::Service;

use super::{
    context::ControlContext,
    error::ControlError,
    issuer::{ISSUER, NamedIssuer},
    json_body::read,
};

/// The control API of each issuer of a server.
struct IssuerRoutes {
    /// That of the issuer of the settings, which also answers calls for unknown issuers.
    default: Router,
    further: Vec<(Arc<ControlContext>, Router)>,
    max_body_bytes: usize,
    request_timeout: Duration,
}

/// The member of a body that names an issuer. The others are read where the call is.
#[derive(Default, Deserialize)]
struct Named {
    issuer: Option<String>,
}

/// Returns routes that pass each call to the issuer that it names: in the query, or in a member of
/// its body. Without either it is the one of the settings.
pub fn call_named_issuer(
    default: Router,
    further: Vec<(Arc<ControlContext>, Router)>,
    limits: &Limits,
) -> Router {
    if further.is_empty() {
        return default;
    }
    let routes = IssuerRoutes {
        default,
        further,
        max_body_bytes: limits.max_body_bytes,
        request_timeout: Duration::from_secs(limits.request_timeout_seconds),
    };
    Router::new().fallback(call).with_state(Arc::new(routes))
}

async fn call(State(routes): State<Arc<IssuerRoutes>>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let in_query = form_urlencoded::parse(query.as_bytes())
        .find_map(|(name, value)| (name == ISSUER).then(|| value.into_owned()));
    let (named, request) = match in_query {
        Some(named) => (Some(named), request),
        None => {
            let read = named_in_body(request, routes.max_body_bytes);
            match timeout(routes.request_timeout, read).await {
                Ok(Ok(read)) => read,
                Ok(Err(rejection)) => return rejection,
                Err(_) => return ControlError::too_slow().into_response(),
            }
        }
    };
    let chosen = named.and_then(|named| {
        routes.further.iter().find(|(context, _)| context.is_named(&named)).map(|(_, own)| own)
    });
    let mut chosen = chosen.unwrap_or(&routes.default).clone();
    match chosen.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Reads the body. A malformed one is rejected where the call is.
async fn named_in_body(
    mut request: Request,
    max_body_bytes: usize,
) -> Result<(Option<String>, Request), Response> {
    DefaultBodyLimit::max(max_body_bytes).apply(&mut request);
    let (parts, body) = request.into_parts();
    let bytes = read(Request::from_parts(parts.clone(), body), &()).await?;
    let named: Named = serde_json::from_slice(&bytes).unwrap_or_default();
    Ok((named.issuer, Request::from_parts(parts, Body::from(bytes))))
}
