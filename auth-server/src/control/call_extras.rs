use std::{collections::HashSet, sync::Arc};

use axum::{
    body::Body,
    extract::{FromRequest, Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    context::ControlContext,
    error::ControlError,
    issuer::{ISSUER, NamedIssuer, unknown_issuer},
    json_body::OptionalJsonBody,
};

/// The parameter of the calls at `RESOURCES`.
const IDENTIFIER: &str = "identifier";
const RESOURCES: &str = "/control/resources";

/// The members of a body that a call does not need.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoMembers {}

/// Middleware: checks the query, and the body of a call that needs none. A call that ignored what
/// it does not know could affect more than it should. `?issuer=` must name an issuer of this
/// server.
pub async fn check_extras(
    State(context): State<Arc<ControlContext>>,
    request: Request,
    next: Next,
) -> Response {
    let known = match request.uri().path() {
        RESOURCES => &[ISSUER, IDENTIFIER][..],
        _ => &[ISSUER],
    };
    let query = request.uri().query().unwrap_or_default();
    let mut seen = HashSet::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if !known.contains(&&*name) {
            let known = known.join(", ");
            let error = ControlError::invalid(format!("unknown query parameter `{name}`"));
            return error.expecting(known).into_response();
        }
        if !seen.insert(name.clone()) {
            let text = format!("the query has the parameter `{name}` more than once");
            return ControlError::invalid(text).expecting("one value").into_response();
        }
        if name == ISSUER && !context.is_named(&value) {
            return unknown_issuer(&value).into_response();
        }
    }
    if ![Method::GET, Method::DELETE].contains(request.method()) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts.clone(), body);
    match OptionalJsonBody::<NoMembers>::from_request(request, &context).await {
        Ok(_) => next.run(Request::from_parts(parts, Body::empty())).await,
        Err(rejection) => rejection,
    }
}
