use axum::{
    Extension,
    body::Bytes,
    extract::{
        Query, State,
        rejection::{BytesRejection, QueryRejection},
    },
};
use http::{Method, StatusCode};
use serde::Deserialize;
use service_kit::RequestId;

use crate::{
    b_client::Failure,
    b_client::{Answer, Call},
    settings::Target,
    state::App,
};

/// Which B, and nothing else: `?target=local` (the default) or `?target=introspection`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    target: Option<String>,
}

/// `GET /api/call-b`: A reads B's resource, and hands on what B answered.
pub async fn read(
    State(app): State<App>,
    Extension(id): Extension<RequestId>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Answer, Failure> {
    let call = Call {
        target: target(&app, which, &id)?,
        method: Method::GET,
        path: "/api/resource",
        body: None,
    };
    app.b.call(&call).await.map_err(|failure| failure.in_request(&id))
}

/// `POST /api/call-b`: A lets B do something, with the body that came.
pub async fn write(
    State(app): State<App>,
    Extension(id): Extension<RequestId>,
    which: Result<Query<Which>, QueryRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Answer, Failure> {
    let target = target(&app, which, &id)?;
    let refused = |rejection: BytesRejection| {
        Failure::of_request(rejection.status(), rejection.body_text()).in_request(&id)
    };
    let body = body.map_err(refused)?;
    let call = Call { target, method: Method::POST, path: "/api/do_something", body: Some(body) };
    app.b.call(&call).await.map_err(|failure| failure.in_request(&id))
}

fn target<'a>(
    app: &'a App,
    which: Result<Query<Which>, QueryRejection>,
    id: &RequestId,
) -> Result<&'a Target, Failure> {
    let refused =
        |reason: String| Failure::of_request(StatusCode::BAD_REQUEST, reason).in_request(id);
    let Query(which) = which.map_err(|rejection| refused(rejection.body_text()))?;
    match which.target.as_deref() {
        None | Some("local") => Ok(&app.targets.local),
        Some("introspection") => Ok(&app.targets.introspection),
        Some(_) => Err(refused("target is `local` or `introspection`".to_owned())),
    }
}
