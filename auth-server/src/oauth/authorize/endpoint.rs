use axum::{
    extract::{RawQuery, State},
    http::header,
    response::{IntoResponse, Redirect, Response},
};

use super::{Flow, read_request};
use crate::http::RawForm;
use crate::{
    domain::InteractionProgress,
    http::{ClientAddress, Failure, PageFailure, Visitor},
    state::App,
};

/// `GET /oauth/authorize` (RFC 6749 §3.1): a client sends the user here to be asked.
pub async fn authorize(
    State(app): State<App>,
    visitor: Visitor,
    address: ClientAddress,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    show(&app, &visitor, address, &query)
        .await
        .unwrap_or_else(|failure| failure.page(&app, &visitor.browser))
}

async fn show(
    app: &App,
    visitor: &Visitor,
    address: ClientAddress,
    query: &str,
) -> Result<Response, PageFailure> {
    let request = read_request(app, &visitor.browser, query, address).await?;
    let signed_in = visitor.signed_in(app).await?;
    let flow = Flow { app, browser: &visitor.browser, request: &request, query, address };
    flow.proceed(signed_in.as_ref(), InteractionProgress::Nothing).await
}

/// `POST /oauth/authorize`: the same, as a form (OpenID Connect Core §3.1.2.1). The browser is sent
/// on with a GET, because it shows its session cookie on that one.
pub async fn authorize_posted(
    State(app): State<App>,
    visitor: Visitor,
    form: Result<RawForm, Failure>,
) -> Response {
    match form {
        Ok(RawForm(query)) => (
            [(header::CACHE_CONTROL, "no-store")],
            Redirect::to(&format!("/oauth/authorize?{query}")),
        )
            .into_response(),
        Err(failure) => PageFailure::from(failure).page(&app, &visitor.browser),
    }
}
