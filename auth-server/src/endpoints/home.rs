use axum::{
    extract::State,
    response::{IntoResponse, Response},
};

use crate::{app::App, pages::HomePage, visitor::Visitor};

/// `GET /`: where to go from here, for a person who opened the issuer's address.
pub async fn home(State(app): State<App>, visitor: Visitor) -> Response {
    let issuer = app.issuer.issuer.trim_end_matches('/');
    HomePage { issuer }.page(&app.pages, &visitor.browser).into_response()
}
