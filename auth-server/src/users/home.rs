use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::{
    http::Visitor,
    pages::{HomePage, render},
    state::App,
};

/// `GET /`: where to go from here, for a person who opened the issuer's address.
pub async fn home(State(app): State<App>, visitor: Visitor) -> Response {
    let signed_in = visitor.signed_in(&app).await.unwrap_or_default();
    let page = HomePage {
        issuer: app.issuer.issuer.trim_end_matches('/').to_owned(),
        account: "/account".to_owned(),
        device: "/device".to_owned(),
        signed_in_as: signed_in.map(|signed_in| signed_in.user.display_name().to_owned()),
    };
    render(&app.pages, &visitor.browser, StatusCode::OK, &page).into_response()
}
